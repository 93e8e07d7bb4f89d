"""How soon `nlp.pipe` hands out the first Doc.

    python project/benchmarks/stream.py --data dev.jsonl.gz --limit 48

Data as for cpu.py. Times are those of the processor, on one thread; look at their ratio.
"""

import argparse
import random
import time
from pathlib import Path

from cpu import read_groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="+", type=Path, required=True, help="JSONL files")
    parser.add_argument("--model", help="name or directory; else the default")
    parser.add_argument("--limit", type=int, default=48, help="sentences in all")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of sentences")
    args = parser.parse_args()
    args.max_words, args.docs, args.messy = None, args.limit, False
    groups = read_groups(args)

    import torch

    import spacy_gner

    torch.set_num_threads(1)
    labels = sorted({label for group in groups for label in group["labels"]})
    nlp = (
        spacy_gner.load(args.model, labels=labels) if args.model else spacy_gner.load(labels=labels)
    )
    texts = [" ".join(words) for group in groups for words in group["words"]]
    random.Random(args.seed).shuffle(texts)
    nlp("A text to load the model with.")
    start = time.process_time()
    times = [time.process_time() - start for _ in nlp.pipe(texts)]
    share = times[0] / times[-1]
    print(f"first of {len(times)} Docs after {times[0]:.2f} of {times[-1]:.2f} s ({share:.0%})")


if __name__ == "__main__":
    main()

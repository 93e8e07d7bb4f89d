"""Entities in three texts, found by the embedded default model: `make demo`."""

import time

import spacy

TEXTS = [
    (
        {"PERSON": "person", "CITY": "city", "ORG": "university", "AWARD": "award"},
        "Marie Curie was born in Warsaw and moved to Paris to study at the Sorbonne. "
        "She won the Nobel Prize in Physics together with Pierre Curie and Henri Becquerel.",
    ),
    (
        ["company", "person", "product", "country"],
        "Nokia began as a paper mill in Finland. In 1998 it became the largest maker of "
        "mobile phones, and the Nokia 3310 sold 126 million times under Jorma Ollila.",
    ),
    (
        ["dish", "restaurant", "neighborhood", "price"],
        "find me a cheap place with good tiramisu near brooklyn heights, or is "
        "luigi's trattoria open late",
    ),
]


def main() -> None:
    """Build a blank pipeline, add the component, print what it finds."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    gner = nlp.add_pipe("gner")
    start = time.perf_counter()
    for labels, text in TEXTS:
        gner.set_labels(labels)  # type: ignore[attr-defined]
        doc = nlp(text)
        print(f"\n{text}\n  looked for: {', '.join(gner.labels)}")  # type: ignore[attr-defined]
        for ent in doc.ents:
            print(f"  {ent.label_:<14} {ent._.gner_score:.2f}  {ent.text}")
    print(f"\n{time.perf_counter() - start:.1f} s, with loading the model")


if __name__ == "__main__":
    main()

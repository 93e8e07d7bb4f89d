"""Directories that are replaced whole, and what killed processes leave beside them."""

import pytest

from spacy_gner.backbones.files import (
    recover_directory,
    remove_leftovers,
    replaced_directory,
    write_object,
)


@pytest.fixture(params=["model", "model[1]", "mo*el", "m?del", "[!a]"])
def folder(tmp_path, request):
    """A directory whose name may hold characters that are signs of patterns, and a stranger
    that such a pattern would match."""
    for stranger in (".model.old-1", ".model1.new-1", ".model1.old-1", ".b.new-1"):
        (tmp_path / stranger).mkdir()
    (tmp_path / request.param).mkdir()
    return tmp_path / request.param


def strangers(folder):
    own = f".{folder.name}."
    return {p.name for p in folder.parent.iterdir() if p != folder and not p.name.startswith(own)}


def test_a_directory_that_was_put_aside_comes_back(folder):
    (folder / "a").write_text("old", encoding="utf8")
    before = strangers(folder)
    folder.rename(folder.parent / f".{folder.name}.old-2")
    recover_directory(folder)
    assert strangers(folder) == before
    assert folder.name == "model" or (folder / "a").read_text(encoding="utf8") == "old"
    assert folder.is_dir()


def test_only_own_leftovers_are_removed(folder):
    (folder.parent / f".{folder.name}.new-3").mkdir()
    before = strangers(folder)
    with replaced_directory(folder) as new:
        (new / "a").write_text("new", encoding="utf8")
    assert strangers(folder) == before and (folder / "a").is_file()
    assert not [p for p in folder.parent.iterdir() if p.name.startswith(f".{folder.name}.")]


def test_leftovers_of_a_file_with_a_pattern_for_a_name(tmp_path):
    (tmp_path / ".c*g.new-1").touch()
    (tmp_path / ".cfg.new-1").touch()
    write_object(tmp_path / "c*g", {})
    assert {p.name for p in tmp_path.iterdir()} == {"c*g", ".cfg.new-1"}


def test_leftovers_that_lead_nowhere(tmp_path):
    (tmp_path / ".model.new-1").symlink_to(tmp_path / "gone")
    remove_leftovers(tmp_path / "model")

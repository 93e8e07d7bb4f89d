"""`annotate --engine ray`: options that cannot be, and what Ray's absence says."""

import builtins

import pytest
from typer.testing import CliRunner

from spacy_gner.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["annotate", *map(str, arguments), "--labels", "person"])


def test_missing_ray_is_said_with_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without_ray(name, *args, **kwargs):
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_ray)
    result = run(tmp_path, "--engine", "ray", "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert "GNER-E707" in result.output and "spacy-gner[ray]" in result.output
    assert not (tmp_path / "out").exists()


def test_unknown_engine_is_refused(tmp_path):
    assert run(tmp_path, "--engine", "dask").exit_code == 2


def test_options_that_a_cluster_cannot_use_are_refused(tmp_path):
    pytest.importorskip("ray", reason="needs the extra ray")
    (tmp_path / "a.txt").write_text("Ann")
    (tmp_path / "a.csv").write_text("body\nAnn\n")
    (tmp_path / "a.json").write_text('["Ann"]')
    for arguments, code in (
        ((tmp_path / "a.txt",), "E711"),
        (("-", "--output", tmp_path / "out"), "E711"),
        ((tmp_path / "a.txt", "--output", tmp_path / "out", "--format", "brat"), "E017"),
        ((tmp_path / "missing", "--output", tmp_path / "out"), "E028"),
        ((tmp_path, "--output", tmp_path / "out"), "E714"),
        ((tmp_path / "a.csv", "--output", tmp_path / "out"), "E703"),
        ((tmp_path / "a.json", "--output", tmp_path / "out"), "E713"),
    ):
        result = run(*arguments, "--engine", "ray")
        assert result.exit_code == 2, arguments
        assert f"GNER-{code}" in result.output
        assert not (tmp_path / "out").exists()

"""The house has floors (docs/architecture.md): a room imports from those below, and no two files
import each other, however long the way around is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import spacy_gner

PACKAGE = Path(spacy_gner.__file__).parent
# From the lowest to the highest.
FLOORS = [
    ("errors", "about", "extensions", "models"),
    ("matching", "pages"),
    ("formats",),
    ("backbones",),
    ("planning",),
    ("corpora",),
    ("decoding",),
    ("training",),
    ("pipeline",),
    ("evaluation",),
    ("serving", "distributed"),
    ("cli", "__init__", "__main__"),
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# The public face is lazy: it names what is above it.
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[Path]:
    """YIELDS (Path): The files of the package that a file imports, in functions as well. What is
    imported for type checkers alone is no dependency."""
    tree = ast.parse(path.read_text(encoding="utf8"))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1]
            base = base.joinpath(*node.module.split(".")) if node.module else base
            for alias in node.names:
                yield from _files(base / alias.name, base)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spacy_gner"):
            base = PACKAGE.parent.joinpath(*str(node.module).split("."))
            for alias in node.names:
                yield from _files(base / alias.name, base)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("spacy_gner"):
                    base = PACKAGE.parent.joinpath(*alias.name.split("."))
                    yield from _files(base, base)


def _files(*candidates: Path) -> Iterator[Path]:
    for candidate in candidates:
        for path in (candidate.with_suffix(".py"), candidate / "__init__.py"):
            if path.is_file():
                yield path
                return


GRAPH = {path: {other for other in imports(path) if other != path} for path in FILES}


def test_imports_are_found():
    assert sum(map(len, GRAPH.values())) > 150


def test_every_room_has_a_floor():
    assert {room(path) for path in FILES} <= set(FLOOR_OF)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_upward(path: Path):
    floor = FLOOR_OF[room(path)]
    upward = [
        str(other.relative_to(PACKAGE))
        for other in GRAPH[path]
        if other != PACKAGE / "__init__.py" and FLOOR_OF[room(other)] > floor
    ]
    assert not upward


def test_no_circle():
    done: set[Path] = set()
    for start in GRAPH:
        circle = _find_circle(start, [], done)
        assert circle is None, " -> ".join(str(p.relative_to(PACKAGE)) for p in circle)


def _find_circle(path: Path, way: list[Path], done: set[Path]) -> list[Path] | None:
    if path in way:
        return [*way[way.index(path) :], path]
    if path in done or path not in GRAPH:
        return None
    for other in sorted(GRAPH[path]):
        circle = _find_circle(other, [*way, path], done)
        if circle is not None:
            return circle
    done.add(path)
    return None

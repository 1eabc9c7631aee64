"""The stand-in's modules import each other in one direction only, for types as well."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import sandbox

SOURCES = {path.stem: path for path in Path(sandbox.__file__).parent.glob("*.py")}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "sandbox":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sandbox."):
            found.add(node.module.split(".")[1])
    return found & SOURCES.keys()


def test_there_is_no_circle():
    """Raises CycleError, with the modules of the circle."""
    graph = {name: imported(path) for name, path in SOURCES.items()}
    assert graph["server"] >= {"control", "world"}
    assert list(TopologicalSorter(graph).static_order())

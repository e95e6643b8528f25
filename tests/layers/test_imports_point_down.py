"""Imports point down, and the core imports nothing but jax and numpy."""

import ast
import sys
from pathlib import Path

import pytest

import vestige

SOURCE = Path(vestige.__file__).parent
# each package may import from itself and from those before it
LEAVES = {"_look"}  # import nothing of the library; all above the core may take them
ORDER = ["_compat", "ops", "graph", "rules", "learn"]
SIDE = ["nn", "neurons", "cells", "nest"]  # use operators; what drives them does not import them
CORE = {"_compat", "ops", "graph", "rules"}
CORE_MAY = {"jax", "numpy"}
PRIVATE = "jax._src"

FILES = sorted(SOURCE.rglob("*.py"))
relative = lambda path: path.relative_to(SOURCE)


def package(path: Path) -> str:
    """First part of a file's place in the library; the root module is `vestige`."""
    first = relative(path).parts[0].removesuffix(".py")
    return "vestige" if first == "__init__" else first


def imported(path: Path) -> set[str]:
    """Absolute dotted names that a file imports."""
    here = ["vestige", *relative(path).with_suffix("").parts]
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level] if node.level else []
            module = [*base, *([node.module] if node.module else [])]
            names |= {".".join([*module, a.name]) for a in node.names}
    return names


def inside(path: Path) -> set[str]:
    """Packages of the library that a file imports."""
    return {n.split(".")[1] for n in imported(path) if n.startswith("vestige.") and n.count(".")}


def allowed(name: str) -> set[str]:
    if name in LEAVES:
        return {name}
    if name in ORDER:
        return {*ORDER[: ORDER.index(name) + 1]}
    if name in SIDE:
        return {*ORDER, *SIDE, *LEAVES}
    return {p.stem if p.suffix else p.name for p in SOURCE.iterdir()}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(relative(p)))
def test_imports_point_down(path):
    assert inside(path) - {"__version__"} <= allowed(package(path)), (
        f"{relative(path)} imports from a layer above its own"
    )


@pytest.mark.parametrize("path", [p for p in FILES if package(p) in CORE], ids=lambda p: str(relative(p)))
def test_the_core_imports_jax_and_numpy_alone(path):
    roots = {n.split(".")[0] for n in imported(path)} - set(sys.stdlib_module_names) - {"vestige"}
    assert roots <= CORE_MAY


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(relative(p)))
def test_nobody_reaches_into_jax(path):
    assert not [n for n in imported(path) if n.startswith(PRIVATE)]


def test_operators_and_rules_never_name_each_other():
    rules = [p for p in FILES if package(p) == "rules"]
    ops = [p for p in FILES if package(p) == "ops"]
    assert not any("ops" in inside(p) for p in rules)
    assert not any("rules" in inside(p) for p in ops)


@pytest.mark.parametrize("path", [p for p in FILES if package(p) in {*CORE, "learn"}], ids=lambda p: str(relative(p)))
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= 250

"""Runs a tutorial's cells in one namespace, with the import lines changed and nothing else."""

import ast
import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from extract import stored

PROGRAMS = Path(__file__).parent / "programs"
IMPORTS = {
    "import brainscale": "import vestige as brainscale",
    "import braintrace": "import vestige as braintrace",
    "import braincell": "import vestige.cells as braincell",
}


@dataclass(frozen=True)
class Cell:
    """What one cell left behind: its printed text, and the value of its last expression."""

    printed: str
    shown: object


def play(number: str, calls: dict[str, str] | None = None) -> tuple[list[Cell], dict]:
    """Every cell of a stored tutorial in order, and the namespace at the end.

    `calls` replaces whole lines at the margin, so that a test can ask for fewer epochs where the
    tutorial calls its own training function; a line that is not there is an error.
    """
    names: dict = {"__name__": f"tutorial_{number}"}
    codes = [swap(code, IMPORTS) for code in stored(PROGRAMS / f"{number}.py")]
    for line, other in (calls or {}).items():
        assert sum(code.splitlines().count(line) for code in codes) == 1, f"no single line {line!r} in {number}"
        codes = [swap(code, {line: other}) for code in codes]
    return [run(code, names) for code in codes], names


def define(number: str, cells: int) -> dict:
    """The namespace after the first few cells of a tutorial: what it defines, before it runs."""
    names: dict = {"__name__": f"tutorial_{number}"}
    for code in stored(PROGRAMS / f"{number}.py")[:cells]:
        run(swap(code, IMPORTS), names)
    return names


def swap(code: str, lines: dict[str, str]) -> str:
    """The code with whole lines exchanged."""
    return "\n".join(lines.get(line.rstrip(), line) for line in code.splitlines())


def run(code: str, names: dict) -> Cell:
    """One cell, as a notebook runs it."""
    body = ast.parse(code).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    out, shown = io.StringIO(), None
    with contextlib.redirect_stdout(out):
        exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
        if last is not None:
            shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    return Cell(out.getvalue(), shown)

"""Code cells of the users' tutorials: from their text or notebook form, and back from our stored copies."""

import ast
import json
from pathlib import Path

MARK = "# %% "


def cells(text: str) -> list[str]:
    """Code cells of one tutorial, verbatim, in order."""
    if text.lstrip().startswith("{"):
        found = [c["source"] for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
        return ["".join(source).strip("\n") for source in found]
    return [code_part(part) for part in split_prompts(text)]


def split_prompts(text: str) -> list[str]:
    """What follows each `In [n]:` line, up to the next one: a cell, then its output and prose."""
    parts: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("In [") and line.rstrip().endswith("]:"):
            parts.append([])
        elif parts:
            parts[-1].append(line)
    return ["\n".join(lines) for lines in parts]


def code_part(part: str) -> str:
    """The leading paragraphs that are Python; printed output and prose after them are dropped."""
    paragraphs = part.strip("\n").split("\n\n")
    kept: list[str] = []
    for k, paragraph in enumerate(paragraphs):
        if kept and is_prose(paragraph):
            break
        # a paragraph inside a class or call parses only together with the ones after it
        ahead = any(parses("\n\n".join(paragraphs[k : k + n])) for n in range(1, 12))
        if not paragraph[:1].isspace() and not ahead:
            break
        kept.append(paragraph)
    return "\n\n".join(kept).strip("\n")


def is_prose(paragraph: str) -> bool:
    """A markdown heading (only comments, at the margin) or a displayed literal such as `{...}`."""
    if paragraph[:1].isspace() or not parses(paragraph):
        return False
    body = ast.parse(paragraph).body
    literals = (ast.Dict, ast.List, ast.Tuple, ast.Constant)
    shown = len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, literals)
    return not body or shown


def parses(code: str) -> bool:
    """Is it Python?"""
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def store(cells_: list[str]) -> str:
    """One file: every cell after a `# %% n` line."""
    return "\n\n\n".join(f"{MARK}{n}\n{cell}" for n, cell in enumerate(cells_, 1)) + "\n"


def stored(path: Path) -> list[str]:
    """The cells of a stored program."""
    parts = ("\n" + path.read_text()).split("\n" + MARK)[1:]
    return [part.split("\n", 1)[1].strip("\n") for part in parts]

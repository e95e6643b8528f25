"""A markdown page as a program: its python blocks in order, and the text that each is said to print."""

import ast
import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


@dataclass(frozen=True)
class Block:
    """Code, the line of the page at which it begins, and what follows it as ```text (None: nothing is said)."""

    code: str
    line: int
    printed: str | None


def pages() -> list[Path]:
    """README and every page under docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: str) -> list[Block]:
    """The python blocks of a page; a text block that follows one, with nothing between but space, is its output."""
    found, last = [], None
    for fence in FENCE.finditer(text):
        language, body = fence.groups()
        if language == "python":
            found.append(Block(body, text[: fence.start()].count("\n") + 2, None))
        elif language == "text" and last and last.group(1) == "python" and not text[last.end() : fence.start()].strip():
            found[-1] = Block(found[-1].code, found[-1].line, body)
        last = fence
    return found


def play(page: Path) -> list[tuple[Block, str]]:
    """Run a page's blocks in one namespace; what each printed."""
    names: dict[str, object] = {"__name__": page.stem}
    told = []
    for block in blocks(page.read_text()):
        # errors and the library's own messages then name the page's line
        tree = ast.increment_lineno(ast.parse(block.code), block.line - 1)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(tree, str(page), "exec"), names)
        told.append((block, out.getvalue()))
    return told


def links(page: Path) -> list[tuple[Path, str]]:
    """Files of this repository that a page points to, and the heading there, if any."""
    prose = FENCE.sub("", page.read_text())
    found = [(m.group(1), m.group(2) or "") for m in LINK.finditer(prose)]
    return [(page.parent / file if file else page, heading) for file, heading in found if "://" not in file]


def headings(page: Path) -> set[str]:
    """Headings of a page as links write them."""
    lines = [line.lstrip("# ") for line in FENCE.sub("", page.read_text()).splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in lines}

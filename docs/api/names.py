"""Writes out the public names of a package on its page of the API: a line `@public vestige.rules` becomes an entry for each."""

import ast
import re
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src"


def public(package: str) -> list[str]:
    """Where each public name of a package is defined, by reading its `__init__.py`; names of other libraries are left out."""
    tree = ast.parse((SRC / package.replace(".", "/") / "__init__.py").read_text())
    homes = [
        f"{package}.{node.module}.{name.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module
        for name in node.names
    ]
    listed = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    )
    return sorted((h for h in homes if h.rsplit(".", 1)[1] in listed), key=lambda h: h.rsplit(".", 1)[1].lower())


def on_page_markdown(markdown: str, **_) -> str:
    """What mkdocs calls for each page."""
    return re.sub(
        r"^@public (\S+)$", lambda m: "\n\n".join(f"::: {h}" for h in public(m.group(1))), markdown, flags=re.M
    )

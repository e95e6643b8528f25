"""Every python block of README and docs runs, and prints what the page says."""

import ast
import doctest
import importlib
import runpy

import brainstate
import jax
import pytest
from pages import ROOT, blocks, headings, links, pages, play

name = lambda page: str(page.relative_to(ROOT))
CHINESE = sorted((ROOT / "docs/zh").glob("*.md"))
PROGRAMS = [page for page in pages() if blocks(page.read_text()) and page not in CHINESE]


@pytest.fixture(autouse=True)
def as_a_reader(tmp_path, monkeypatch):
    """Single precision, an empty folder and no clock, as for whoever types the page in."""
    monkeypatch.chdir(tmp_path)
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", False)
    yield
    jax.config.update("jax_enable_x64", before)
    if brainstate.environ.get("dt", None) is not None:
        brainstate.environ.pop("dt")


# every rule, every layer, and pages whose programs other tests run in parts
LONG = {
    f"docs/{p}.md"
    for p in ("rules", "nn", "learn", "feedback", "concepts", "states", "snn-tutorial", "coming-from", "cells-channels")
}


@pytest.mark.parametrize(
    "page", [pytest.param(p, id=name(p), marks=pytest.mark.slow if name(p) in LONG else ()) for p in PROGRAMS]
)
def test_the_page_runs(page):
    same = doctest.OutputChecker().check_output
    for block, printed in play(page):
        if block.printed is not None:
            assert same(block.printed, printed, doctest.ELLIPSIS), f"{page}:{block.line} prints\n{printed}"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_lead_somewhere(page):
    for file, heading in links(page):
        assert file.exists(), file
        assert not heading or heading in headings(file), f"{file} has no heading #{heading}"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_page_is_in_the_table_of_contents(page):
    contents = (ROOT / "mkdocs.yml").read_text()
    assert page.parent == ROOT or f": {page.relative_to(ROOT / 'docs')}\n" in contents


PACKAGES = "learn ops graph rules nn neurons nest cells tasks".split()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_api_pages_have_every_public_name(package):
    module = importlib.import_module(f"vestige.{package}")
    homes = runpy.run_path(str(ROOT / "docs/api/names.py"))["public"](module.__name__)
    theirs = {n for n in module.__all__ if getattr(getattr(module, n), "__module__", "").startswith("brainstate.")}
    assert {h.rsplit(".", 1)[1] for h in homes} == set(module.__all__) - theirs
    assert f"@public vestige.{package}\n" in (ROOT / "docs/api" / f"{package}.md").read_text()


@pytest.mark.parametrize("page", CHINESE, ids=name)
def test_chinese_pages_have_the_programs_of_the_english_ones(page):
    english = ROOT / "docs" / ("quickstart.md" if page.stem == "index" else page.name)
    ours, theirs = (
        [(ast.unparse(ast.parse(b.code)), b.printed) for b in blocks(p.read_text())] for p in (page, english)
    )
    assert len(ours) == len(theirs)
    for n, (a, b) in enumerate(zip(ours, theirs)):
        assert a == b, f"program {n + 1} of {page} is not that of {english.name}: copy it, comments may be Chinese"

"""Every public class and function says what it is, in words of its own, and stands on a page of the API."""

import importlib
import inspect
import runpy

import pytest
from pages import ROOT

PACKAGES = "learn ops graph rules nn neurons nest cells tasks nir".split()
public = runpy.run_path(str(ROOT / "docs/api/names.py"))["public"]


def things(module):
    """Public classes and functions that are ours."""
    found = {n: getattr(module, n) for n in module.__all__}
    ours = lambda o: callable(o) and (getattr(o, "__module__", None) or "").startswith("vestige")
    return {n: o for n, o in found.items() if ours(o)}


@pytest.mark.parametrize("package", ["", *PACKAGES])
def test_what_is_public_says_what_it_is(package):
    silent = []
    for n, thing in things(importlib.import_module(f"vestige.{package}".rstrip("."))).items():
        # a dataclass or tuple without words gets its signature as docstring
        said = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
        if not said or said.startswith(f"{thing.__name__}("):
            silent.append(n)
    assert not silent


def test_every_name_at_the_top_is_on_a_page():
    """Re-exported from a package whose page lists it, or a package with a page itself."""
    import vestige

    homes = {n for package in PACKAGES for n in importlib.import_module(f"vestige.{package}").__all__}
    assert len(things(vestige)) > 50 and not set(things(vestige)) - homes
    packages = {n for n in vestige.__all__ if inspect.ismodule(getattr(vestige, n))}
    assert packages and all((ROOT / f"docs/api/{n}.md").exists() for n in packages)

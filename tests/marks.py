"""Which cases of a broad test run every time."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slowly(cases: Iterable[Any], fast: Collection[Any]) -> list[Any]:
    """Cases of a test, of which all but the `fast` ones wait for `make test-slow`; things with a name by their name."""
    quick = lambda case: getattr(case, "name", case) in fast
    return [pytest.param(case, marks=() if quick(case) else pytest.mark.slow) for case in cases]

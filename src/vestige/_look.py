"""How every figure looks: its colours and its canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, SOFT, LEARNED, OTHER = "#22252b", "#9aa0a8", "#1f6f8b", "#c8553d"


def figure_of(width: float, height: float) -> Figure:
    """An empty figure of this size, inches.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("figures need matplotlib: pip install 'vestige[plots]'") from error
    return Figure(figsize=(width, height), dpi=150, layout="constrained")

"""How every figure looks: its colours and its canvas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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


def levels(axes: Any, references: Mapping[str, float]) -> None:
    """Level lines; names that would collide move apart."""
    below = -1.0
    for name, level in sorted(references.items(), key=lambda item: item[1]):
        axes.axhline(level, color=SOFT, lw=1.0, ls=(0, (4, 3)), zorder=0)
        at = max(level, below + 0.055)
        beside = axes.get_yaxis_transform()
        axes.text(1.02, at, f"{name} {level:.1%}", transform=beside, va="center", fontsize=8, color=INK)
        below = at

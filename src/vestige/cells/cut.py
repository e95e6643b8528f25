"""One section cut into compartments: areas, lengths, and lengths per cross section, from its frusta."""

from dataclasses import dataclass

import numpy as np
import saiunit as u

from .morphology import Section


@dataclass(frozen=True, eq=False)
class Cut:
    """Compartments of one section.

    A frustum of length h from diameter d to diameter e has

        area                          pi/2 (d + e) sqrt(h^2 + (d - e)^2 / 4)        without its two ends
        length per cross section      4 h / (pi d e)                                int dx 4 / (pi d(x)^2)

    Attributes:
        area: um2, `[nseg]`. length: um, `[nseg]`.
        left, right: length per cross section of both halves, 1/um, `[nseg]`.
        middle: centres in space, um, `[nseg, 3]`.
    """

    area: np.ndarray
    length: np.ndarray
    left: np.ndarray
    right: np.ndarray
    middle: np.ndarray


def cut(section: Section, points: np.ndarray | None = None) -> Cut:
    """The section's frusta, cut at the borders and middles of its compartments and summed.

    Args:
        points: where it lies, um, `[points, 3]`, instead of its own positions; of the same shape up to a motion.
    """
    diams, along = np.asarray(section.diams.to_decimal(u.um)), section.along
    points = np.asarray(section.positions.to_decimal(u.um)) if points is None else points
    halves = np.linspace(0.0, along[-1], 2 * section.nseg + 1)
    at = np.union1d(along, halves)
    d, h = np.interp(at, along, diams), np.diff(at)
    side = np.pi / 2 * (d[1:] + d[:-1]) * np.hypot(h, (d[1:] - d[:-1]) / 2)
    way = 4 * h / (np.pi * d[1:] * d[:-1])
    # a piece belongs to the half in which its middle lies
    half = np.searchsorted(halves, (at[1:] + at[:-1]) / 2) - 1
    total = lambda x: np.bincount(half, x, 2 * section.nseg)
    centre = np.stack([np.interp(halves[1::2], along, points[:, k]) for k in range(3)], -1)
    resist = total(way)
    return Cut(total(side).reshape(-1, 2).sum(1), total(h).reshape(-1, 2).sum(1), resist[::2], resist[1::2], centre)

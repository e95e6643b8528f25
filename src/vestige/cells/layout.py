"""Where sections lie: in space, where cylinders fan out from what they grow on, and in a dendrogram."""

from collections import defaultdict

import numpy as np
import saiunit as u

from .morphology import Morphology, Section

OPEN = 5 / 6 * np.pi  # angle over which the sections at one end of the root fan out


def layout(morphology: Morphology) -> dict[str, np.ndarray]:
    """Points of each section, um, `[points, 3]`.

    A cylinder has a length and no direction. It begins where it grows from, in the plane z = 0, and what grows from its
    end shares its angle by the number of tips. Points that grow on a cylinder move to it, unturned; all other points
    stay where they are.
    """
    sections = morphology.sections
    children, tips = family(sections)
    lies: dict[str, np.ndarray] = {}
    todo = [(name, 0.0, OPEN) for name in morphology.roots]
    for name, angle, width in todo:
        lies[name] = _points(sections, lies, name, angle)
        fans: dict[float, list[str]] = defaultdict(list)
        for child in children[name]:
            fans[_side(sections[child], sections[name])].append(child)
        for side, fan in fans.items():
            todo += _spread(fan, tips, angle + side, width)
    return lies


def family(sections: dict[str, Section]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Children of each section, and tips beyond it."""
    children: dict[str, list[str]] = {name: [] for name in sections}
    for s in sections.values():
        if s.parent is not None:
            children[s.parent].append(s.name)
    order = [name for name, s in sections.items() if s.parent is None]
    for name in order:
        order.extend(children[name])
    tips: dict[str, int] = {}
    for name in order[::-1]:
        tips[name] = sum(tips[c] for c in children[name]) or 1
    return children, tips


def _side(child: Section, parent: Section) -> float:
    """Angle from the parent's direction: on from its end, back from the start of a root, off its side between."""
    if child.parent_loc == 1.0:
        return 0.0
    return np.pi if child.parent_loc == 0.0 and parent.parent is None else np.pi / 2


def _spread(fan: list[str], tips: dict[str, int], angle: float, width: float) -> list[tuple[str, float, float]]:
    """Directions within an angle, each with the width of its own share."""
    share = np.array([tips[c] for c in fan]) / sum(tips[c] for c in fan) * width
    middle = angle - width / 2 + share.cumsum() - share / 2
    return [(c, float(a), float(s)) for c, a, s in zip(fan, middle, share)]


def _points(sections: dict[str, Section], lies: dict[str, np.ndarray], name: str, angle: float) -> np.ndarray:
    s = sections[name]
    points = np.asarray(s.positions.to_decimal(u.um))
    if not s.placed:
        points = points[:, :1] * np.array([[np.cos(angle), np.sin(angle), 0.0]])
    # moved to what it grows on, if either has no place of its own
    moves = s.parent is not None and not (s.placed and _rooted(sections, s.parent))
    return points + place(sections[s.parent], lies[s.parent], s.parent_loc) - points[0] if moves else points


def _rooted(sections: dict[str, Section], name: str | None) -> bool:
    """Whether a section and all that it grows on have places of their own."""
    while name is not None:
        if not sections[name].placed:
            return False
        name = sections[name].parent
    return True


def place(parent: Section, points: np.ndarray, loc: float) -> np.ndarray:
    """Where on a section that lies at these points."""
    along = parent.along
    return np.array([np.interp(loc * along[-1], along, points[:, k]) for k in range(3)])


def unrolled(morphology: Morphology) -> dict[str, np.ndarray]:
    """Points of each section in a dendrogram, um, `[points, 3]`: the way along the cable, the row, 0.

    What grows from the start of the root runs the other way.
    """
    sections, row = morphology.sections, _rows(morphology)
    lies: dict[str, np.ndarray] = {}
    ways: dict[str, float] = {}
    for name in row:
        s = sections[name]
        start, ways[name] = 0.0, 1.0
        if s.parent is not None:
            back = s.parent_loc == 0.0 and sections[s.parent].parent is None
            start, ways[name] = (
                place(sections[s.parent], lies[s.parent], s.parent_loc)[0],
                -1.0 if back else ways[s.parent],
            )
        lies[name] = np.stack(
            [start + ways[name] * s.along, np.full(len(s.along), row[name]), np.zeros(len(s.along))], -1
        )
    return lies


def _rows(morphology: Morphology) -> dict[str, float]:
    """Row of each section, parents first: amid those that go on from its end, or one of its own amid what grows from it."""
    children, _ = family(morphology.sections)
    ends = {name: [c for c in below if morphology.sections[c].parent_loc == 1.0] for name, below in children.items()}
    own: dict[str, float] = {}
    order: list[str] = []
    todo = [(name, False) for name in morphology.roots[::-1]]
    while todo:
        name, takes = todo.pop()
        if takes:
            own[name] = -float(len(own))
            continue
        order.append(name)
        off = [(c, False) for c in children[name] if c not in ends[name]]
        on = [(c, False) for c in ends[name]] or [(name, True)]
        todo += (off[: len(off) // 2] + on + off[len(off) // 2 :])[::-1]
    for name in order[::-1]:
        if name not in own:
            own[name] = float(np.mean([own[c] for c in ends[name]]))
    return {name: own[name] for name in order}

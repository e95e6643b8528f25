"""Any text is a morphology, with a report of what was repaired, or is refused with the line that is wrong."""

import numpy as np
import pytest
import saiunit as u
from hypothesis import example, given
from hypothesis import strategies as st

from vestige.cells import Morphology

number = st.one_of(
    st.integers(-2, 6).map(str), st.sampled_from(["nan", "inf", "1e400", "-1", "0.5", "x", "", "１", "1,2"])
)
line = st.lists(number, min_size=5, max_size=8).map(" ".join)
point = st.tuples(st.integers(1, 5), st.integers(-1, 9), st.integers(0, 3), st.integers(0, 3), st.integers(-2, 5)).map(
    lambda p: f"{p[0]} {p[1]} {p[2]} {p[3]} 0 {p[3] / 2} {p[4]}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("swc")


def read(path):
    """A tree of compartments whose sizes are numbers, or None where it was refused by name."""
    try:
        m = Morphology.from_swc(path)
    except ValueError as error:
        assert path.name in str(error)
        return None
    assert m.n_compartments > 0 and len(m.roots) == 1
    return m


@given(st.lists(point, min_size=1, max_size=6))
@example(["1 1 0 0 0 1 -1", "2 3 1 0 0 1 1"])
@example(["1 1 0 0 0 1 2", "2 1 0 0 0 1 1"])
@example(["1 1 0 0 0 0 -1"])
@example(["1 3 0 0 0 1 -1", "2 3 0 0 0 1 1"])
def test_any_points(folder, rows):
    (path := folder / "points.swc").write_text("\n".join(rows))
    made = read(path)
    for section in made.sections.values() if made is not None else ():
        diams = section.diams.to_decimal(u.um)
        assert np.isfinite(diams).all() and (diams > 0).all()


@given(st.lists(st.one_of(line, point, st.just("# a remark")), max_size=4))
@example(["1 1 0 0 0 1"])
@example(["1.5 1 0 0 0 1 -1"])
@example(["1 1 nan 0 0 1 -1"])
@example(["1 1 0 0 0 1 -1", "1 1 0 0 0 1 -1"])
@example([])
def test_any_lines(folder, rows):
    (path := folder / "lines.swc").write_text("\n".join(rows))
    said = [row.split() for row in rows if not row.startswith("#")]
    assert read(path) is None or (any(said) and all(len(words) >= 7 for words in said if words))


@given(st.binary(max_size=60))
def test_any_bytes(folder, content):
    (path := folder / "bytes.swc").write_bytes(content)
    assert read(path) is None or len(content.split()) >= 7

"""The figure of an audit holds its numbers."""

import numpy as np
import pytest

from vestige import Audit, plots
from vestige.learn.audit import Row
from vestige.learn.audit_paths import Dropped


def found(paths):
    rows = Row("w", 0.91, 4.2, 0.75, 1.0, 2.0, 0.6, 0.0), Row("b", -0.3, float("nan"), 1.0, 1.0, 0.0, 0.2, 0.14)
    drops = [Dropped("recurrent", "w", ("v",), (), f"path {n}", {"w": 0.5 + n / 10, "b": 0.0}) for n in range(paths)]
    return Audit(rows, "BPTT", tuple(drops), (), ())


def said(axes):
    return [t.get_text() for t in axes.texts]


@pytest.mark.parametrize("paths", [0, 2])
def test_bars_and_shares_are_those_of_the_audit(paths):
    figure = plots.audit_bars(found(paths))
    cosine, ratio, sign, missing = figure.axes
    assert [bar.get_width() for bar in cosine.patches] == [0.91, -0.3] and said(cosine) == ["0.91", "-0.30"]
    # a long bar is cut and its number is not; a ratio to nothing has neither
    assert [bar.get_width() for bar in ratio.patches] == [2.0, 0.0] and said(ratio) == ["4.20", "none"]
    assert said(sign) == ["0.75", "1.00"]
    assert [t.get_text() for t in cosine.get_yticklabels()] == ["w", "b"]
    shares = np.asarray(missing.images[0].get_array())
    want = [[0.5, 0.6, 0.6, 0.0], [0.0, 0.0, 0.2, 0.14]] if paths else [[0.0], [0.14]]
    np.testing.assert_allclose(shares, want)
    assert said(missing)[:4] == (["0.50", "0.60", "0.60", "0"] if paths else ["0", "0.14"])


def test_paths_are_written_out(tmp_path):
    figure = plots.audit_bars(found(2))
    assert {"path 0", "path 1", "1", "2"} <= {t.get_text() for t in figure.subfigs[1].texts}
    figure.savefig(tmp_path / "audit.png")
    assert (tmp_path / "audit.png").stat().st_size > 5000

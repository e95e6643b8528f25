"""A stream on disk: what is written, and how it is taken back whole or not at all."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from . import checkpoint as files
from .item import moment_of, predict, typed

if TYPE_CHECKING:
    from .stream import OnlineStream

COUNTS = "events", "items", "labels", "steps", "unlabelled", "_place"


def write(stream: OnlineStream, path: str | Path) -> None:
    notes = {
        **{name: getattr(stream, name) for name in COUNTS}, "stream": 1, "skipped": dict(stream.skipped),
        "losses": stream.losses.notes(), "scores": stream.scores.notes(), **stream.waiting.notes(), **stream._gate.notes(),
    }  # fmt: skip
    files.save(path, (stream._held, stream._trace, stream.waiting.tree()), notes)


def load(stream: OnlineStream, path: str | Path) -> None:
    """See `OnlineStream.load`."""
    notes = files.notes(path)
    if notes.get("stream") != 1:
        raise files.CheckpointError(f"{path} holds no stream: something else was saved there")
    given = stream._gate.mask
    if given is not None and (notes["mask"] is None or not np.array_equal(notes["mask"], given)):
        raise files.CheckpointError(
            f"{path} was saved with another mask: judge the same steps of an item, or start anew"
        )
    (held, trace, moments), _ = files.load(path, _like(stream, notes))
    stream._held, stream._trace = held, trace
    stream._gate.restore(notes)
    stream.waiting.restore(notes, moments)
    for name in COUNTS:
        setattr(stream, name, notes[name])
    stream.skipped = Counter(notes["skipped"])
    stream.losses.restore(notes["losses"])
    stream.scores.restore(notes["scores"])


def _like(stream: OnlineStream, notes: dict[str, Any]) -> Any:
    """What was written, in shape and type."""
    held, trace, plan = stream._held, stream._trace, stream._plan
    if not notes["items"]:
        return held, trace, []
    mask, inputs = np.asarray(notes["mask"]), stream._timed(stream._gate.blank(len(notes["mask"])))
    after = jax.eval_shape(partial(predict, plan), held, trace, inputs, mask)
    held, trace = typed((held, trace), after[:2])
    outputs = jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), after[2])
    return held, trace, [moment_of(held, trace, inputs, outputs)] * len(notes["kept"])

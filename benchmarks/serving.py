"""The serving side of `peer.py`: JSON lines in, JSON lines out, whatever the libraries of that environment print."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import numpy as np

Answer = Mapping[str, Any]


def channel() -> TextIO:
    """The first stdout, for answers; what a library prints from now on goes to stderr. Before any of them is imported."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def serve(answers: TextIO, do: Mapping[str, Callable[..., Answer]]) -> None:
    """Until stdin closes: a line's `do` names a function, the rest are its arguments; its errors are told to the caller."""
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            reply = do[ask.pop("do")](**ask)
        except Exception as problem:  # the caller decides what a refusal means
            reply = {"error": f"{type(problem).__name__}: {problem}"[:500]}
        print(json.dumps(reply), file=answers, flush=True)


def arms(make: Callable[..., Callable[[], Any]], clock: Callable[[Callable[[], Any]], float]) -> dict[str, Callable]:
    """What to do with an arm under a key: `prepare`, `time`, `gradient`, `scratch`, `steps`.

    Args:
        make: the rest of the request to an arm `() -> gradients by name`, which may have a `scratch()` in bytes.
        clock: seconds of one call, until its numbers are there.
    """
    ready: dict[str, Any] = {}

    def prepare(key: str, **ask: Any) -> Answer:
        def first() -> Any:
            ready[key] = make(**ask)
            return ready[key]()

        return {"seconds": clock(first)}

    def gradient(key: str, to: str) -> Answer:
        np.savez(to, **{name: np.asarray(g) for name, g in ready[key]().items()})
        return {}

    return {
        "prepare": prepare, "gradient": gradient, "time": lambda key: {"seconds": clock(ready[key])},
        "scratch": lambda key: {"bytes": ready[key].scratch()}, "steps": lambda key: {"steps": ready[key]()},
    }  # fmt: skip

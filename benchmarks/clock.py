"""Time taken in turns: every repeat runs all arms once, so that a slow minute meets all of them."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax


def clock(fun: Callable[[], Any]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    jax.block_until_ready(fun())
    return time.perf_counter() - started


def one_by_one(step: Callable[..., Any], *sequences: Iterable[Any]) -> list[float]:
    """Seconds of each call of a stream's step."""
    return [clock(lambda now=now: step(*now)) for now in zip(*sequences)]


def measure(timed: Mapping[Any, Callable[[], float]], repeats: int) -> dict[Any, float]:
    """Median seconds per arm."""
    seconds: dict[Any, list[float]] = {name: [] for name in timed}
    for _ in range(repeats):
        for name, once in timed.items():
            seconds[name].append(once())
    return {name: statistics.median(s) for name, s in seconds.items()}

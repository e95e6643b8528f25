"""ES-D-RTRL by hand, in plain numpy loops: two small networks, their derivatives written out.

State h' = f(h, y), y = [x, z(h)] W, loss L_t of the new state alone. Blocks of S states a neuron.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cell:
    """`new(h, y) -> h'` `[S, N]`; `fed(h)` what goes back into the weights; `post`, `trans`: dh'/dy and dh'/dh."""

    S: int
    new: Callable
    fed: Callable
    post: Callable
    trans: Callable


def surrogate(v):
    return 1 / (1 + 5 * np.abs(v)) ** 2


RNN = Cell(
    1,
    lambda h, y: 0.8 * h + 0.2 * np.tanh(y),
    lambda h: h[0],
    lambda h, y: np.array([0.2 * (1 - np.tanh(y) ** 2)]),
    lambda h, y: np.full((1, 1, len(y)), 0.8),
)
LIF = Cell(
    1,
    lambda h, y: 0.9 * (h - (h > 1)) + y,
    lambda h: (h[0] > 1) * 1.0,
    lambda h, y: np.ones((1, len(y))),
    lambda h, y: 0.9 * (1 - surrogate(h - 1))[None],
)
SYNAPSE = Cell(  # h = (g, v): g' = .7 g + y, v' = .9 v + .3 g'
    2,
    lambda h, y: np.stack([0.7 * h[0] + y, 0.9 * h[1] + 0.3 * (0.7 * h[0] + y)]),
    lambda h: (h[1] > 0.5) * 1.0,
    lambda h, y: np.stack([np.ones_like(y), 0.3 * np.ones_like(y)]),
    lambda h, y: np.stack([np.stack([0.7 * np.ones_like(y), 0 * y]), np.stack([0.21 * np.ones_like(y), 0.9 * np.ones_like(y)])]),
)  # fmt: skip


def textbook(cell: Cell, W, xs, dL, decay: tuple[float, float], correct: bool):
    """`dW = sum_t ex_t (<dL_t/dh_t, ef_t>)`; `dL(t, h)`: derivative of the loss by the new state `[S, N]`."""
    ax, af = decay
    h = np.zeros((cell.S, W.shape[1]))
    ex, ef, grad = np.zeros(len(W)), np.zeros_like(h), np.zeros_like(W)
    for t, x in enumerate(xs):
        pre = np.concatenate([x, cell.fed(h)])
        y = pre @ W
        D, f = cell.trans(h, y), cell.post(h, y)
        ex = ax * ex + pre
        ef = af * np.einsum("ijn,jn->in", D, ef) + (1 - af) * f
        h = cell.new(h, y)
        gain = 1 / (1 - af ** (t + 1)) if correct else 1.0
        grad += np.outer(ex, gain * (dL(t, h) * ef).sum(0))
    return grad


def split(cell: Cell, W, xs, dL, decay: tuple[float, float], correct: bool):
    """`q_t = (1 - a) dL_t/dy_t + a <dL_t/dh_{t-1}, ef_{t-1}>`, with both signals pulled back by hand."""
    ax, af = decay
    h = np.zeros((cell.S, W.shape[1]))
    ex, ef, grad = np.zeros(len(W)), np.zeros_like(h), np.zeros_like(W)
    for t, x in enumerate(xs):
        pre = np.concatenate([x, cell.fed(h)])
        y = pre @ W
        D, f = cell.trans(h, y), cell.post(h, y)
        h = cell.new(h, y)
        late = dL(t, h)
        by_mark, by_entry = (late * f).sum(0), np.einsum("ijn,in->jn", D, late)
        q = (1 - af) * by_mark + af * (by_entry * ef).sum(0)
        ex = ax * ex + pre
        ef = af * np.einsum("ijn,jn->in", D, ef) + (1 - af) * f
        grad += np.outer(ex, q / (1 - af ** (t + 1)) if correct else q)
    return grad

"""Everything that a law runs over: operators, rules and models, small and alive."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vestige import Graph, rules, trace_graph
from vestige.cells.solve import solve
from vestige.ops import Conv, Embedding, Mapped, Sparse, conv_op, dense, diagonal, mark
from vestige.ops.einsum import Einsum
from vestige.rules import Rule

I, N, C, O = 3, 5, 3, 2  # input, neurons, compartments, output
T = 7

sig, tanh = jax.nn.sigmoid, jnp.tanh
name = lambda thing: thing.name


def draw(rng: np.random.Generator, *shape: int, scale: float = 0.5) -> jax.Array:
    return jnp.asarray(rng.normal(size=shape) * scale)


@jax.custom_jvp
def spike(v):
    return (v > 0).astype(v.dtype)


spike.defjvp(lambda p, t: (spike(*p), t[0] / (1 + 5 * jnp.abs(p[0])) ** 2))


def matmul(x, w):
    return mark(dense(x.ndim), x, w)


def square_error(output, target):
    return ((output - target) ** 2).mean()


# ------------------------------------------------------------------------------------------------------------ operators
@dataclass(frozen=True)
class Op:
    name: str
    op: Any
    x: Any
    w: Any


def _ops() -> list[Op]:
    r = np.random.default_rng(0)
    a = lambda *s: draw(r, *s)
    rows, cols = np.array([0, 0, 1, 2, 2, 2]), np.array([1, 4, 0, 2, 3, 4])
    embedding = Embedding(5)
    return [
        Op("dense", dense(), a(3), a(3, 5)),
        Op("dense, rows share", dense(2), a(2, 3), a(3, 5)),
        Op("diagonal", diagonal(), a(5), a(5)),
        Op("diagonal, 2-d", diagonal(2), a(2, 3), a(2, 3)),
        Op("grouped", Einsum("gi,gio->go"), a(2, 3), a(2, 3, 5)),
        Op("outer shared", Einsum("ab,bc->cab"), a(2, 3), a(3, 5)),
        Op("one scalar a row", Einsum("ab,a->ab"), a(2, 3), a(2)),
        Op("conv 1d", conv_op((3,)), a(5, 2), a(3, 2, 3)),
        Op("conv 1d, valid, dilated", conv_op((2,), padding="VALID", dilation=2), a(5, 2), a(2, 2, 3)),
        Op("conv 2d, stride", conv_op((3, 3), stride=2), a(5, 3, 2), a(3, 3, 2, 3)),
        Op("conv 2d, groups, padded", conv_op((2, 3), padding=1, groups=2), a(3, 5, 2), a(2, 3, 1, 4)),
        Op("conv 3d", conv_op((2, 2, 2), stride=(1, 2, 1)), a(3, 3, 2, 2), a(2, 2, 2, 2, 3)),
        Op("sparse", Sparse(rows, cols, 3, 5), a(3), a(6)),
        Op("sparse, by events", Sparse(np.repeat(range(8), 2), np.arange(16) % 5, 8, 5, chunk=3), jnp.eye(8)[1], a(16)),
        Op("embedding", embedding, jnp.asarray(3), a(5, 2)),
        Op("mapped over inputs", Mapped(dense(), True, False), a(2, 3), a(3, 5)),
        Op("mapped over weights", Mapped(dense(), False, True), a(3), a(2, 3, 5)),
        Op("mapped over both", Mapped(Sparse(rows, cols, 3, 5), True, True), a(2, 3), a(2, 6)),
        Op("mapped conv", Mapped(conv_op((3,)), True, False), a(2, 5, 2), a(3, 2, 3)),
        Op("mapped twice", Mapped(Mapped(dense(), True, False), True, True), a(2, 3, 2), a(2, 2, 3)),
    ]


ALL_OPS = _ops()


# ---------------------------------------------------------------------------------------------------------------- rules
@dataclass(frozen=True)
class Named:
    """A rule by name. `invariant`: windows do not change its gradient. `filters`: it smooths inputs, so none may be an index.
    `one_step`: a single step is exact. `drawn`: it draws random numbers."""

    name: str
    make: Callable[[Graph], Rule]
    invariant: bool = True
    filters: bool = False
    one_step: bool = True
    drawn: bool = False

    def __call__(self, graph: Graph) -> Rule:
        return self.make(graph)


def _choosing(kind: str) -> Callable[[Graph], Rule]:
    return lambda graph: rules.hybrid(0.9, choose={e.name: kind for e in graph.edges})


ALL_RULES = [
    Named("d_rtrl", lambda graph: rules.d_rtrl()),
    Named("es_d_rtrl 0.9", lambda graph: rules.es_d_rtrl(0.9), filters=True),
    Named("es_d_rtrl (0.2, 0.7)", lambda graph: rules.es_d_rtrl((0.2, 0.7)), filters=True),
    Named("es_window", lambda graph: rules.es_window(0.9), invariant=False, filters=True),
    Named("hybrid", lambda graph: rules.hybrid(0.9)),
    Named("hybrid, all full", _choosing("full")),
    Named("hybrid, all factorised", _choosing("factorised"), filters=True),
    Named("tbptt", lambda graph: rules.tbptt(), invariant=False),
    Named("rtrl", lambda graph: rules.rtrl()),
]
# the wider family: the same laws, over fewer models where the clock counts
FAMILY = [
    Named("d_rtrl, kappa", lambda graph: rules.d_rtrl(kappa=True)),
    Named("es_d_rtrl, kappa", lambda graph: rules.es_d_rtrl(0.9, kappa=True), filters=True),
    Named("hybrid, kappa 0.8", lambda graph: rules.hybrid(0.9, kappa=0.8)),
    Named("e_prop", lambda graph: rules.e_prop()),
    Named("e_prop, random", lambda graph: rules.e_prop(1), one_step=False),
    Named("e_prop, adaptive", lambda graph: rules.e_prop(1, adapt=0.1, kappa=0.5), one_step=False),
    Named("e_prop, rates", lambda graph: rules.e_prop(rate_target=0.1, rate_strength=1.0), one_step=False),
    Named("recent", lambda graph: rules.recent(T)),
    Named("ostl", lambda graph: rules.ostl()),
    Named("ottt", lambda graph: rules.ottt(0.9), filters=True),
    Named("otpe", lambda graph: rules.otpe(0.9)),
    Named("otpe, approximate", lambda graph: rules.otpe(0.9, approximate=True), filters=True),
    Named("osttp", lambda graph: rules.osttp(), one_step=False),
    Named("sltt", lambda graph: rules.sltt()),
    Named("sltt, 1 of 2", lambda graph: rules.sltt(1, 2), one_step=False),
    Named("rflo, symmetric", lambda graph: rules.rflo(None)),
    Named("rflo", lambda graph: rules.rflo(1, decay=0.8), one_step=False),
    Named("immediate", lambda graph: rules.immediate()),
    Named("decolle", lambda graph: rules.decolle(), one_step=False),
    Named("three_factor", lambda graph: rules.three_factor(0.5), one_step=False),
    Named("reward_modulated", lambda graph: rules.reward_modulated(0.5)),
    Named("dni", lambda graph: rules.dni(), invariant=False),
]
# credit from neuron to neuron: the laws that speak of them run in tests/rules, over fewer models where the clock counts
COUPLED = [
    Named("snap 1", lambda graph: rules.snap(1)),
    Named("snap 2", lambda graph: rules.snap(2)),
    Named("snap, all", lambda graph: rules.snap(99)),
    Named("ostl, recurrent", lambda graph: rules.ostl(recurrent=True)),
    Named("random_path, all", lambda graph: rules.random_path(999)),
    Named("random_path 2", lambda graph: rules.random_path(2), invariant=False, drawn=True),
    Named("uoro", lambda graph: rules.uoro(), invariant=False, drawn=True),
    Named("kf_rtrl", lambda graph: rules.kf_rtrl(), invariant=False, drawn=True),
]
RULES = {r.name: r for r in [*ALL_RULES, *FAMILY, *COUPLED]}


# --------------------------------------------------------------------------------------------------------------- models
Step = Callable[[Any, Any, Any], tuple[Any, Any]]


@dataclass(frozen=True, eq=False)
class Model:
    """A step and what to expect of it.

    `exact`: parameters for which D-RTRL equals BPTT, by the report's names. `own_step`: parameters whose gradient is
    that of their own step, as the report says. `local=False`: the step mixes neurons, only RTRL and BPTT apply.
    `index`: the input is an integer that picks.
    `inputs(rng, lead)` draws inputs `[*lead, ...]`. `reverse=False`: reverse mode cannot cross the step.
    """

    name: str
    step: Step
    params: Any
    state: Any
    inputs: Callable[[np.random.Generator, tuple[int, ...]], Any]
    exact: tuple[str, ...] = ()
    own_step: tuple[str, ...] = ()
    local: bool = True
    index: bool = False
    reverse: bool = True
    spikes: bool = field(default=False)

    @property
    def x(self) -> Any:
        return self.inputs(np.random.default_rng(0), ())

    @cached_property
    def graph(self) -> Graph:
        return trace_graph(self.step, self.params, self.state, self.x, positions=self.local)

    def data(self, steps: int = T, batch: int | None = None, seed: int = 1) -> tuple[Any, Any]:
        """Inputs and targets of a sequence."""
        rng = np.random.default_rng(seed)
        lead = (steps,) if batch is None else (steps, batch)
        y = jax.eval_shape(self.step, self.params, self.state, self.x)[1]
        return self.inputs(rng, lead), jax.tree.map(lambda a: draw(rng, *lead, *a.shape), y)


def reals(*shape: int, scale: float = 1.5) -> Callable[[np.random.Generator, tuple[int, ...]], jax.Array]:
    return lambda rng, lead: draw(rng, *lead, *shape, scale=scale)


def integers(n: int) -> Callable[[np.random.Generator, tuple[int, ...]], jax.Array]:
    return lambda rng, lead: jnp.asarray(rng.integers(0, n, lead))


def _params(**shapes: Any) -> dict[str, jax.Array]:
    """Normal draws by shape; arrays pass."""
    rng = np.random.default_rng(2)
    return {k: draw(rng, *s) if isinstance(s, tuple) else jnp.asarray(s) for k, s in shapes.items()}


def zeros(**shapes: tuple[int, ...]) -> dict[str, jax.Array]:
    return {k: jnp.zeros(s) for k, s in shapes.items()}


def _readout(p, z):
    return matmul(z, p["out"])


def _lif(p, s, x):
    z = spike(s["v"] - 0.5)
    v = sig(p["leak"]) * (s["v"] - 0.5 * z) + matmul(jnp.concatenate([x, z]), p["w"]) + p["b"]
    o = 0.9 * s["o"] + _readout(p, spike(v - 0.5))
    return dict(v=v, o=o), o


def _post_reset(p, s, x):
    v = 0.9 * s["v"] + matmul(x, p["w"]) + p["b"]
    z = spike(v - p["th"])
    return dict(v=v - z * p["th"]), _readout(p, z)


def _alif(p, s, x):
    z = spike(s["v"] - 0.4 - p["beta"] * s["a"])
    v = 0.9 * (s["v"] - 0.4 * z) + matmul(x, p["w"])
    a = sig(p["rho"]) * s["a"] + z
    return dict(v=v, a=a), _readout(p, spike(v - 0.4 - p["beta"] * a))


def _membrane_minus_adaptation(p, s, x):
    v = 0.8 * s["v"] - s["a"] + matmul(x, p["w"])
    a = 0.9 * s["a"] + 0.1 * p["beta"] * v
    return dict(v=v, a=a), _readout(p, spike(v - a))


def _synapse(p, s, x):
    g = sig(p["tau"]) * s["g"] + matmul(x, p["w"])
    v = 0.8 * s["v"] + g * (p["rest"] - s["v"])
    return dict(g=g, v=v), _readout(p, spike(v - 0.3))


def _lstm(layout: str) -> Step:
    def gates(y):
        if layout == "split":
            return jnp.split(y, 4)
        return [y.reshape(N, 4)[:, k] for k in range(4)] if layout == "gates last" else list(y.reshape(4, N))

    def step(p, s, x):
        i, f, g, o = gates(matmul(jnp.concatenate([x, s["h"]]), p["w"]) + p["b"])
        c = sig(f) * s["c"] + sig(i) * tanh(g)
        h = sig(o) * tanh(c)
        return dict(h=h, c=c), _readout(p, h)

    return step


def _gru(p, s, x):
    h = s["h"]
    r, u = jnp.split(sig(matmul(jnp.concatenate([x, h]), p["w"]) + p["b"]), 2)
    h = (1 - u) * h + u * tanh(matmul(jnp.concatenate([x, r * h]), p["wc"]))
    return dict(h=h), _readout(p, h)


def _two_layers(p, s, x):
    v = sig(p["a"]) * s["v"] + matmul(x, p["w"])
    u = sig(p["a"]) * s["u"] + matmul(tanh(v), p["w2"]) + p["c"] @ jnp.ones(3)
    return dict(v=v, u=u), u * 1.0


def _encoder(p, s, x):
    """Weights and gains without a state of their own, before a population that remembers."""
    y = tanh(matmul(x, p["w1"]) * p["g"])
    u = 0.8 * s["u"] + matmul(y, p["w2"])
    return dict(u=u), u * 1.0


def _shared_and_read(p, s, x):
    """A weight marked, sliced for a second population, and read value by value; a state that never moves."""
    v = 0.8 * s["v"] * s["gain"] + matmul(x, p["w"]) + p["w"].sum(0)
    u = tanh(0.7 * s["u"] + matmul(x, p["w"][:, :O]))
    return dict(v=v, u=u, gain=s["gain"]), (tanh(v), u)


def _stacked(p, s, x):
    """Two recurrent spiking layers and a leaky readout; nested parameters, a tuple of states."""
    v, u, o = s
    v = 0.8 * v + matmul(jnp.concatenate([x, spike(v - 0.4)]), p["one"]["w"]) + p["one"]["b"]
    u = 0.7 * u + matmul(jnp.concatenate([spike(v - 0.4), spike(u - 0.3)]), p["two"]["w"]) + p["two"]["b"]
    o = 0.9 * o + matmul(spike(u - 0.3), p["out"])
    return (v, u, o), {"readout": o, "rate": spike(u - 0.3).mean()}


def _unmarked(p, s, x):
    v = 0.8 * s["v"] + matmul(x, p["w"]) + x @ p["U"] + p["b"]
    return dict(v=v), tanh(v)


def _twice(p, s, x):
    v = 0.8 * s["v"] + tanh(matmul(x, p["w"])) * matmul(x**2, p["w"]) + p["b"]
    return dict(v=v), v * p["b"]


def _block(size: int) -> Model:
    """An RNN of `size` states inside each neuron."""

    def step(p, s, x):
        h = tanh(s["h"] @ p["A"] + matmul(x, p["w"])[:, None] * p["c"])
        return dict(h=h), _readout(p, h.sum(-1))

    params = _params(w=(I, N), A=(size, size), c=(N, size), out=(N, O))
    # 25 values of one unmarked matrix are more than a position may own
    own = ("A",) if size * size > 16 else ()
    exact = tuple(k for k in params if k not in own)
    return Model(f"block of {size}", step, params, zeros(h=(N, size)), reals(I), exact, own_step=own)


def _trailing(kind: str) -> Model:
    """Compartments, a soma and a small matrix of ports in one population: blocks of 3 + 1 + 4, coupled inside."""
    wide, square = jnp.ones((N, C)), lambda v: 0.1 * v[:, :, None] * v[:, None, :]

    def couple(p, s, v):
        if kind == "matmul":
            return v + 0.2 * tanh(s["v"]) @ p["g"]
        if kind == "einsum":
            return v + 0.2 * jnp.einsum("nc,cd->nd", s["v"], p["g"])
        if kind == "stencil":
            beside = jnp.roll(s["v"], 1, -1) - 2 * s["v"] + jnp.roll(s["v"], -1, -1)
            return v + 0.2 * beside + 0.1 * jnp.pad(s["v"][:, 1:], ((0, 0), (0, 1)))
        if kind == "tridiagonal solve":
            low, high = (wide * -0.3).at[:, 0].set(0), (wide * -0.3).at[:, -1].set(0)
            return jax.lax.linalg.tridiagonal_solve(low, 2 * wide + 0.1 * s["v"] ** 2, high, v[..., None])[..., 0]
        if kind == "scan":
            turn = lambda c, a: (0.5 * c + a, c)
            return v + 0.3 * jnp.moveaxis(jax.lax.scan(turn, s["m"], jnp.moveaxis(s["v"], -1, 0))[1], 0, -1)
        if kind == "solve":
            return jnp.linalg.solve(jnp.eye(C) * 2 + square(s["v"]), v[..., None])[..., 0]
        return v + 0.1 * jnp.cumsum(s["v"], -1)

    def step(p, s, x):
        y = matmul(x, p["w"]) + p["b"]
        v = s["v"] + sig(p["tau"]) * (-s["v"] + y[:, None] * p["c"] + 0.1 * s["m"][:, None])
        v = couple(p, s, v)
        m = 0.8 * s["m"] + 0.2 * tanh(v[:, 0])
        k = 0.7 * s["k"] + 0.1 * v[:, :1, None] + 0.05 * jnp.swapaxes(s["k"], 1, 2)
        return dict(v=v, m=m, k=k), v.sum(-1) + k.sum((1, 2)) + m * p["b"]

    params = _params(w=(I, N), b=(N,), tau=0.3, c=(C,), **(dict(g=(C, C)) if kind in ("matmul", "einsum") else {}))
    state = _params(v=(N, C), m=(N,), k=(N, 2, 2))
    return Model(f"trailing axes, {kind}", step, params, state, reals(I), tuple(params))


def _group_state(p, s, x):
    v, a = s["h"][:, 0], s["h"][:, 1]
    v = 0.9 * v - a * p["b"] + matmul(x, p["w"])
    a = 0.8 * a + 0.1 * jnp.tile(v, 2)[:N]
    return dict(h=jnp.stack([v, a], -1)), v + 0


def _leading_stack(p, s, x):
    h = jnp.stack([0.9 * s["v"] + matmul(x, p["w"]), s["u"]])
    h = h + 0.1 * h[::-1] * p["b"]
    return dict(v=h[0], u=0.5 * h[1]), h[0] * 1.0


def _dendrites(p, s, x):
    v = 0.8 * s["v"] + tanh(matmul(x, p["w"]).reshape(N, 2)).sum(-1) + p["b"]
    return dict(v=v, t=s["t"] + 0.1), v * s["t"]


def _delay_shift(p, s, x):
    line = jnp.concatenate([matmul(x, p["w"])[None], s["line"][:-1]])
    v = 0.9 * s["v"] + line[-1] * p["gain"]
    return dict(line=line, v=v), v * 1.0


def _delay_pointer(p, s, x):
    line = jax.lax.dynamic_update_slice(s["line"], matmul(x, p["w"])[None], (s["at"], jnp.zeros_like(s["at"])))
    at = (s["at"] + 1) % 3
    v = 0.9 * s["v"] + jax.lax.dynamic_index_in_dim(line, at, keepdims=False) * p["gain"]
    return dict(line=line, v=v, at=at), v * 1.0


def _conv(op: Conv, space: tuple[int, ...], cin: int, out: tuple[int, ...]) -> Model:
    def step(p, s, x):
        a = 0.9 * s["a"] + 0.1 * s["v"]
        v = 0.8 * s["v"] * (1 - spike(s["v"] - 1)) - 0.3 * a + mark(op, x, p["k"]) + p["b"]
        return dict(v=v, a=a), _readout(p, tanh(v).reshape(-1))

    cout = out[-1]
    params = _params(k=(*op.kernel, cin // op.groups, cout), b=(cout,), out=(int(np.prod(out)), O))
    return Model(f"conv {len(space)}d", step, params, zeros(v=out, a=out), reals(*space, cin), tuple(params))


ROWS, COLS = np.array([0, 0, 1, 2, 2, 3, 5, 5, 6, 7]), np.array([1, 4, 0, 2, 3, 4, 0, 1, 2, 3])


def _sparse(p, s, x):
    z = spike(s["v"] - 0.3)
    v = 0.8 * (s["v"] - 0.3 * z) + mark(Sparse(ROWS, COLS, I + N, N), jnp.concatenate([x, z]), p["w"]) + p["b"]
    return dict(v=v), _readout(p, tanh(v))


MASK = np.random.default_rng(3).uniform(size=(I, N)) < 0.7


def _prelude(p, s, x):
    low_rank = (p["base"] + p["A"] @ p["B"]) * MASK
    signed = jnp.abs(p["S"])
    unit = p["V"] / jnp.linalg.norm(p["V"], axis=0) * p["g"]
    v = 0.8 * s["v"] + matmul(x, low_rank) + matmul(x**2, signed) - matmul(tanh(x), unit)
    return dict(v=v), _readout(p, tanh(v))


def _embedding(p, s, token):
    v = sig(p["leak"]) * s["v"] + mark(Embedding(5), token, p["table"])
    return dict(v=v), _readout(p, tanh(v))


def _marks_in_scan(p, s, x):
    turn = lambda v, a: (tanh(0.8 * v + matmul(a, p["w"]) + p["b"]), v.sum())
    v, _ = jax.lax.scan(turn, s["v"], x)
    return dict(v=v), _readout(p, v)


def _branch(p, s, x):
    v = jax.lax.cond(x.sum() > 0, lambda v: 0.9 * v, lambda v: tanh(v) * p["k"], s["v"])
    return dict(v=v + matmul(x, p["w"])), tanh(v)


def _scan_in_dynamics(p, s, x):
    y = matmul(x, p["w"])
    v, _ = jax.lax.scan(lambda v, _: (v + 0.2 * (-sig(p["tau"]) * v + tanh(y)), None), s["v"], None, length=3)
    return dict(v=v), _readout(p, tanh(v))


def heun(v, m, y, tau):
    """From 0 to 1 in adaptive steps; the error is controlled over the whole population."""
    f = lambda v, m: (-(v**3) + y - m, (v - m) / tau)

    def turn(c):
        t, dt, v, m = c
        dt = jnp.minimum(dt, 1 - t)
        a = f(v, m)
        b = f(v + dt * a[0], m + dt * a[1])
        good = jnp.abs(dt * (b[0] - a[0])).max() < 1e-3
        move = lambda x, i: jnp.where(good, x + dt / 2 * (a[i] + b[i]), x)
        dt_next = jax.lax.stop_gradient(jnp.where(good, dt * 1.3, dt * 0.5))
        return jnp.where(good, t + dt, t), dt_next, move(v, 0), move(m, 1)

    return jax.lax.while_loop(lambda c: c[0] < 1 - 1e-12, turn, (0.0, 0.3, v, m))[2:]


def _solver(p, s, x):
    v, m = heun(s["v"], s["m"], matmul(x, p["w"]) + p["b"], p["tau"])
    return dict(v=v - 0.2 * tanh(v), m=m), _readout(p, tanh(v))


def _two_groups(p, s, x):
    a, b = jnp.split(matmul(x, p["w"]), [N])
    v, u = 0.9 * s["v"] + a, tanh(0.5 * s["u"] + b * p["k"])
    return dict(v=v, u=u), (_readout(p, tanh(v)), u)


def _norm(v):
    return (v - v.mean()) / jnp.sqrt(v.var() + 1e-5)


def _norm_after(p, s, x):
    v = 0.8 * s["v"] + matmul(x, p["w"]) + p["b"]
    return dict(v=v), _norm(v) * p["g"]


def _bookkeeping(p, s, x):
    """A clock, a counter, a random key and the time of the last spike: none carries a derivative."""
    key, now = jax.random.split(s["key"])
    t = s["t"] + 1.0
    v = 0.8 * s["v"] + matmul(x, p["w"]) + 0.1 * jax.random.normal(now, (N,)) + 0.01 * s["n"]
    z = spike(v - 0.3)
    last = jnp.where(jax.lax.stop_gradient(z) > 0, t, s["last"])
    ready = (t - last < 2.5).astype(v.dtype)
    return dict(v=v - p["b"] * z * ready, t=t, n=s["n"] + 1, key=key, last=last), _readout(p, z + v * ready)


@jax.custom_vjp
def _twisted(v):
    return v + 0.1 * v**3


_twisted.defvjp(lambda v: (_twisted(v), v), lambda v, g: (g * (1 + 0.3 * v**2),))


def _inner_calls(p, s, x):
    v = jax.jit(lambda a: 0.8 * a + tanh(a))(s["v"]) * 0.5
    v = v + jax.checkpoint(lambda a: matmul(a, p["w"]))(x) + _twisted(s["v"]) * 0.1 + p["b"]
    return dict(v=v), v * 1.0


def _mapped_inside(p, s, x):
    """`vmap` inside the step: one weight over rows, stacked weights over heads."""
    v = 0.8 * s["v"] + jax.vmap(lambda a: matmul(a, p["w"]))(x) + jax.vmap(matmul)(x, p["heads"])
    return dict(v=v), tanh(v) * p["g"]


def _vanilla(p, s, x):
    h = tanh(matmul(jnp.concatenate([x, s["h"]]), p["w"]) + p["b"])
    return dict(h=h), _readout(p, h)


def _rotating(kind: str) -> Step:
    """A complex diagonal recurrence as two real states: the linear recurrent unit, trace units with f after or within it."""

    def step(p, s, x):
        r, turn = jnp.exp(-jnp.exp(p["nu"])), jnp.exp(p["theta"])
        gain = jnp.exp(p["gamma"]) if kind == "LRU" else jnp.sqrt(1 - r**2)
        a, b = r * jnp.cos(turn), r * jnp.sin(turn)
        re = a * s["re"] - b * s["im"] + gain * matmul(x, p["w_re"])
        im = b * s["re"] + a * s["im"] + gain * matmul(x, p["w_im"])
        re, im = (tanh(re), tanh(im)) if kind == "RTU, nonlinear" else (re, im)
        return dict(re=re, im=im), _readout(p, tanh(jnp.concatenate([re, im])))

    return step


def _min_gru(p, s, x):
    z = sig(matmul(x, p["wz"]) + p["bz"])
    h = (1 - z) * s["h"] + z * matmul(x, p["wx"])
    return dict(h=h), _readout(p, tanh(h))


def _min_lstm(p, s, x):
    f, i = sig(matmul(x, p["wf"]) + p["bf"]), sig(matmul(x, p["wi"]) + p["bi"])
    h = (f * s["h"] + i * matmul(x, p["wx"])) / (f + i)
    return dict(h=h), _readout(p, tanh(h))


def _minimal_diagonal(p, s, x):
    z = tanh(matmul(x, p["w"]))
    g = sig(p["uz"] * z + p["uh"] * s["h"] + p["b"])
    h = g * s["h"] + (1 - g) * z
    return dict(h=h), _readout(p, tanh(h))


def _elementwise_lstm(p, s, x):
    """Gates read their own cell alone; the output gate reads the new cells of all, and nothing remembers it."""
    f = sig(matmul(x, p["wf"]) + p["uf"] * s["c"])
    c = f * s["c"] + (1 - f) * tanh(matmul(x, p["wz"]) + p["uz"] * s["c"])
    return dict(c=c), _readout(p, sig(matmul(jnp.concatenate([x, c]), p["wo"])) * c)


def _mixing(p, s, x):
    """A fixed matrix and a layer norm between mark and state: neurons mix outside every marked weight."""
    M = np.random.default_rng(4).normal(size=(N, N)) * 0.4
    h = tanh(_norm(s["h"] @ M + matmul(x, p["w"])) * p["g"] + p["b"])
    return dict(h=h), _readout(p, h)


# a soma and two dendrites that meet in a point without membrane
_JOINT, _WAYS = np.array([3, 3, 3, -1]), np.array([2.0, 1.0, 0.5, 0.0])


def _cell(p, s, x):
    """Three compartments, an implicit step; a current onto each, a gated conductance in the soma."""
    g = jnp.pad(0.5 * p["g"] * s["m"][:, None], ((0, 0), (0, 2)))
    leak = 1.0 + p["leak"] ** 2 + g
    b = s["v"] + matmul(x, p["w"]).reshape(2, 3) - 0.7 * g
    open_ended = lambda a: jnp.pad(a, ((0, 0), (0, 1)))
    v = solve(_JOINT, open_ended(leak), _WAYS * jnp.exp(p["way"]), open_ended(b))[:, :3]
    m = 0.6 * s["m"] + 0.4 * sig(3 * v[:, 0])
    return dict(v=v, m=m), _readout(p, tanh(v[:, 0]))


def _models() -> list[Model]:
    lstm = _params(w=(I + N, 4 * N), b=(4 * N,), out=(N, O))
    clocks = dict(v=jnp.zeros(N), t=0.0, n=jnp.asarray(0), key=jax.random.key(0), last=jnp.full(N, -9.0))
    clocks = {k: jnp.asarray(a) if k != "key" else a for k, a in clocks.items()}
    stacked = dict(
        one=_params(w=(I + N, N), b=(N,)), two=_params(w=(N + C, C), b=(C,)), out=draw(np.random.default_rng(5), C, O)
    )
    everything = lambda params: tuple(params)
    low_rank = _params(base=(I, N), A=(I, 2), B=(2, N), S=(I, N), V=(I, N), g=(N,), out=(N, O))
    post = _params(w=(I, N), b=(N,), th=0.4, w2=(N, O))
    post["out"] = post.pop("w2")
    alif = _params(w=(I, N), beta=(N,), rho=1.0, out=(N, O))
    synapse = _params(w=(I, N), tau=0.5, rest=(N,), out=(N, O))
    groups = _params(w=(I, N + O), k=(O,), out=(N, O))
    solver = _params(w=(I, N), b=(N,), tau=2.0, out=(N, O))
    heads = _params(w=(I, N), heads=(2, I, N), g=(2, N))
    turning = _params(nu=(N,), theta=(N,), gamma=(N,), w_re=(I, N), w_im=(I, N), out=(2 * N, O))
    trace_units = {k: v for k, v in turning.items() if k != "gamma"}
    min_gru = _params(wz=(I, N), bz=(N,), wx=(I, N), out=(N, O))
    min_lstm = _params(wf=(I, N), bf=(N,), wi=(I, N), bi=(N,), wx=(I, N), out=(N, O))
    minimal = _params(w=(I, N), uz=(N,), uh=(N,), b=(N,), out=(N, O))
    elementwise = _params(wf=(I, N), uf=(N,), wz=(I, N), uz=(N,), wo=(I + N, N), out=(N, O))
    cell = _params(w=(I, 6), g=1.0, leak=(3,), way=0.0, out=(2, O))
    return [
        Model("LIF, recurrent", _lif, _params(w=(I + N, N), b=(N,), leak=(N,), out=(N, O)), zeros(v=(N,), o=(O,)),
              reals(I), ("out",), spikes=True),
        Model("post-reset LIF", _post_reset, post, zeros(v=(N,)), reals(I), everything(post), spikes=True),
        Model("ALIF", _alif, alif, zeros(v=(N,), a=(N,)), reals(I), everything(alif), spikes=True),
        Model("V minus a", _membrane_minus_adaptation, _params(w=(I, N), beta=(N,), out=(N, O)), zeros(v=(N,), a=(N,)),
              reals(I), ("w", "beta", "out"), spikes=True),
        Model("LIF with synapse", _synapse, synapse, zeros(g=(N,), v=(N,)),
              reals(I, scale=1.0), everything(synapse), spikes=True),
        *(Model(f"LSTM, {k}", _lstm(k), lstm, zeros(h=(N,), c=(N,)), reals(I), ("out",))
          for k in ("split", "gates last", "gates first")),
        Model("GRU", _gru, _params(w=(I + N, 2 * N), b=(2 * N,), wc=(I + N, N), out=(N, O)), zeros(h=(N,)),
              reals(I), ("out",)),
        Model("vanilla RNN", _vanilla, _params(w=(I + N, N), b=(N,), out=(N, O)), zeros(h=(N,)), reals(I), ("out",)),
        Model("LRU", _rotating("LRU"), turning, zeros(re=(N,), im=(N,)), reals(I), everything(turning)),
        *(Model(k, _rotating(k), trace_units, zeros(re=(N,), im=(N,)), reals(I), everything(trace_units))
          for k in ("RTU", "RTU, nonlinear")),
        Model("minGRU", _min_gru, min_gru, zeros(h=(N,)), reals(I), everything(min_gru)),
        Model("minLSTM", _min_lstm, min_lstm, zeros(h=(N,)), reals(I), everything(min_lstm)),
        Model("MinimalRNN, diagonal", _minimal_diagonal, minimal, zeros(h=(N,)), reals(I), everything(minimal)),
        Model("elementwise LSTM", _elementwise_lstm, elementwise, zeros(c=(N,)), reals(I), everything(elementwise)),
        Model("two layers, one leak", _two_layers, _params(w=(I, N), w2=(N, O), a=1.0, c=(O, 3)), zeros(v=(N,), u=(O,)),
              reals(I), ("w2", "c")),
        Model("encoder", _encoder, _params(w1=(I, N), g=(N,), w2=(N, O)), zeros(u=(O,)), reals(I), ("w2",), ("w1", "g")),
        Model("shared and read", _shared_and_read, _params(w=(I, N)), dict(**zeros(v=(N,), u=(O,)), gain=jnp.ones(N)),
              reals(I), ("w",)),
        Model("stacked", _stacked, stacked, (jnp.zeros(N), jnp.zeros(C), jnp.zeros(O)),
              reals(I), ("out",), spikes=True),
        Model("unmarked matrix", _unmarked, _params(w=(I, N), U=(I, N), b=(N,)), zeros(v=(N,)),
              reals(I), ("w", "U", "b")),
        Model("unmarked matrix, wide", _unmarked, _params(w=(20, N), U=(20, N), b=(N,)), zeros(v=(N,)),
              reals(20), ("w", "b"), ("U",)),
        Model("weight twice", _twice, _params(w=(I, N), b=(N,)), zeros(v=(N,)), reals(I), ("w", "b")),
        *(_block(n) for n in (1, 2, 3, 5)),
        *(_trailing(k) for k in ("matmul", "tridiagonal solve", "stencil", "einsum", "scan", "solve", "cumsum")),
        Model("group state", _group_state, _params(w=(I, N), b=(N,)), zeros(h=(N, 2)), reals(I), ("w", "b")),
        Model("stack on a leading axis", _leading_stack, _params(w=(I, N), b=(N,)), _params(v=(N,), u=(N,)),
              reals(I), ("w", "b")),
        Model("dendrites and a clock", _dendrites, _params(w=(I, 2 * N), b=(N,)), zeros(v=(N,), t=()),
              reals(I), ("w", "b")),
        Model("delay by shift", _delay_shift, _params(w=(I, N), gain=(N,)), zeros(line=(3, N), v=(N,)),
              reals(I), ("w", "gain")),
        Model("delay by pointer", _delay_pointer, _params(w=(I, N), gain=(N,)),
              dict(**zeros(line=(3, N), v=(N,)), at=jnp.asarray(1)),
              reals(I), ("w", "gain")),
        _conv(conv_op((3,)), (5,), 2, (5, 3)),
        _conv(conv_op((3, 3), stride=2), (5, 3), 2, (3, 2, 3)),
        _conv(conv_op((2, 2, 2), groups=2, padding="VALID"), (2, 3, 2), 2, (1, 2, 1, 2)),
        Model("sparse, recurrent", _sparse, _params(w=(10,), b=(N,), out=(N, O)), zeros(v=(N,)),
              reals(I), ("out",), spikes=True),
        Model("prelude", _prelude, low_rank, zeros(v=(N,)), reals(I), everything(low_rank)),
        Model("embedding", _embedding, _params(table=(5, N), leak=(N,), out=(N, O)),
              zeros(v=(N,)), integers(5), ("table", "leak", "out"), index=True),
        # the second turn reads what the first one left: a weight used twice, on one population
        Model("marks in a scan", _marks_in_scan, _params(w=(I, N), b=(N,), out=(N, O)), zeros(v=(N,)),
              reals(2, I), ("w", "b", "out")),
        Model("branch", _branch, _params(w=(I, N), k=(N,)), _params(v=(N,)), reals(I), ("w", "k")),
        Model("scan in the dynamics", _scan_in_dynamics, _params(w=(I, N), tau=0.5, out=(N, O)), zeros(v=(N,)),
              reals(I), ("w", "tau", "out")),
        Model("cell", _cell, cell, zeros(v=(2, 3), m=(2,)), reals(I), everything(cell)),
        Model("adaptive solver", _solver, solver, _params(v=(N,), m=(N,)),
              reals(I, scale=1.0), everything(solver), reverse=False),
        Model("two groups", _two_groups, groups, zeros(v=(N,), u=(O,)), reals(I), everything(groups)),
        Model("norm after the state", _norm_after, _params(w=(I, N), b=(N,), g=(N,)), zeros(v=(N,)),
              reals(I), ("w", "b", "g")),
        Model("bookkeeping", _bookkeeping, _params(w=(I, N), b=(N,), out=(N, O)), clocks, reals(I),
              ("w", "b", "out"), spikes=True),
        Model("inner calls", _inner_calls, _params(w=(I, N), b=(N,)), zeros(v=(N,)), reals(I), ("w", "b")),
        Model("mapped inside", _mapped_inside, heads, zeros(v=(2, N)), reals(2, I), everything(heads)),
        Model("mixing", _mixing, _params(w=(I, N), g=(N,), b=(N,), out=(N, O)), zeros(h=(N,)), reals(I), local=False),
    ]  # fmt: skip


ALL_MODELS = _models()
MODELS = {m.name: m for m in ALL_MODELS}

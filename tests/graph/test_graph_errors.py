"""What cannot be learned online is refused: what, where in the user's program, what to do."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige import GraphError, gradients, init, rules, trace_graph
from vestige.ops import dense, mark
from zoo import I, N, _params, matmul, sig, spike, tanh, zeros

HERE = __file__.rsplit("/", 1)[-1]
X = jnp.zeros(I)
M = jnp.asarray(np.random.default_rng(0).normal(size=(N, N)))


def norm(v):
    return (v - v.mean()) / jnp.sqrt(v.var() + 1e-5)


def membrane(change):
    """A leaky membrane with something between mark and state."""

    def step(p, s, x):
        v = change(0.8 * s["v"], matmul(x, p["w"]))
        return dict(v=v), v

    return step


MIXERS = {
    "norm": lambda v, y: v + norm(y),
    "norm of both": lambda v, y: norm(v + y),
    "matrix": lambda v, y: v @ M + y,
    "matrix on the mark": lambda v, y: v + y @ M,
    "cumsum": lambda v, y: jnp.cumsum(v) + y,
    "roll": lambda v, y: jnp.roll(v, 1) + y,
    "sort": lambda v, y: jnp.sort(v) + y,
    "softmax": lambda v, y: jax.nn.softmax(v) + y,
    "mean": lambda v, y: v - 0.1 * v.mean() + y,
    "max": lambda v, y: v / (1 + jnp.abs(v).max()) + y,
    "gather": lambda v, y: v[jnp.array([1, 0, 2, 3, 4])] + y,
    "flip": lambda v, y: v[::-1] + y,
    "scan over neurons": lambda v, y: jax.lax.scan(lambda c, a: (0.5 * c + a, c), 0.0, v)[1] + y,
    "inside jit": lambda v, y: jax.jit(lambda v: v @ M)(v) + y,
    "inside cond": lambda v, y: jax.lax.cond(y.sum() > 0, lambda v: v @ M, lambda v: v, v) + y,
    "inside while": lambda v, y: jax.lax.while_loop(lambda c: c[0] < 2, lambda c: (c[0] + 1, c[1] @ M), (0, v))[1] + y,
    "smooth step size": lambda v, y: v + y / (1 + jnp.linalg.norm(v)),
}


@pytest.mark.parametrize("kind", MIXERS)
def test_mixing_neurons_is_refused(kind):
    with pytest.raises(GraphError) as e:
        trace_graph(membrane(MIXERS[kind]), _params(w=(I, N)), zeros(v=(N,)), X)
    said = str(e.value)
    assert "mixes" in said and "`v`" in said, said
    assert "rtrl()" in said and "Mark the mixing weight" in said, said
    assert f"{HERE}:" in said, said


def test_the_error_names_the_line():
    def step(p, s, x):
        v = 0.8 * s["v"] + matmul(x, p["w"])
        v = norm(v)  # here
        return dict(v=v), v

    lines, start = inspect.getsourcelines(step)
    first = inspect.getsourcelines(norm)[1]
    with pytest.raises(GraphError) as e:
        trace_graph(step, _params(w=(I, N)), zeros(v=(N,)), X)
    here = {start + next(n for n, line in enumerate(lines) if "# here" in line), first, first + 1}
    assert any(f"{HERE}:{n} " in str(e.value) for n in here), str(e.value)


@pytest.mark.parametrize("kind", MIXERS)
def test_mixing_after_the_state_is_welcome(kind):
    def step(p, s, x):
        v = 0.8 * s["v"] + matmul(x, p["w"])
        return dict(v=v), MIXERS[kind](v, v)

    graph = trace_graph(step, _params(w=(I, N)), zeros(v=(N,)), X)
    assert [(g.P, g.S) for g in graph.groups] == [(N, 1)]


def test_rtrl_takes_any_step():
    params, state = _params(w=(I, N)), zeros(v=(N,))
    graph = trace_graph(membrane(MIXERS["matrix"]), params, state, X, positions=False)
    assert graph.groups == () and "rtrl()" in str(graph.report)
    with pytest.raises(GraphError, match="positions=True"):
        init(graph, rules.d_rtrl(), params, state)
    carry = init(graph, rules.rtrl(), params, state)
    with pytest.raises(GraphError, match="positions=True"):
        gradients(graph, rules.es_d_rtrl(0.9), params, carry, X[None], jnp.zeros((1, N)), lambda o, t: o.sum())


HIDDEN = {
    "cond": lambda p, v, x: jax.lax.cond(x.sum() > 0, lambda: matmul(x, p["w"]), lambda: jnp.zeros(N)),
    "while": lambda p, v, x: jax.lax.while_loop(lambda c: c.sum() < 3, lambda c: c + 1 + matmul(x, p["w"]) * 0, v),
    "scan": lambda p, v, x: jax.lax.scan(lambda c, _: (c + matmul(x, p["w"]), None), v, None, length=100)[0],
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_mark_inside_a_loop_or_branch_is_refused_by_name(kind):
    def step(p, s, x):
        v = 0.8 * s["v"] + HIDDEN[kind](p, s["v"], x)
        return dict(v=v), v

    with pytest.raises(GraphError) as e:
        trace_graph(step, _params(w=(I, N)), zeros(v=(N,)), X)
    said = str(e.value)
    assert f"`{kind}`" in said and "Move it out" in said and f"{HERE}:" in said, said
    assert ("100 turns" in said) == (kind == "scan")


def test_a_weight_that_depends_on_the_state_is_refused():
    def step(p, s, x):
        v = 0.8 * s["v"] + matmul(x, p["w"] * s["v"])
        return dict(v=v), v

    with pytest.raises(GraphError, match="weight of a trainable operator depends on the state") as e:
        trace_graph(step, _params(w=(I, N)), zeros(v=(N,)), X)
    assert "zoo.py:" in str(e.value)  # where the mark is made


def test_a_weight_that_depends_on_the_input_is_refused():
    step = lambda p, s, x: (lambda v: (dict(v=v), v))(0.8 * s["v"] + matmul(x, p["w"] * x[:, None]))
    with pytest.raises(GraphError, match="depends on the state or the input"):
        trace_graph(step, _params(w=(I, N)), zeros(v=(N,)), X)


def test_a_weight_that_reaches_nothing_is_refused():
    def step(p, s, x):
        matmul(x, p["lost"])
        v = 0.8 * s["v"] + matmul(x, p["w"])
        return dict(v=v), v

    with pytest.raises(GraphError, match="`lost` reaches neither a state nor the output") as e:
        trace_graph(step, _params(w=(I, N), lost=(I, N)), zeros(v=(N,)), X)
    assert "zoo.py:" in str(e.value)


def test_a_carry_that_closed_a_sequence_is_refused():
    graph, params, start = _ready()
    xs, ys, loss = dict(a=jnp.ones((2, I))), jnp.ones((2, N)), lambda o, t: ((o - t) ** 2).mean()
    closed = gradients(graph, rules.d_rtrl(), params, start(), xs, ys, loss, last=True).carry
    with pytest.raises(ValueError, match="holds no trace.*start again with `init`"):
        gradients(graph, rules.d_rtrl(), params, closed, xs, ys, loss)


@pytest.mark.parametrize(
    "state, change",
    [
        (jnp.zeros(N), lambda v: v[:, None] * jnp.ones(2)),
        (jnp.zeros(()), lambda v: v * jnp.ones(N)),
        (jnp.zeros(N, jnp.float32), lambda v: v.astype(jnp.float64)),
        (jnp.zeros(N), lambda v: v > 0),
    ],
)  # fmt: skip
def test_a_state_that_changes_its_shape_or_dtype_is_refused(state, change):
    step = lambda p, s, x: (dict(cell=dict(v=change(s["cell"]["v"]))), x)
    with pytest.raises(GraphError, match="state `cell.v` enters the step as .* and leaves it as"):
        trace_graph(step, _params(w=(I, N)), dict(cell=dict(v=state)), X)


def test_a_complex_state_is_refused():
    step = lambda p, s, x: (dict(v=s["v"] * p["a"] + matmul(x, p["w"])), s["v"].real)
    with pytest.raises(GraphError, match="state `v` is complex; keep its real"):
        trace_graph(step, _params(w=(I, N), a=(N,)), dict(v=jnp.zeros(N, complex)), X)


def test_integer_parameters_pass():
    """Indices among the parameters are constants, with a gradient of zeros in their own type."""
    step = lambda p, s, x: (lambda v: (dict(v=v), v))(0.8 * s["v"] + matmul(x[p["order"]], p["w"]))
    params, state = dict(_params(w=(I, N)), order=jnp.array([1, 0, 2])), zeros(v=(N,))
    graph = trace_graph(step, params, state, X)
    carry = init(graph, rules.d_rtrl(), params, state)
    out = gradients(
        graph, rules.d_rtrl(), params, carry, jnp.ones((2, I)), jnp.ones((2, N)), lambda o, t: (o * t).sum()
    )
    assert out.grads["order"].dtype == params["order"].dtype and float(jnp.abs(out.grads["w"]).max()) > 0


def test_a_state_that_changes_its_tree_is_refused():
    step = lambda p, s, x: (dict(v=s["v"], u=s["v"]), x)
    with pytest.raises(GraphError, match="return the tree that it took"):
        trace_graph(step, {}, zeros(v=(N,)), X)


@pytest.mark.parametrize("step", [lambda p, s, x: s, lambda p, s, x: (s, x, x), lambda p, s, x: [s, x]])
def test_a_step_returns_a_state_and_an_output(step):
    with pytest.raises(GraphError, match=r"returns \(state', output\)"):
        trace_graph(step, {}, zeros(v=(N,)), X)


def _ready():
    def step(p, s, x):
        v = sig(0.5) * s["v"] + matmul(x["a"], p["w"]) + p["b"]
        return dict(v=v), tanh(v) * spike(v)

    params, state = _params(w=(I, N), b=(N,)), zeros(v=(N,))
    graph = trace_graph(step, params, state, dict(a=X))
    return graph, params, lambda batch=None: init(graph, rules.d_rtrl(), params, state, batch)


@pytest.mark.parametrize(
    "xs, ys, options, said",
    [
        ((7, 4), (7, N), {}, r"inputs have shapes \[\(7, 4\)\]; .* \[T, \.\.\.\] with one example of \[\(3,\)\]"),
        ((7, 2, I), (7, N), {}, "inputs have shapes"),
        ((I,), (7, N), {}, "inputs have shapes"),
        ((0, I), (0, N), {}, "same T of at least 1"),
        ((7, I), (6, N), {}, r"targets of shape \(6, 5\) do not lead with T = 7: give one target a step"),
        ((7, I), (), {}, r"targets of shape \(\) do not lead"),
        ((7, I), (7, N), dict(window=0), "window is 0; give a number of steps of at least 1"),
        ((7, I), (7, N), dict(window=2.0), "window is 2.0"),
        ((7, I), (7, N), dict(window=-3), "window is -3"),
        ((7, I), (7, N), dict(mask=(6,)), r"mask has shape \(6,\); it is \[T\] = \[7\]"),
        ((7, I), (7, N), dict(mask=(7, 2)), r"mask has shape \(7, 2\)"),
        ((7, I), (7, N), dict(reduction="average"), "reduction is 'average'; choose 'sum' or 'mean'"),
        ((7, 3, I), (7, 3, N), dict(batch=2), r"inputs have a batch of \[3\], the carry one of 2"),
        ((7, I), (7, N), dict(batch=2), r"the graph was traced for \[T, 2, \.\.\.\]"),
        ((7, 2, I), (7, 2, N), dict(batch=2, mask=(7, 3)), r"or \[T, B\] = \[7, 2\]"),
    ],
)  # fmt: skip
def test_data_that_does_not_fit_is_refused_before_anything_runs(xs, ys, options, said):
    graph, params, start = _ready()
    options = dict(options)
    carry = start(options.pop("batch", None))
    if "mask" in options:
        options["mask"] = jnp.ones(options["mask"])
    ran = []
    loss = lambda o, t: (ran.append(1), ((o - t) ** 2).mean())[1]
    with pytest.raises(ValueError, match=said):
        gradients(graph, rules.d_rtrl(), params, carry, dict(a=jnp.ones(xs)), jnp.ones(ys), loss, **options)
    assert not ran


def test_inputs_of_another_tree_are_refused():
    graph, params, start = _ready()
    two = dict(a=jnp.ones((7, I)), b=jnp.ones((7, I)))
    with pytest.raises(ValueError, match="inputs have shapes"):
        gradients(graph, rules.d_rtrl(), params, start(), two, jnp.ones((7, N)), lambda o, t: o.sum())


def test_a_loss_that_is_no_scalar_is_refused():
    graph, params, start = _ready()
    with pytest.raises((TypeError, ValueError), match="scalar"):
        gradients(
            graph, rules.d_rtrl(), params, start(), dict(a=jnp.ones((7, I))), jnp.ones((7, N)), lambda o, t: o - t
        )


def test_parameters_of_another_shape_are_refused():
    graph, params, start = _ready()
    carry, xs, ys = start(), dict(a=jnp.ones((7, I))), jnp.ones((7, N))
    go = lambda p: gradients(graph, rules.d_rtrl(), p, carry, xs, ys, lambda o, t: o.sum())
    with pytest.raises(ValueError, match=r"`w` has shape \(3, 6\), and the graph was traced for \(3, 5\)"):
        go(dict(params, w=jnp.ones((I, N + 1))))
    with pytest.raises(ValueError, match="1 parameters, and the graph was traced with 2: b, w"):
        go(dict(w=params["w"]))
    with pytest.raises(ValueError, match="`w` has shape"):
        init(graph, rules.d_rtrl(), dict(params, w=jnp.ones((I, N + 1))), zeros(v=(N,)))


def test_operands_that_do_not_fit_fail_at_their_own_line():
    with pytest.raises(Exception, match=r"(?i)dimension|size|shape|einsum"):
        trace_graph(lambda p, s, x: (s, mark(dense(), x, p["w"])), _params(w=(I + 1, N)), {}, X)

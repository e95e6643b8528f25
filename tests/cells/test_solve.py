"""Equations on a tree: what dense elimination gives, in single precision too, by few equations, with derivatives both ways."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.cells.solve import plan, solve

RNG = np.random.default_rng(0)


def random_tree(N: int, branching: float) -> np.ndarray:
    """Parents of nodes in any order; each grows from the one before, or from any."""
    line = [-1, *(RNG.integers(0, i) if RNG.random() < branching else i - 1 for i in range(1, N))]
    name = RNG.permutation(N)
    parent = np.full(N, -1)
    for i in range(1, N):
        parent[name[i]] = name[line[i]]
    return parent


def conductances(parent: np.ndarray, spread: float, rows: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """leak, a third of it zero; link; and what flows in. `spread`: of the logarithms."""
    N = len(parent)
    leak = np.exp(spread * RNG.normal(size=(rows, N))) * (RNG.random(N) < 0.7)
    leak[:, RNG.integers(N)] = 0.5
    return leak, np.exp(spread * RNG.normal(size=N)) * (parent >= 0), RNG.normal(size=(rows, N))


def dense(parent: np.ndarray, leak: np.ndarray, link: np.ndarray) -> np.ndarray:
    """The matrix of each row, `[rows, N, N]`."""
    return np.stack([np.diag(a) + laplacian(parent, link) for a in leak])


def laplacian(parent: np.ndarray, link: np.ndarray) -> np.ndarray:
    """What flows out of each node for one unit of potential at each other."""
    here = np.flatnonzero(parent >= 0)
    ends = np.zeros((len(here), len(parent)))
    ends[np.arange(len(here)), here], ends[np.arange(len(here)), parent[here]] = 1.0, -1.0
    return ends.T @ (link[here, None] * ends)


TREES = {
    "one node": np.array([-1]),
    "two nodes": np.array([1, -1]),
    "a line": random_tree(40, 0.0),
    "a star": np.array([2, 2, -1, *[2] * 9]),
    "a bush": random_tree(40, 1.0),
    "a tree": random_tree(60, 0.3),
}


@pytest.mark.parametrize("name", TREES)
def test_it_solves_the_equations(name):
    parent = TREES[name]
    leak, link, b = conductances(parent, 1.5)
    matrix = dense(parent, leak, link)
    x = jax.jit(lambda *a: solve(parent, *a))(leak, link, b)
    np.testing.assert_allclose(x, np.linalg.solve(matrix, b[..., None])[..., 0], rtol=1e-8)


@pytest.mark.parametrize("name", ["a line", "a tree"])
def test_what_leaves_in_one_round_does_not_touch(name):
    parent, way = TREES[name], plan(TREES[name])
    assert sorted(way.order) == list(range(len(parent)))
    start = 0
    for r in way.rounds:
        gone = set(way.order[start : start + r.gone].tolist())
        assert gone and not gone & set(parent[list(gone)].tolist())
        start += r.gone
    assert start == len(parent) - 1 and parent[way.order[-1]] == -1


def equations(jaxpr) -> int:
    inner = [getattr(v, "jaxpr", v) for e in jaxpr.eqns for v in e.params.values()]
    return len(jaxpr.eqns) + sum(equations(j) for j in inner if hasattr(j, "eqns"))


def test_equations_grow_with_the_logarithm_of_the_size():
    size = {}
    for N in (10, 100, 1000):
        parent = random_tree(N, 0.2)
        args = conductances(parent, 1.0)
        assert len(plan(parent).rounds) <= 1.5 * np.log2(N) + 2
        size[N] = equations(
            jax.make_jaxpr(lambda *a, p=parent: jax.grad(lambda *a: solve(p, *a).sum())(*a))(*args).jaxpr
        )
    # a hundred times the nodes, some three times the equations
    assert size[1000] < 4 * size[10] and size[1000] - size[100] < 1.5 * (size[100] - size[10])


def test_single_precision_keeps_its_digits():
    # leaks a million times smaller than the ways between nodes, nodes without any: elimination by differences loses all digits
    parent = random_tree(400, 0.2)
    leak, link, b = conductances(parent, 3.0)
    leak, b = 1e-6 * leak, np.abs(b)
    run = jax.jit(lambda *a: solve(parent, *a))
    exact, single = run(leak, link, b), run(*(jnp.asarray(a, jnp.float32) for a in (leak, link, b)))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, exact, rtol=1e-5)
    eliminated = np.linalg.solve(np.float32(dense(parent, leak, link)[0]), np.float32(b[0]))
    assert np.abs(eliminated / exact[0] - 1).max() > 1e-2


def test_derivatives_of_both_modes_and_of_second_order():
    parent = random_tree(5, 0.4)
    leak, link, b = conductances(parent, 0.5, 1)
    leak, off = leak + 0.5, parent >= 0
    inverse = lambda leak, link, b: jnp.linalg.solve(jnp.diag(leak[0]) + graph(link * off), b[0])[None]
    ends = np.eye(5)[off] - np.eye(5)[parent[off]]
    graph = lambda link: ends.T @ (link[off][:, None] * ends)
    mine, true = (lambda *a: solve(parent, a[0], a[1] * off, a[2]), inverse)

    @jax.jit
    def derivatives(leak, link, b):
        out = []
        for f in (mine, true):
            energy = lambda *a, f=f: (f(*a) ** 3).sum()
            grad = jax.grad(energy, (0, 1, 2))
            out.append((f(leak, link, b), grad(leak, link, b), jax.jvp(grad, (leak, link, b), (leak, link, b))[1]))
            out[-1] += (jax.jvp(f, (leak, link, b), (b, link, leak))[1],)
        return out

    ours, theirs = derivatives(leak, link + 0.5, b)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), ours, theirs)
    assert all(np.abs(g).max() > 1e-3 for g in jax.tree.leaves(ours))


def test_links_of_each_neuron_and_axes_in_front():
    parent = TREES["a bush"]
    leak, link, b = conductances(parent, 1.0, 6)
    own = jnp.asarray(link * np.linspace(1, 2, 3)[:, None])

    @jax.jit
    def both(leak, b):
        one = lambda *a: solve(parent, *a)
        return one(leak, own, b), jax.vmap(lambda leak, b: jax.vmap(one)(leak, own, b))(leak, b)

    together, mapped = both(leak.reshape(2, 3, -1), b.reshape(2, 3, -1))
    np.testing.assert_allclose(together, mapped, rtol=1e-12)
    np.testing.assert_allclose(together[1, 2], np.linalg.solve(dense(parent, leak[5:], own[2])[0], b[5]), rtol=1e-8)

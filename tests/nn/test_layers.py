"""Layers and cells against their equations written as a numpy loop; one example and a batch."""

from functools import partial

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
import scipy.sparse

import vestige.nn as vn

rng = np.random.default_rng(3)
s = lambda v: 1 / (1 + np.exp(-v))
xs = rng.normal(size=(6, 3))


def run(m, xs, **kw):
    brainstate.nn.init_all_states(m, **kw)
    return np.stack([np.asarray(m(x)) for x in xs])


def dense(layer, *parts):
    w = layer.weight.value
    return np.concatenate(parts) @ np.asarray(w["weight"]) + np.asarray(w.get("bias", 0.0))


def elman(m, x, h, c):
    return np.maximum(dense(m.W, x, h), 0), c


def gru(m, x, h, c):
    z, r = s(dense(m.Wz, x, h)), s(dense(m.Wr, x, h))
    return (1 - z) * h + z * np.tanh(dense(m.Wh, x, r * h)), c


def mgu(m, x, h, c):
    f = s(dense(m.Wf, x, h))
    return (1 - f) * h + f * np.tanh(dense(m.Wh, x, f * h)), c


def lstm(m, x, h, c):
    i, g, f, o = (dense(k, x, h) for k in (m.Wi, m.Wg, m.Wf, m.Wo))
    c = s(f + 1) * c + s(i) * np.tanh(g)
    return s(o) * np.tanh(c), c


def urlstm(m, x, h, c):
    b = np.asarray(m.bias.value)
    f, r = s(dense(m.Wf, x, h) + b), s(dense(m.Wr, x, h) - b)
    g = 2 * r * f + (1 - 2 * r) * f**2
    c = g * c + (1 - g) * np.tanh(dense(m.Wu, x, h))
    return s(dense(m.Wo, x, h)) * np.tanh(c), c


def minimal(m, x, h, c):
    z = dense(m.phi, x)
    g = s(dense(m.W_u, z, h))
    return g * h + (1 - g) * z, c


def diagonal(m, x, h, c):
    z, w = dense(m.phi, x), {k: np.asarray(v) for k, v in m.u.value.items()}
    g = s(w["z"] * z + w["h"] * h + w["bias"])
    return g * h + (1 - g) * z, c


def elstm(m, x, h, c):
    f = s(dense(m.W_f, x) + np.asarray(m.u_f.value) * c)
    c = f * c + (1 - f) * np.tanh(dense(m.W_z, x) + np.asarray(m.u_z.value) * c)
    return s(dense(m.W_o, x, c)) * c, c


def mingru(m, x, h, c):
    z = s(dense(m.W_z, x))
    return (1 - z) * h + z * dense(m.W_x, x), c


def minlstm(m, x, h, c):
    f, i = s(dense(m.W_f, x)), s(dense(m.W_i, x))
    return f / (f + i) * h + i / (f + i) * dense(m.W_x, x), c


CELLS = [
    (vn.ValinaRNNCell, elman), (vn.GRUCell, gru), (vn.MGUCell, mgu), (vn.LSTMCell, lstm), (vn.URLSTMCell, urlstm),
    (vn.MinimalRNNCell, minimal), (partial(vn.MinimalRNNCell, diagonal=True), diagonal), (vn.MiniGRU, mingru),
    (vn.MiniLSTM, minlstm), (vn.ElementwiseLSTMCell, elstm),
]  # fmt: skip


@pytest.mark.parametrize("cell, equation", CELLS, ids=[e.__name__ for _, e in CELLS])
def test_cells_follow_their_equations(cell, equation):
    kw = {} if cell is vn.URLSTMCell else {"b_init": brainstate.nn.init.Normal(0.5)}
    m = cell(3, 4, state_init=brainstate.nn.init.Constant(0.1), **kw)
    got, h, c = run(m, xs), np.full(4, 0.1), np.full(4, 0.1)
    for x, y in zip(xs, got, strict=True):
        h, c = equation(m, x, h, c)
        np.testing.assert_allclose(y, h, rtol=1e-10)
    batch = run(m, np.stack([xs, -xs], 1), batch_size=2)
    np.testing.assert_allclose(batch[:, 0], got, rtol=1e-10)
    brainstate.nn.reset_all_states(m)
    np.testing.assert_allclose(getattr(m, m.variables[-1]).value, 0.1)


def test_the_linear_recurrent_unit_is_a_complex_recurrence():
    m = vn.LRUCell(3, 5, r_min=0.4, r_max=0.9)
    lam = np.exp(-np.exp(m.nu_log.value) + 1j * np.exp(m.theta_log.value))
    assert np.all((abs(lam) > 0.4) & (abs(lam) < 0.9))
    np.testing.assert_allclose(np.exp(m.gamma_log.value), np.sqrt(1 - abs(lam) ** 2), rtol=1e-6)
    B, C = (np.asarray(r.weight.value["weight"]) + 1j * np.asarray(i.weight.value["weight"])
            for r, i in ((m.B_re, m.B_im), (m.C_re, m.C_im)))  # fmt: skip
    h = np.zeros(5)
    for x, y in zip(xs, run(m, xs), strict=True):
        h = lam * h + np.exp(m.gamma_log.value) * (x @ B)
        np.testing.assert_allclose(y, (h @ C).real + m.D.value * x, rtol=1e-10)
    assert run(m, np.stack([xs, xs], 1), batch_size=2).shape == (6, 2, 3)


@pytest.mark.parametrize("linear", [True, False])
def test_trace_units_are_a_complex_recurrence_that_reads_both_parts(linear):
    m = vn.RTUCell(3, 5, "tanh", linear, r_min=0.4, r_max=0.9)
    lam = np.exp(-np.exp(m.nu_log.value) + 1j * np.exp(m.theta_log.value))
    B = np.asarray(m.B_re.weight.value["weight"]) + 1j * np.asarray(m.B_im.weight.value["weight"])
    squash = lambda h: np.tanh(h.real) + 1j * np.tanh(h.imag)
    h = np.zeros(5)
    for x, y in zip(xs, run(m, xs), strict=True):
        h = lam * h + np.sqrt(1 - abs(lam) ** 2) * (x @ B)
        h, seen = (h, squash(h)) if linear else (squash(h), squash(h))
        np.testing.assert_allclose(y, np.concatenate([seen.real, seen.imag]), rtol=1e-10)
    assert m.out_size == (10,) and run(m, np.stack([xs, xs], 1), batch_size=2).shape == (6, 2, 10)
    brainstate.nn.reset_all_states(m)
    assert not np.any(m.h_re.value) and not np.any(m.h_im.value)


def test_leaky_rate_readout():
    m = vn.LeakyRateReadout(3, 2, tau=4.0 * u.ms)
    r = np.zeros(2)
    for x, y in zip(xs, run(m, xs), strict=True):
        r = np.exp(-1 / 4) * r + x @ np.asarray(m.W.value)
        np.testing.assert_allclose(y, r, rtol=1e-10)


def test_leaky_rate_readout_in_a_unit_and_with_a_trained_time_constant():
    m = vn.LeakyRateReadout(3, 2, tau=brainstate.ParamState(3.0 * u.ms), w_init=brainstate.nn.init.Normal(unit=u.mV))
    brainstate.nn.init_all_states(m, batch_size=4)
    assert u.get_unit(m(np.ones((4, 3)))) == u.mV and m.r.value.shape == (4, 2)
    assert ("tau",) in m.states(brainstate.ParamState)


def test_leaky_spike_readout():
    m = vn.LeakySpikeReadout(3, 2, tau=4.0 * u.ms, w_init=lambda n: jnp.full(n, 3.0) * u.mV)
    brainstate.nn.init_all_states(m)
    v = np.zeros(2)
    for x in abs(xs):
        v = v - (v >= 1)
        v = v * np.exp(-1 / 4) + (1 - np.exp(-1 / 4)) * 3 * x.sum()
        np.testing.assert_allclose(m(x), v >= 1)
        np.testing.assert_allclose(m.V.value.mantissa, v, rtol=1e-10)


def test_linear_takes_what_users_give():
    w = rng.normal(size=(3, 4))
    m = vn.Linear(3, 4, w_init=w * u.mA, w_mask=w > 0)
    np.testing.assert_allclose(m(xs).to_decimal(u.mA), xs @ (w * (w > 0)))
    assert u.get_unit(m.weight.value["bias"]) == u.mA
    assert "bias" not in vn.Linear(3, 4, b_init=None).weight.value
    p = vn.Linear(3, 4, w_init=w, b_init=0.5, param_type=brainstate.ParamState)
    np.testing.assert_allclose(p(xs), xs @ w + 0.5)
    assert vn.Linear((7, 3), (7, 4))(np.ones((7, 3))).shape == (7, 4)


def test_dale_low_rank_and_standardised_weights():
    sign = np.array([[1.0], [-1.0], [1.0]])
    m = vn.SignedWLinear(3, 4, w_sign=sign)
    np.testing.assert_allclose(m(xs), xs @ (abs(np.asarray(m.weight.value)) * sign))
    base = vn.Linear(3, 4)
    m = vn.LoRA(3, 2, 4, base_module=base)
    a, b = m.weight.value["lora_a"], m.weight.value["lora_b"]
    np.testing.assert_allclose(m(xs), xs @ np.asarray(a @ b) / 2 + base(xs))
    m = vn.ScaledWSLinear(50, 4, w_init=brainstate.nn.init.Normal(scale=3.0, mean=1.0, unit=u.mV))
    columns = m(np.eye(50)).mantissa
    np.testing.assert_allclose(columns.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose((columns**2).sum(0), 1, rtol=1e-6)
    half = vn.ScaledWSLinear(50, 4, w_init=m.weight.value["weight"], w_mask=np.full((50, 1), 0.5))
    np.testing.assert_allclose(half(np.eye(50)).mantissa, columns / 2, rtol=1e-6)


def test_sparse_and_lookup():
    M = scipy.sparse.random_array((3, 5), density=0.5, random_state=0, format="csr")
    m = vn.SparseLinear(M, b_init=brainstate.nn.init.Constant(0.5))
    np.testing.assert_allclose(m(xs), xs @ M.toarray() + 0.5)
    assert (m.in_size, m.out_size) == ((3,), (5,))
    m = vn.Embedding(5, (2, 3))
    np.testing.assert_allclose(m(np.array([[1, 4]])), m.weight.value[np.array([[1, 4]])].reshape(1, 2, 2, 3))


def test_norms_follow_a_layer():
    y = vn.LayerNorm((4,))(vn.Linear(3, 4)(xs))
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-6)
    assert vn.RMSNorm((4,))(y).shape == y.shape


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: vn.Linear(3, 4, w_init=np.ones((4, 3))), "needed is"),
        (lambda: vn.Linear((2, 3), (5, 4)), "last axis only"),
        (lambda: vn.GRUCell(3, 4, activation="tahn"), "no such function"),
        (lambda: vn.LRUCell(3, 4, r_min=0.9, r_max=0.5), "LRUCell: the ring"),
        (lambda: vn.RTUCell(3, 4, r_max=1.5), "RTUCell: the ring"),
        (lambda: vn.RTUCell((2, 3), 4), "flatten the input"),
        (lambda: vn.RTUCell(3, 4, activation="tahn"), "no such function"),
        (lambda: vn.MinimalRNNCell(3, 4, b_init=np.ones(3), diagonal=True), "needed is"),
        (lambda: vn.Linear(3, 4)(np.ones(4)), "does not fit"),
    ],
)
def test_mistakes(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_no_time_step_is_said():
    m = vn.LeakyRateReadout(3, 2)
    brainstate.nn.init_all_states(m)
    with brainstate.environ.context(dt=None), pytest.raises(KeyError, match="dt"):
        m(np.ones(3))


def test_single_precision_stays_single():
    jax.config.update("jax_enable_x64", False)
    with brainstate.environ.context(precision=32):
        m = vn.LSTMCell(3, 4)
        brainstate.nn.init_all_states(m)
        assert m(jnp.ones(3)).dtype == jnp.float32 and m.h.value.dtype == jnp.float32

"""gif_psc_exp as a model of data: its spikes follow its hazard, and the likelihood of given spikes has exact gradients."""

from functools import cache

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u
from replay import of
from scipy.optimize import minimize

import vestige as vg
from vestige import nest

TRUTH = {
    "V_T_star": -40.0 * u.mV, "Delta_V": 1.5 * u.mV, "lambda_0": 20.0 * u.Hz, "g_L": 4.0 * u.nS, "C_m": 80.0 * u.pF,
    "E_L": -70.0 * u.mV, "V_reset": -55.0 * u.mV, "tau_syn_ex": 2.0 * u.ms, "I_e": 10.0 * u.pA,
}  # fmt: skip
KERNELS = {"tau_sfa": 40.0 * u.ms, "q_sfa": 4.0 * u.mV, "tau_stc": 15.0 * u.ms, "q_stc": 20.0 * u.pA}


def cell(n, **change):
    """A noisy neuron that adapts in both ways, with any of its parameters replaced."""
    wanted = {**TRUTH, **KERNELS, **change}
    return nest.gif_psc_exp(n, **{k: [v] if k in KERNELS else v for k, v in wanted.items()})


@cache
def data(steps=2500, n=6):
    """Currents, arriving weights and the spikes of the true neuron, `[steps, n]`."""
    draw = np.random.default_rng(0)
    current = np.repeat(draw.uniform(50.0, 500.0, (steps // 50, n)), 50, 0)
    arrive = 30.0 * (draw.random((steps, n)) < 0.02)
    neuron = cell(n, rng=brainstate.random.RandomState(4))
    with brainstate.environ.context(dt=0.1 * u.ms):
        brainstate.nn.init_all_states(neuron)
        one = lambda x: neuron.update(x[0] * u.pA, {"ex": x[1]})
        spikes = brainstate.transform.for_loop(one, (jnp.asarray(current), jnp.asarray(arrive)))
    return current, arrive, np.asarray(spikes)


def likelihood(neuron, current, arrive, spikes):
    """`[steps, n]`: log p of each step."""
    one = lambda x: neuron.log_likelihood(x[2], x[0] * u.pA, {"ex": x[1]})
    with brainstate.environ.context(dt=0.1 * u.ms):
        brainstate.nn.init_all_states(neuron)
        return brainstate.transform.for_loop(one, jax.tree.map(jnp.asarray, (current, arrive, spikes)))


def expected(log_p, spikes):
    """Spikes expected in each step, from log p of what happened."""
    return np.where(spikes > 0, -np.log1p(-np.minimum(np.exp(log_p), 1 - 1e-15)), -log_p)


def rescaled(log_p, spikes):
    """Expected spikes between the spikes of one neuron: exponential with mean 1 if the hazard is right."""
    total = np.cumsum(expected(log_p, spikes))[np.flatnonzero(spikes)]
    return np.diff(total)


def far_from_exponential(x):
    """Kolmogorov and Smirnov's distance times sqrt(n); above 1.63 in one of a hundred samples."""
    x, n = np.sort(1.0 - np.exp(-x)), len(x)
    return np.sqrt(n) * max(np.abs(x - np.arange(n) / n).max(), np.abs(x - np.arange(1, n + 1) / n).max())


def test_own_spikes_follow_the_hazard():
    current, arrive, spikes = data()
    log_p = np.asarray(likelihood(cell(6), current, arrive, spikes))
    waits = np.concatenate([rescaled(log_p[:, k], spikes[:, k]) for k in range(6)])
    assert len(waits) > 80 and far_from_exponential(waits) < 1.63
    wrong = np.asarray(likelihood(cell(6, V_T_star=-36.0 * u.mV), current, arrive, spikes))
    assert far_from_exponential(np.concatenate([rescaled(wrong[:, k], spikes[:, k]) for k in range(6)])) > 1.63


def stochastic():
    (run,) = [r for r in of("gif_psc_exp") if r.name == "gif_psc_exp_stochastic"]
    units = {"V": u.mV, "E": u.mV, "D": u.mV, "C": u.pF, "g": u.nS, "I": u.pA, "t": u.ms, "l": u.Hz}
    names = ("g_L", "E_L", "C_m", "V_reset", "Delta_V", "V_T_star", "lambda_0", "t_ref", "I_e")
    return run, {k: run.parameters[k] * units[k[0]] for k in names}


def test_the_simulators_random_run_has_this_hazard_and_our_spikes_its_statistics():
    run, parameters = stochastic()
    fired = np.zeros(run.steps)
    fired[[run.at(t) for t in run.spike_times if run.at(t) < run.steps]] = 1.0
    current, nothing = run.current()[:, None], np.zeros((run.steps, 1))
    log_p = np.asarray(likelihood(nest.gif_psc_exp(1, **parameters), current, nothing, fired[:, None]))
    assert far_from_exponential(rescaled(log_p[:, 0], fired)) < 1.63
    ours = nest.gif_psc_exp(32, **parameters, rng=brainstate.random.RandomState(1))
    with brainstate.environ.context(dt=run.dt * u.ms):
        brainstate.nn.init_all_states(ours)
        step = lambda x: ours.update(jnp.broadcast_to(x, (32,)) * u.pA)
        spikes = np.asarray(brainstate.transform.for_loop(step, jnp.asarray(current)))
    counts, waits = spikes.sum(0), np.concatenate([np.diff(np.flatnonzero(z)) for z in spikes.T])
    assert abs(fired.sum() - counts.mean()) <= 4.0 * counts.std() + 1.0
    theirs = np.diff(np.flatnonzero(fired))
    assert abs(theirs.mean() - waits.mean()) <= 4.0 * waits.std() / np.sqrt(len(theirs))
    assert 0.6 < theirs.std() / waits.std() < 1.6


def test_a_key_of_its_own_repeats_the_spikes():
    spikes = data()[2]
    data.cache_clear()
    np.testing.assert_array_equal(data()[2], spikes)


def trained(names, steps, **first):
    """Parameter states and the log-likelihood of the first steps of the data."""
    states = {k: brainstate.ParamState(first.get(k, {**TRUTH, **KERNELS}[k])) for k in names}
    neuron, seen = cell(6, **states), [x[:steps] for x in data()]
    return states, lambda: likelihood(neuron, *seen).sum()


def test_gradients_are_finite_differences_in_every_parameter():
    states, value = trained((*TRUTH, *KERNELS), 500)
    assert data()[2][:500].sum() > 5
    back, run = brainstate.transform.grad(value, states)(), brainstate.transform.jit(value)
    for k, state in states.items():
        at, ends = state.value, []
        size, unit = float(u.get_mantissa(at)), u.get_unit(at)
        step = 1e-5 * max(abs(size), 1.0)
        for sign in (1.0, -1.0):
            state.value = u.Quantity(jnp.asarray(size + sign * step), unit=unit)
            ends.append(float(run()))
        state.value = at
        slope = (ends[0] - ends[1]) / (2.0 * step)
        assert abs(slope) > 1e-6, k
        np.testing.assert_allclose(u.get_mantissa(back[k]), slope, rtol=1e-6, err_msg=k)


def test_forward_mode_agrees():
    states, value = trained(("V_T_star",), 200)
    back = brainstate.transform.grad(value, states)()
    forth = brainstate.transform.jacfwd(value, states)()
    np.testing.assert_allclose(u.get_mantissa(forth["V_T_star"]), u.get_mantissa(back["V_T_star"]), rtol=1e-11)


def test_fitting_finds_the_neuron_that_spiked():
    wrong = {"V_T_star": -36.0 * u.mV, "Delta_V": 3.0 * u.mV, "q_sfa": 1.0 * u.mV}
    states, value = trained(tuple(wrong), 2500, **wrong)
    both = brainstate.transform.jit(lambda: brainstate.transform.grad(value, states, return_value=True)())

    def cost(at):
        for state, x in zip(states.values(), at):
            state.value = jnp.asarray(x) * u.mV
        slopes, log_p = both()
        return -float(log_p), -np.array([float(u.get_mantissa(slopes[k])) for k in states])

    start = np.array([float(v.to_decimal(u.mV)) for v in wrong.values()])
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(-60, -20), (0.3, 8.0), (-5.0, 20.0)])
    truth = np.array([float({**TRUTH, **KERNELS}[k].to_decimal(u.mV)) for k in wrong])
    assert found.fun < cost(truth)[0] < cost(start)[0]
    assert (np.abs(found.x - truth) < 0.25 * np.abs(start - truth)).all(), found.x


class Taught(brainstate.nn.Module):
    """Inputs to neurons whose spikes are known; how probable they were comes out."""

    def __init__(self, n_in, n):
        super().__init__()
        self.neuron = cell(n, V_T_star=brainstate.ParamState(jnp.full(n, -40.0) * u.mV))
        self.weight = brainstate.ParamState(jnp.asarray(np.random.default_rng(3).uniform(20.0, 120.0, (n_in, n))))
        self.n_in = n_in

    def update(self, x):
        arrive = vg.matmul(x[: self.n_in], self.weight.value)
        return self.neuron.log_likelihood(x[self.n_in :], 300.0 * u.pA, {"ex": arrive})


def test_the_likelihood_is_learned_online():
    draw, grads = np.random.default_rng(5), []
    xs = jnp.asarray(np.concatenate([draw.random((60, 3)) < 0.3, draw.random((60, 4)) < 0.05], 1) * 1.0)
    for rule in (vg.D_RTRL, vg.BPTT):
        with brainstate.environ.context(dt=0.5 * u.ms):
            net = Taught(3, 4)
            brainstate.nn.init_all_states(net)
            learner = rule(net)
            learner.compile_graph(xs[0])
            found = learner.gradients(xs, jnp.zeros((60, 4)), loss=lambda log_p, _: -log_p.sum())
        grads.append({k: np.asarray(u.get_mantissa(v)) for k, v in found.grads.items()})
    online, want = grads
    assert online.keys() == want.keys() and len(want) == 2
    for k, w in want.items():
        assert np.abs(w).max() > 0 and np.linalg.norm(online[k] - w) <= 1e-10 * np.linalg.norm(w), k

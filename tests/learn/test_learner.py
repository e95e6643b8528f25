"""Learners: one step, a sequence, a batch and a mapped learner are one estimator, in the model's own units."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import saiunit as u
from nets import N_IN, N_OUT, N_REC, Memory, Spiking, built, loss, sequence

import vestige as vg
from marks import slowly

RULES = [vg.D_RTRL, vg.ES_D_RTRL, vg.HybridDimVjpAlgorithm]
GRADIENTS = dict(rtol=1e-9, atol=1e-12)


@pytest.fixture(autouse=True)
def _dt():
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        yield


def assert_close(a, b):
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(u.get_mantissa(x), u.get_mantissa(y), **GRADIENTS), dict(a), dict(b)
    )


def one_by_one(learner, xs, ys):
    """Sum of the gradients that `brainstate.transform.grad` takes through single calls."""
    weights = learner.model.states(brainstate.ParamState)
    step = brainstate.transform.jit(lambda x, y: brainstate.transform.grad(lambda: loss(learner(x), y), weights)())
    grads = [step(x, y) for x, y in zip(xs, ys)]
    return jax.tree.map(lambda *g: sum(g[1:], g[0]), *grads)


@pytest.mark.parametrize("rule", RULES)
def test_calls_one_by_one_give_the_gradient_of_the_sequence(rule):
    xs, ys = sequence()
    learner = built(rule)
    whole = learner.gradients(xs, ys, loss, window=4)
    after = learner.model.neuron.V.value
    assert whole.firing["neuron.V"] > 0, "a silent network compares nothing"
    assert all(jnp.linalg.norm(u.get_mantissa(g)) > 0 for g in jax.tree.leaves(whole.grads))
    learner.reset()
    assert_close(one_by_one(learner, xs, ys), whole.grads)
    assert u.math.allclose(learner.model.neuron.V.value, after)
    assert int(learner.steps.value) == len(xs)


@pytest.mark.parametrize("rule", slowly(RULES, [vg.ES_D_RTRL]))
def test_a_batch_is_the_mean_of_its_examples_and_of_a_mapped_learner(rule):
    B = 3
    xs, ys = sequence(batch=B)
    batched = built(rule, batch=B).gradients(xs, ys, loss, window=4)
    singles = [built(rule).gradients(xs[:, b], ys[:, b], loss, window=4).grads for b in range(B)]
    mean = jax.tree.map(lambda *g: sum(g[1:], g[0]) / B, *singles)
    assert_close(batched.grads, mean)

    model = Spiking()
    learner = rule(model)
    weights = model.states(brainstate.ParamState)

    @brainstate.transform.vmap_new_states(state_tag="new", axis_size=B)
    def init():
        brainstate.nn.init_all_states(model)
        learner.compile_graph(xs[0, 0])

    init()
    mapped = brainstate.nn.Vmap(learner, vmap_states="new")

    def scan(total, now):
        grads = brainstate.transform.grad(lambda: loss(mapped(now[0]), now[1]), weights)()
        return jax.tree.map(lambda a, b: a + b, total, grads), None

    zero = jax.tree.map(jnp.zeros_like, weights.to_dict_values())
    total, _ = brainstate.transform.jit(lambda z: brainstate.transform.scan(scan, z, (xs, ys)))(zero)
    assert_close(total, batched.grads)


def test_sequences_continue_where_the_last_one_stopped():
    xs, ys = sequence(10)
    whole = built(vg.D_RTRL).gradients(xs, ys, loss, window=4).grads
    learner = built(vg.D_RTRL)
    parts = [learner.gradients(xs[a:b], ys[a:b], loss, window=4).grads for a, b in ((0, 3), (3, 4), (4, 10))]
    assert_close(jax.tree.map(lambda *g: sum(g[1:], g[0]), *parts), whole)


def test_reset_starts_a_new_sequence_even_after_the_model_was_initialised_again():
    xs, ys = sequence()
    learner = built(vg.ES_D_RTRL)
    first = learner.gradients(xs, ys, loss).grads
    brainstate.nn.init_all_states(learner.model)
    learner.reset()
    assert_close(learner.gradients(xs, ys, loss).grads, first)


def test_evolve_moves_state_and_traces_as_calls_do():
    xs, _ = sequence(5)
    learner, other = built(vg.ES_D_RTRL), built(vg.ES_D_RTRL)
    outputs = learner.evolve(xs, window=2)
    np.testing.assert_allclose(outputs, jnp.stack([other(x) for x in xs]), rtol=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), learner.memory, other.memory)


def test_gradients_carry_units_that_optimisers_take():
    xs, ys = sequence()
    learner = built(vg.D_RTRL)
    grads = learner.gradients(xs, ys, loss).grads
    params = learner.model.states(brainstate.ParamState).to_dict_values()
    assert jax.tree.structure(dict(grads)) == jax.tree.structure(dict(params))
    assert u.get_unit(grads[("linear", "weight")]["weight"]) == u.mA
    optimizer = optax.adam(1e-2)
    updates, _ = optimizer.update(dict(grads), optimizer.init(dict(params)))
    new = optax.apply_updates(dict(params), updates)
    assert u.get_unit(new[("linear", "weight")]["bias"]) == u.mA
    assert not u.math.allclose(new[("linear", "weight")]["bias"], params[("linear", "weight")]["bias"])


def test_traces_have_the_shapes_of_the_tutorials():
    learner = built(vg.ES_D_RTRL)
    learner.evolve(sequence()[0])
    assert [t.value.shape for t in learner.etrace_xs.values()] == [(N_IN + N_REC,), (N_REC,)]
    assert [t.value.shape for t in learner.etrace_dfs.values()] == [(N_REC, 1), (N_OUT, 1)]
    full = built(vg.D_RTRL)
    assert full.etrace_bwg[("linear.weight.weight", "neuron.V")].value.shape == (N_IN + N_REC, N_REC, 1)


def test_credit_for_a_state_read_after_the_call_reaches_the_weights():
    learner = built(vg.D_RTRL, Memory)
    weights = learner.model.states(brainstate.ParamState)
    x = sequence()[0][0]

    def through_state():
        learner(x)
        return (learner.model.h.value**2).sum()

    by_state = brainstate.transform.grad(through_state, weights)()
    learner.reset()
    by_output = brainstate.transform.grad(lambda: (learner(x) ** 2).sum(), weights)()
    assert_close(by_state, by_output)
    assert jnp.abs(by_output[("leak",)]).sum() == 0 and jnp.abs(by_output[("linear", "weight")]["weight"]).sum() > 0


def test_time_is_an_argument_of_the_step_not_a_constant():
    class Clocked(Memory):
        def update(self, x):
            return super().update(x) * brainstate.environ.get("t") / u.ms

    model = Clocked()
    brainstate.nn.init_all_states(model)
    learner = vg.D_RTRL(model)
    xs, ys = sequence(4)
    with brainstate.environ.context(t=1.0 * u.ms):
        learner.compile_graph(xs[0])
        whole = learner.gradients(xs, ys, loss, window=2)
    learner.reset()
    outputs = []
    for k, x in enumerate(xs):
        with brainstate.environ.context(t=(1.0 + k) * u.ms):
            outputs.append(learner(x))
    np.testing.assert_allclose(whole.outputs, jnp.stack(outputs), rtol=1e-12)


def test_each_example_draws_its_own_noise_and_the_generator_moves_on():
    class Noisy(Memory):
        def update(self, x):
            return super().update(x + brainstate.random.normal(size=(N_IN,)))

    learner = built(vg.D_RTRL, Noisy, batch=3)
    x = jnp.zeros((3, N_IN))
    first, second = learner(x), learner(x)
    assert len(np.unique(np.asarray(first)[:, 0])) == 3
    assert not np.allclose(first, second)
    learner.reset()
    assert not np.allclose(learner(x), first), "noise that repeats would be learned"
    assert brainstate.random.normal(size=(2,)).shape == (2,), "the generator of everyone else"
    xs, ys = sequence(4, batch=3)
    assert jnp.isfinite(learner.gradients(xs, ys, loss, window=2).losses).all()
    assert brainstate.random.normal(size=(2,)).shape == (2,)


def test_parameters_that_no_step_reads_have_zero_gradient_and_a_line():
    class Spare(Memory):
        def __init__(self):
            super().__init__()
            self.spare = brainstate.ParamState(jnp.ones(2))

    learner = built(vg.D_RTRL, Spare)
    xs, ys = sequence()
    assert jnp.all(learner.gradients(xs, ys, loss).grads[("spare",)] == 0)
    assert "spare" in learner.report and "never reads" in learner.report


def test_float32_agrees():
    xs, ys = sequence()
    wide = built(vg.D_RTRL).gradients(xs, ys, loss).grads

    class Narrow(Spiking):
        def __init__(self):
            super().__init__()
            for s in self.states(brainstate.ParamState).values():
                s.value = jax.tree.map(lambda a: a.astype(jnp.float32), s.value)

    model = Narrow()
    with jax.enable_x64(False) if hasattr(jax, "enable_x64") else jax.experimental.disable_x64():
        brainstate.nn.init_all_states(model)
        learner = vg.D_RTRL(model)
        narrow32 = [jnp.asarray(np.asarray(a), jnp.float32) for a in (xs, ys)]
        learner.compile_graph(narrow32[0][0])
        grads = learner.gradients(*narrow32, loss).grads
    for a, b in zip(jax.tree.leaves(dict(grads)), jax.tree.leaves(dict(wide))):
        assert a.dtype == jnp.float32
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("window", [9, 5, 2])
def test_the_first_window_of_a_sequence_has_no_trace_to_read(rule, window):
    xs, ys = sequence()
    learner = built(rule)
    plain = learner.gradients(xs, ys, loss, window).grads
    # a used learner, whose traces `first` leaves unread
    learner.model.neuron.V.value = learner.start.value[("neuron", "V")]
    learner.model.readout.r.value = learner.start.value[("readout", "r")]
    again = learner.gradients(xs, ys, loss, window, first=True)
    assert_close(again.grads, plain)


def test_a_learner_knows_that_its_traces_are_empty_and_forgets_it_in_a_transformation():
    xs, ys = sequence()
    learner = built(vg.D_RTRL)
    assert learner._is_empty()
    first = learner.gradients(xs, ys, loss, window=5).grads
    assert not learner._is_empty()
    second = learner.gradients(xs, ys, loss, window=5).grads
    learner.reset()
    assert learner._is_empty()

    @brainstate.transform.jit
    def run(xs, ys):
        seen.append(learner._is_empty())
        return learner.gradients(xs, ys, loss, window=5).grads

    seen = []
    assert_close(run(xs, ys), first)
    assert_close(run(xs, ys), second)
    assert seen and not any(seen), "what a compiled program finds empty once may be full the next time"


SCALE = 1.0


def test_a_loss_written_anew_is_the_same_until_something_it_reads_has_changed():
    global SCALE
    from vestige.learn.checks import same_function

    def make(weight):
        return lambda output, target: weight * jnp.abs(output - target).mean()

    weight = object()
    assert same_function(make(weight), make(weight)) and not same_function(make(1.5), make(2.5))
    xs, ys = sequence(4)
    learner, sizes = built(vg.D_RTRL), []
    for SCALE in (1.0, 3.0):
        learner.reset()
        anew = lambda output, target: SCALE * ((output - target) ** 2).mean()  # noqa: B023  a global
        losses = learner.gradients(xs, ys, anew).losses
        sizes.append(float(losses.sum()))
    assert sizes[1] == pytest.approx(3 * sizes[0])

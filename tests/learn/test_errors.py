"""Bad input to a learner: a clear error, and no state has moved."""

import warnings

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from nets import N_IN, Memory, Spiking, built, loss, sequence

import vestige as vg


@pytest.fixture(autouse=True)
def _dt():
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        yield


def frozen(learner):
    return jax.tree.map(np.asarray, [s.value for s in learner.states().values()])


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda m: m(jnp.zeros(N_IN + 1)), r"input has shape \(4,\).*compiled for \[3\]"),
        (lambda m: m(jnp.full(N_IN, jnp.nan)), "not finite"),
        (lambda m: m.gradients(*_with_nan(), loss), "not finite"),
        (lambda m: m.gradients(jnp.zeros((4, 2, N_IN)), jnp.zeros((4, 2, 2)), loss), "compiled for"),
        (lambda m: m.gradients(*sequence(6), loss, window=0), "window is 0"),
        (lambda m: m.gradients(*sequence(6), loss, mask=jnp.ones(5)), r"mask has shape \(5,\).*\[6\]"),
        (lambda m: m.gradients(sequence(6)[0], sequence(5)[1], loss), "targets.*lead with T = 6"),
        (lambda m: m.gradients(*sequence(6), loss, reduction="max"), "reduction"),
        (lambda m: m.gradients(jnp.zeros(()), None, loss), "lead with time"),
    ],
)
def test_bad_input_is_refused_before_any_state_moves(call, says):
    learner = built(vg.D_RTRL)
    before = frozen(learner)
    with pytest.raises(ValueError, match=says):
        call(learner)
    jax.tree.map(np.testing.assert_array_equal, frozen(learner), before)


def _with_nan():
    xs, ys = sequence(6)
    return xs.at[3, 1].set(jnp.nan), ys


def test_a_batch_of_another_size_is_refused():
    learner = built(vg.D_RTRL, batch=3)
    before = frozen(learner)
    with pytest.raises(ValueError, match=r"\[T, 3, 3\].*batch size"):
        learner.gradients(*sequence(4, batch=2), loss)
    with pytest.raises(ValueError, match="Compile again"):
        learner(jnp.zeros((2, N_IN)))
    jax.tree.map(np.testing.assert_array_equal, frozen(learner), before)


def test_a_model_initialised_for_another_batch_is_named():
    learner = built(vg.D_RTRL, batch=3)
    brainstate.nn.init_all_states(learner.model)
    with pytest.raises(ValueError, match=r"state `neuron.V`.*learner.reset\(\)"):
        learner(jnp.zeros((3, N_IN)))


@pytest.mark.parametrize(
    "use",
    [lambda m: m(jnp.zeros(N_IN)), lambda m: m.gradients(*sequence(), loss), lambda m: m.reset(), lambda m: m.report],
)
def test_a_learner_used_before_compile_says_what_to_call(use):
    with pytest.raises(vg.NotCompiledError, match="compile_graph"):
        use(vg.D_RTRL(Spiking()))


def test_a_model_without_states_says_how_to_make_them():
    with pytest.raises(vg.GraphError, match="init_all_states"):
        vg.D_RTRL(Spiking()).compile_graph(jnp.zeros(N_IN))


def test_a_learner_takes_a_module():
    with pytest.raises(TypeError, match="trace_graph"):
        vg.D_RTRL(lambda x: x)


def test_wrong_units_name_the_state():
    class Wrong(Memory):
        def init_state(self, *args, **kwargs):
            self.h = vg.ETraceState(jnp.zeros(2) * u.mV)

        def update(self, x):
            self.h.value = jnp.tanh(self.linear(x)) * u.mA
            return self.h.value / u.mA

    with pytest.raises(vg.GraphError, match="`h`.*another unit"):
        built(vg.D_RTRL, Wrong)


def test_a_step_that_mixes_neurons_points_at_the_line():
    class Mixing(Memory):
        def update(self, x):
            y = self.linear(x)
            self.h.value = 0.5 * self.h.value + y / jnp.linalg.norm(y)
            return self.h.value

    with pytest.raises(vg.GraphError, match=r"`reduce_sum` mixes positions.*state `h`.*test_errors.py:\d+ in .*update"):
        built(vg.D_RTRL, Mixing)
    assert jnp.isfinite(jnp.asarray(built(vg.RTRL, Mixing).gradients(*sequence(), loss).losses)).all()


@pytest.mark.parametrize("decay", [1.0, -0.1, 0, "0.9", (0.9,), True])
def test_decays_that_make_no_sense(decay):
    with pytest.raises(ValueError, match="decay|rank"):
        vg.ES_D_RTRL(Memory(), decay_or_rank=decay)


def test_a_silent_population_is_named_once_with_its_rate():
    xs, ys = sequence(40)

    class Silent(Spiking):
        def __init__(self):
            super().__init__(gain=0.0)
            w = self.linear.weight
            w.value = jax.tree.map(jnp.zeros_like, w.value)

    learner = built(vg.ES_D_RTRL, Silent)
    with pytest.warns(vg.SilentLayerWarning, match=r"`neuron.V` is silent: firing rate 0.0 over 40 steps"):
        learner.gradients(xs, ys, loss)
    learner = built(vg.ES_D_RTRL, Silent)
    with pytest.warns(vg.SilentLayerWarning, match="over 16 steps") as said:
        jax.block_until_ready(brainstate.transform.jit(lambda xs: brainstate.transform.for_loop(learner, xs))(xs))
        jax.effects_barrier()
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", vg.SilentLayerWarning)
        built(vg.ES_D_RTRL).gradients(xs, ys, loss)


def test_an_input_in_another_unit_is_refused():
    learner = built(vg.D_RTRL)
    with pytest.raises(ValueError, match="mV.*compiled for"):
        learner(jnp.zeros(N_IN) * u.mV)


def test_spikes_may_come_as_booleans_and_other_precisions():
    xs = sequence(6)[0] > 0
    outputs = [built(vg.D_RTRL).evolve(x) for x in (xs, xs.astype(int), xs.astype(jnp.float32), xs.astype(float))]
    for other in outputs[1:]:
        np.testing.assert_array_equal(outputs[0], other)


def test_a_silent_population_is_named_inside_a_users_jit():
    xs, ys = sequence(40)
    learner = built(vg.D_RTRL)
    weights = learner.model.linear.weight
    weights.value = jax.tree.map(jnp.zeros_like, weights.value)
    with pytest.warns(vg.SilentLayerWarning, match="neuron.V.*over 40 steps"):
        run = brainstate.transform.jit(lambda xs, ys: learner.gradients(xs, ys, loss).losses)
        jax.block_until_ready(run(xs, ys))
        jax.effects_barrier()


def test_a_graph_that_a_rule_has_rewritten_is_refused():
    """What `learner.graph` shows is the step as the rule reads it; the pure functions take the step itself."""
    learner = built(vg.D_RTRL, kappa=True)
    graph, rule = learner.graph, learner.rule
    params, state = jax.tree.unflatten(graph.in_tree, [jnp.zeros(v.shape, v.dtype) for v in graph.program.ins])[:2]
    with pytest.raises(vg.GraphError, match="was rewritten for a rule already .* call `learner.gradients`"):
        vg.init(graph, rule, params, state)
    with pytest.raises(vg.GraphError, match="was rewritten"):
        vg.gradients(graph, vg.rules.d_rtrl(), params, None, None, None, None)

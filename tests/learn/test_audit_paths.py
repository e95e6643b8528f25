"""What each dropped path carries, held against the same network with that path cut by hand."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from nets import N_IN, Spiking, built, loss, sequence

import vestige as vg

N, T = 4, 8
stop = jax.lax.stop_gradient
rng = np.random.default_rng(4)
WEIGHTS = {"into": rng.normal(size=(N_IN, N)), "on": 0.5 * rng.normal(size=(2 * N, N)), "gain": rng.normal(size=N)}
XS, YS = jnp.asarray(rng.normal(size=(T, N_IN))), jnp.asarray(rng.normal(size=(T, N)))


@pytest.fixture(autouse=True)
def _dt():
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        yield


class Two(brainstate.nn.Module):
    """Two populations: the first remembers; the second too, and reads the first, scaled by a parameter, and its own past."""

    def __init__(self):
        super().__init__()
        for name, w in WEIGHTS.items():
            setattr(self, name, brainstate.ParamState(jnp.asarray(w)))

    def init_state(self, *args, **kwargs):
        self.a, self.b = vg.ETraceState(jnp.zeros(N)), vg.ETraceState(jnp.zeros(N))

    def update(self, x):
        self.a.value = 0.5 * self.a.value + vg.matmul(x, self.into.value)
        read = jnp.concatenate([self.a.value * self.gain.value, jnp.tanh(self.b.value)])
        self.b.value = 0.8 * self.b.value + vg.matmul(read, self.on.value)
        return self.b.value


def by_hand(p, cut):
    """The loss, and one way of credit cut: what the output sees of b is told apart from what b hands on."""

    def step(s, now):
        (a, b), (x, y) = s, now
        a = 0.5 * a + x @ p["into"]
        past = stop(b) if cut == "recurrent" else b
        hear = lambda a, gain: 0.8 * b + jnp.concatenate([a * gain, jnp.tanh(past)]) @ p["on"]
        seen = hear(a, p["gain"])
        late = hear(stop(a) if cut == "carried" else a, stop(p["gain"]) if cut == "own step" else p["gain"])
        return (a, late), loss(seen, y)

    return jax.lax.scan(step, (jnp.zeros(N), jnp.zeros(N)), (XS, YS))[1].sum()


def compiled(rule, net=Two, **options):
    model = net()
    brainstate.nn.init_all_states(model)
    learner = rule(model, **options)
    learner.compile_graph(jnp.zeros(N_IN))
    return learner


def test_shares_are_those_of_paths_cut_by_hand():
    found = vg.audit(compiled(vg.D_RTRL), XS, YS, loss, window=3)
    assert [(p.kind, p.weight, p.source, p.into) for p in found.paths] == [
        ("recurrent", "on", ("b",), ()), ("carried", "on", ("a",), ("b",)), ("own step", "on", ("gain",), ("b",)),
    ]  # fmt: skip
    params = jax.tree.map(jnp.asarray, WEIGHTS)
    grad = lambda cut: jax.grad(by_hand)(params, cut)
    full = grad(None)
    for p in found.paths:
        less = grad(p.kind)
        for name, share in p.shares.items():
            want = np.linalg.norm(full[name] - less[name]) / np.linalg.norm(full[name])
            assert share == pytest.approx(want, rel=1e-9, abs=1e-12), (p.kind, name)
        assert max(p.shares.values()) > 0.05, p.kind
    # each carries what it should, and nothing else
    shares = {p.kind: p.shares for p in found.paths}
    assert shares["carried"]["into"] > 0.05 and shares["carried"]["on"] < 1e-12 > shares["carried"]["gain"]
    assert shares["own step"]["gain"] > 0.05 and shares["own step"]["on"] < 1e-12 > shares["own step"]["into"]


def test_dropped_paths_and_the_rules_own_error_are_the_whole_difference():
    """D-RTRL has no error of its own; ES-D-RTRL drops the same and adds one."""
    exact = {r.name: r for r in vg.audit(compiled(vg.D_RTRL), XS, YS, loss).rows}
    smooth = {r.name: r for r in vg.audit(compiled(vg.ES_D_RTRL, decay_or_rank=0.7), XS, YS, loss).rows}
    for name, row in exact.items():
        assert row.own < 1e-12 and smooth[name].dropped == pytest.approx(row.dropped, rel=1e-9)
        assert row.dropped == pytest.approx(np.sqrt(1 + row.ratio**2 - 2 * row.ratio * row.cosine), rel=1e-6)
    assert max(row.dropped for row in exact.values()) > 0.1 and smooth["on"].own > 0.1


@pytest.mark.slow
def test_a_path_that_a_memory_before_the_readout_keeps_is_not_dropped():
    rules = (vg.rules.d_rtrl(), vg.rules.d_rtrl(kappa=True), vg.rules.d_rtrl(kappa=0.5))
    plain, kept, blunt = (vg.audit(built(lambda m: vg.Learner(m, r)), *sequence(20), loss) for r in rules)  # noqa: B023
    assert [p.kind for p in plain.paths] == ["recurrent", "carried"] and [p.kind for p in kept.paths] == ["recurrent"]
    row = lambda found: next(r for r in found.rows if r.name == "linear.weight.weight")
    assert row(kept).dropped < 0.5 * row(plain).dropped and row(kept).own < 1e-10
    # with a decay that is not the readout's the path stays in the report, and what is done instead is the rule's own
    assert blunt.dropped == plain.dropped and row(blunt).own > 0.1


def test_shares_of_a_batch_and_of_an_own_step_parameter():
    class Deaf(Spiking):
        """Its first weights get their own step's gradient alone."""

        def update(self, x):
            w = self.linear.weight.value
            x = jnp.concatenate([x, self.neuron.get_spike()], -1)
            self.neuron(vg.matmul(x, vg.untraced(w["weight"])) + w["bias"])
            return self.readout(self.neuron.get_spike())

    found = vg.audit(built(vg.D_RTRL, Deaf, batch=2), *sequence(12, batch=2), loss)
    assert any(p.kind == "own step" and p.weight == "linear.weight.weight" for p in found.paths)
    assert all(r.own < 1e-10 for r in found.rows) and all(np.isfinite([*p.shares.values()]).all() for p in found.paths)
    late = next(p for p in found.paths if p.kind == "own step")
    assert late.shares["linear.weight.weight"] > 0.1 and late.shares["readout.W"] < 1e-10

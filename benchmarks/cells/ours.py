"""vestige's arms: forward, the gradient online by D-RTRL in windows, and back through the whole sequence."""

import os

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u
from arm import Arm
from cases import CM, DIAM, E_K, E_L, E_NA, G_K, G_L, G_NA, LENGTH, RA, REST, Case

import vestige as vg
from vestige import cells

if os.environ.get("JAX_ENABLE_X64"):
    brainstate.environ.set(precision=64)

WINDOW = 16


def morphology(case: Case) -> cells.Morphology:
    """Sections `s0`, `s1`, ..., each at the end of its parent."""
    shape = cells.Morphology()
    for k, parent in enumerate(case.parents):
        shape.add_cylinder_section(
            f"s{k}", LENGTH * case.nseg * u.um, DIAM * u.um, case.nseg, RA * u.ohm * u.cmetre, CM * u.ufarad / u.cmeter2
        )
        if k:
            shape.connect(f"s{k}", f"s{parent}", 1.0)
    return shape


class Net(brainstate.nn.Module):
    """A population whose sodium conductance is one number per cell; it says the voltage of the first compartments."""

    def __init__(self, case: Case):
        super().__init__()
        self.cell = cells.MultiCompartment(case.cells, morphology(case), V_init=REST * u.mV)
        self.g_Na = brainstate.ParamState(jnp.full((case.cells, 1), G_NA) * cells.DENSITY)
        hh = cells.HH(self.g_Na, G_K * cells.DENSITY, G_L * cells.DENSITY, E_NA * u.mV, E_K * u.mV, E_L * u.mV)
        self.cell.insert(hh, name="hh")
        self.clamp = jnp.zeros(case.compartments).at[0].set(case.current) * u.nA

    def update(self, _):
        self.cell(self.clamp)
        return self.cell.V.value[..., 0].to_decimal(u.mV)


def prepared(case: Case, dt: float) -> Net:
    brainstate.environ.set(dt=dt * u.ms)
    net = Net(case)
    brainstate.nn.init_all_states(net)
    return net


def forward(case: Case, steps: int, dt: float) -> Arm:
    net = prepared(case, dt)

    def run():
        brainstate.nn.reset_all_states(net)
        return brainstate.transform.for_loop(net, jnp.arange(steps))

    return Arm(brainstate.transform.jit(run))


def taught(rule, window: int | None):
    """An arm that teaches by a rule; no window is the whole sequence."""

    def arm(case: Case, steps: int, dt: float) -> Arm:
        net = prepared(case, dt)
        learner = rule(net)
        xs, targets = jnp.zeros((steps, 1)), jnp.zeros((steps, case.cells))
        learner.compile_graph(xs[0])
        loss = lambda v, target: (((v - target) / 50.0) ** 2).mean()

        def run():
            # from where the last call left off: the first one is compared, and a step costs the same wherever it is
            found = learner.gradients(xs, targets, loss=loss, window=window or steps)
            return jnp.ravel(u.get_mantissa(jax.tree.leaves(found.grads)[0]))

        # as the peers' and as a training step is: one program
        return Arm(brainstate.transform.jit(run))

    return arm


ARMS = {"forward": forward, "online": taught(vg.D_RTRL, WINDOW), "gradient": taught(vg.BPTT, None)}

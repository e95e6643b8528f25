"""braincell's arms: a population of its cells, forward, and the gradient back through its loop."""

import os

import braincell
import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
from arm import Arm
from braincell import mech
from braincell.filter import AllRegion, RootLocation
from braincell.morph.branch import Branch
from braincell.morph.morphology import Morphology
from cases import CM, DIAM, E_K, E_L, E_NA, G_K, G_L, G_NA, LENGTH, RA, REST, Case

if os.environ.get("JAX_ENABLE_X64"):
    brainstate.environ.set(precision=64)

SIEMENS = u.siemens / u.cm**2


def morphology(case: Case) -> Morphology:
    """Sections `s0`, `s1`, ..., each at the end of its parent."""
    branch = lambda: Branch.from_lengths(
        lengths=[LENGTH * case.nseg] * u.um, radii=[DIAM / 2, DIAM / 2] * u.um, type="dendrite"
    )
    shape = Morphology.from_root(branch(), name="s0")
    for k, parent in enumerate(case.parents[1:], 1):
        shape.attach(parent=f"s{parent}", child_branch=branch(), child_name=f"s{k}", parent_x=1.0)
    return shape


def population(case: Case) -> braincell.Cell:
    """All cells, with their clamps."""
    cell = braincell.Cell(
        morphology(case), pop_size=case.cells, cv_policy=braincell.CVPerBranch(case.nseg), V_init=REST * u.mV
    )
    cable = mech.CableProperty(
        resting_potential=REST * u.mV, membrane_capacitance=CM * u.uF / u.cm**2, axial_resistivity=RA * u.ohm * u.cm
    )
    cell.paint(AllRegion(), cable)
    cell.paint(
        AllRegion(),
        mech.Ion("SodiumFixed", name="na", E=E_NA * u.mV),
        mech.Ion("PotassiumFixed", name="k", E=E_K * u.mV),
    )
    cell.paint(
        AllRegion(), mech.Channel("Na_HH1952", name="Na", g_max=G_NA * SIEMENS),
        mech.Channel("K_HH1952", name="K", g_max=G_K * SIEMENS), mech.Channel("IL", name="L", g_max=G_L * SIEMENS, E=E_L * u.mV),
    )  # fmt: skip
    clamp = mech.CurrentClamp(delay=0.0 * u.ms, durations=1e6 * u.ms, amplitudes=case.current * u.nA)
    cell.place(RootLocation(0.5 / case.nseg), clamp)
    cell.init_state()
    return cell


def looped(cell: braincell.Cell, steps: int, dt: float):
    """Voltages of the first compartments after each step `[steps, cells]`, from rest."""
    cell.reset_state()

    def step(k):
        with brainstate.environ.context(t=k * dt * u.ms, dt=dt * u.ms):
            cell.update()
            return cell.V.value[..., 0].to_decimal(u.mV)

    return brainstate.transform.for_loop(step, jnp.arange(steps))


def forward(case: Case, steps: int, dt: float) -> Arm:
    cell = population(case)
    return Arm(brainstate.transform.jit(lambda: looped(cell, steps, dt)))


def gradient(case: Case, steps: int, dt: float) -> Arm:
    cell = population(case)
    cell.channels["Na"].trainable(g_max=braincell.trainable.parameter(group_by="population", name="g_Na"))
    cell.reset_state()
    of = cell.trainables.parameters().states()

    def loss():
        return ((looped(cell, steps, dt) / 50.0) ** 2).mean(1).sum()

    run = brainstate.transform.jit(brainstate.transform.grad(loss, grad_states=of))
    return Arm(lambda: jnp.ravel(u.get_mantissa(jax.tree.leaves(run())[0])))


ARMS = {"forward": forward, "gradient": gradient}

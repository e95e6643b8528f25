"""jaxley's arms: cells side by side under `jax.vmap`, forward, and the gradient back through its scan."""

import jax
import jax.numpy as jnp
import jaxley as jx
from arm import Arm
from cases import CM, DIAM, E_K, E_L, E_NA, G_K, G_L, G_NA, LENGTH, RA, REST, Case
from jaxley.channels import HH


def cell(case: Case) -> jx.Cell:
    """One cell that records its first compartment, its sodium conductance one number."""
    cell = jx.Cell([jx.Branch(jx.Compartment(), ncomp=case.nseg) for _ in case.parents], parents=case.parents)
    cell.insert(HH())
    said = {
        "length": LENGTH, "radius": DIAM / 2, "axial_resistivity": RA, "capacitance": CM, "v": REST,
        "HH_gNa": G_NA, "HH_gK": G_K, "HH_gLeak": G_L, "HH_eNa": E_NA, "HH_eK": E_K, "HH_eLeak": E_L,
    }  # fmt: skip
    for key, value in said.items():
        cell.set(key, value)
    cell.init_states()
    cell[0, 0].record("v", verbose=False)
    cell.make_trainable("HH_gNa", verbose=False)
    return cell


def voltages(case: Case, steps: int, dt: float):
    """`g_Na [cells] -> voltages after each step [steps, cells]`."""
    one = cell(case)
    stimulus = one[0, 0].data_stimulate(jnp.full(steps, case.current), None)
    single = lambda g: jx.integrate(one, params=[{"HH_gNa": g[None]}], data_stimuli=stimulus, delta_t=dt)[0, 1:]
    return lambda g: jax.vmap(single, out_axes=1)(g)


def forward(case: Case, steps: int, dt: float) -> Arm:
    return Arm(jax.jit(voltages(case, steps, dt)), (jnp.full(case.cells, G_NA),))


def gradient(case: Case, steps: int, dt: float) -> Arm:
    run = voltages(case, steps, dt)
    loss = lambda g: ((run(g) / 50.0) ** 2).mean(1).sum()
    return Arm(jax.jit(jax.grad(loss)), (jnp.full(case.cells, G_NA),))


ARMS = {"forward": forward, "gradient": gradient}

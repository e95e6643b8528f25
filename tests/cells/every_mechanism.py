"""All mechanisms, each with the voltage at which its current is zero: a new one is a line here."""

from collections.abc import Callable
from dataclasses import dataclass

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from vestige import cells
from vestige.cells.calcium import nernst
from vestige.cells.mechanism import Numbers

CELSIUS, CALCIUM, DT = 22.0, 3e-4, 0.1  # degrees, mM, ms


@dataclass(frozen=True)
class Case:
    """A mechanism; `reversal` from its parameters, None where there is no such voltage."""

    make: type[cells.Mechanism]
    reversal: Callable[[Numbers], jax.Array] | None = None

    @property
    def name(self) -> str:
        return self.make.__name__

    @property
    def zero(self) -> float:
        """Voltage without current, mV."""
        return float(self.reversal(self.make().numbers()))


def of_calcium(p: Numbers) -> jax.Array:
    return nernst(jnp.asarray(CALCIUM), p.Ca_out, 2, CELSIUS)


WITH_EQUATIONS = [
    Case(cells.Leak, lambda p: p.E_L), Case(cells.HH), Case(cells.NaHH, lambda p: p.E_Na), Case(cells.KHH, lambda p: p.E_K),
    Case(cells.NaTraub, lambda p: p.E_Na), Case(cells.KTraub, lambda p: p.E_K), Case(cells.KA, lambda p: p.E_K),
    Case(cells.KM, lambda p: p.E_K), Case(cells.KCa, lambda p: p.E_K), Case(cells.CaL, of_calcium),
    Case(cells.CaT, of_calcium), Case(cells.CaPool), Case(cells.Ih, lambda p: p.E_h), Case(cells.ExpSyn, lambda p: p.E),
    Case(cells.Exp2Syn, lambda p: p.E), Case(cells.NMDA, lambda p: p.E), Case(cells.Clamp), Case(cells.IClamp),
]  # fmt: skip
# those with other numbers in the same equations need no other compilation
ALL_MECHANISMS = [*WITH_EQUATIONS, *(Case(c, lambda p: p.E) for c in (cells.AMPA, cells.GABA_A, cells.GABA_B))]


def placed(mechanism: cells.Mechanism, pop: tuple[int, ...], k: int = 1) -> tuple[cells.Mechanism, Numbers]:
    """It and its parameters, with places but without a cell: what it does is then seen alone."""
    shape = cells.Morphology()
    shape.add_cylinder_section("soma", 20 * u.um, 20 * u.um, k)
    mechanism.settle(cells.tree(shape), np.arange(k), pop)
    return mechanism, mechanism.numbers()


def half_open(mechanism: cells.Mechanism, p: Numbers, v: jax.Array, ions: Numbers) -> Numbers:
    """States that let current through."""
    first = mechanism.first(p, v, ions)
    half = lambda x: jnp.full_like(x, 0.5) if jnp.issubdtype(x.dtype, jnp.floating) else x
    return Numbers(**(vars(mechanism.state()) if not first else {k: half(x) for k, x in first.items()}))


def here(v: jax.Array) -> Numbers:
    """What is around, at these voltages."""
    return Numbers(ca=jnp.full_like(v, CALCIUM), celsius=CELSIUS)


def equations(m: cells.Mechanism, p: Numbers, v: jax.Array) -> dict:
    """What the mechanism says at these voltages."""
    ions = here(v)
    s, rates = half_open(m, p, v, ions), m.rates(p, v, ions)
    i, slope = m.flow(p, s, v, ions)
    return {
        "limit": {k: a for k, (a, _) in rates.items()},
        "tau": {k: b for k, (_, b) in rates.items()},
        "current": i,
        "slope": slope,
        "next": m.advance(p, s, v, ions, -1e-3 * jnp.ones_like(v), DT),
    }


def gates(m: cells.Mechanism, p: Numbers, v: jax.Array, limit: dict) -> dict:
    """Where its gates begin, and where they go from their limit, from shut, and from open."""
    step = lambda s, dt: m.advance(p, Numbers(**s), v, here(v), 0.0 * v, dt)
    shut, open_ = ({k: jnp.full_like(v, x) for k in limit} for x in (0.0, 1.0))
    return {
        "first": m.first(p, v, here(v)), "still": step(limit, DT), "from 0": step(shut, DT), "from 1": step(open_, DT),
        "end": step(open_, 1e7),
    }  # fmt: skip


def gradients(m: cells.Mechanism, p: Numbers, v: jax.Array) -> tuple[tuple[dict, jax.Array], dict]:
    """Backwards through all that it says, by its parameters and the voltage; and what it says."""

    def total(p: dict, v: jax.Array) -> tuple[jax.Array, dict]:
        said = equations(m, Numbers(**p), v)
        return sum(x.sum() for x in jax.tree.leaves(said) if jnp.issubdtype(x.dtype, jnp.floating)), said

    return jax.grad(total, (0, 1), has_aux=True)(vars(p), v)


def all_told(v: np.ndarray, dtype: type, what: Callable) -> dict[str, dict]:
    """`what` of every mechanism, compiled as one."""

    def run(v: jax.Array) -> dict[str, dict]:
        told = {}
        for case in WITH_EQUATIONS:
            m, p = placed(case.make(), v.shape[:1])
            told[case.name] = what(m, Numbers(**{k: x.astype(dtype) for k, x in vars(p).items()}), v)
        return told

    with brainstate.environ.context(dt=DT * u.ms):
        return jax.tree.map(np.asarray, jax.jit(run)(jnp.asarray(v[:, None], dtype)))

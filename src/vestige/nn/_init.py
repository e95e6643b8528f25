"""How a layer's numbers begin: from a callable of a shape, an array, a quantity or a number."""

from collections.abc import Callable

import brainstate
import jax.numpy as jnp
import saiunit as u

from ._units import Value, join

Size = int | tuple[int, ...] | list[int]
Initializer = Callable[[tuple[int, ...]], Value] | Value | float

zeros = brainstate.nn.init.ZeroInit()
kaiming = brainstate.nn.init.KaimingNormal()
xavier = brainstate.nn.init.XavierNormal()
lecun = brainstate.nn.init.LecunNormal()
orthogonal = brainstate.nn.init.Orthogonal()
small = brainstate.nn.init.Normal(scale=0.1)


def size(s: Size) -> tuple[int, ...]:
    """A size as a tuple of axes."""
    return tuple(int(n) for n in s) if isinstance(s, (tuple, list)) else (int(s),)


def filled(init: Initializer, shape: tuple[int, ...], what: str, batch_size: int | None = None) -> Value:
    """The first value, `[*shape]` or `[batch_size, *shape]`.

    Raises:
        ValueError: the array given, or made, has neither this shape nor that of one number.
    """
    shape = shape if batch_size is None else (batch_size, *shape)
    value = init(shape) if callable(init) else init
    value = value if isinstance(value, u.Quantity) else jnp.asarray(value)
    if value.shape == shape:
        return value
    if value.ndim == 0 or (batch_size is not None and value.shape == shape[1:]):
        return u.math.broadcast_to(value, shape)
    raise ValueError(f"{what}: the value given has shape {value.shape}, needed is {shape}")


def weight_and_bias(
    w_init: Initializer, b_init: Initializer | None, w_shape: tuple[int, ...], b_shape: tuple[int, ...], what: str
) -> dict[str, Value]:
    """The dict that a layer trains: `{'weight': ...}`, and `'bias'` unless `b_init` is None."""
    weight = filled(w_init, w_shape, f"{what}: w_init")
    if b_init is None:
        return {"weight": weight}
    bias = filled(b_init, b_shape, f"{what}: b_init")
    if isinstance(b_init, brainstate.nn.init.ZeroInit) and u.get_unit(bias).is_unitless:
        # zero is zero in every unit: the default fits a weight that carries one
        bias = join(bias, u.get_unit(weight))
    return {"weight": weight, "bias": bias}


def function(fn: str | Callable[[Value], Value]) -> Callable[[Value], Value]:
    """A function as given, or the one that `brainstate.nn` has under this name."""
    if not callable(fn) and not isinstance(getattr(brainstate.nn, fn, None), Callable):
        raise ValueError(f"activation {fn!r}: brainstate.nn has no such function; give a callable")
    return fn if callable(fn) else getattr(brainstate.nn, fn)

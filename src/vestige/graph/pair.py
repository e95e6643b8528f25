"""What the user's step takes and gives, beside what a route adds to it."""

from typing import Any, NamedTuple

import jax


class Pair:
    """What the user's step takes, and what a route adds to it."""

    def __init__(self, given: Any, added: Any):
        self.given, self.added = given, added


# without keys of its own, so that names of parameters and states stay as they are
jax.tree_util.register_pytree_node(Pair, lambda p: ((p.given, p.added), None), lambda _, c: Pair(*c))


class Shown(NamedTuple):
    """What a rule may attach a signal to: `read`, by name of the reader; `counts` of spikes, by population, over `steps`."""

    read: dict[str, jax.Array]
    counts: dict[str, jax.Array]
    steps: Any

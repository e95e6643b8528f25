"""Learning rules by name, as a user's model may be tried with them."""

from collections.abc import Callable
from typing import Any

import jax

from .. import rules
from ..graph import Graph, GraphError
from ..learn.core import empty, start_of
from ..rules import Rule

LAWS: dict[str, Callable[[], Rule]] = {
    "d_rtrl": rules.d_rtrl,
    "es_d_rtrl": lambda: rules.es_d_rtrl(0.9),
    "hybrid": lambda: rules.hybrid(0.9),
    "e_prop": rules.e_prop,
    "ostl": rules.ostl,
    "ottt": lambda: rules.ottt(0.9),
    "rflo": lambda: rules.rflo(0),
    "snap_1": lambda: rules.snap(1),
    "rtrl": rules.rtrl,
    "immediate": rules.immediate,
    "bptt": rules.tbptt,
}
WHOLE = {"bptt"}  # look at whole sequences


def trace_bytes(graph: Graph, rule: Rule, params: Any) -> int:
    """Bytes that one example carries from step to step for the rule.

    Raises:
        GraphError: the rule does not apply to the model.
    """
    made = jax.eval_shape(lambda p: empty(graph, rule, p, start_of(graph, rule, p), None), params)
    return sum(a.size * a.dtype.itemsize for a in jax.tree.leaves(made))


def applies(run: Callable[[], Any]) -> tuple[Any, str]:
    """(result, "") or (None, why the rule does not apply), in a sentence."""
    try:
        return run(), ""
    except GraphError as error:
        return None, str(error).split(". ")[0].rstrip(".") + "."

"""What a graph tells its user: what is learned, exactly or not, and what is dropped."""

from dataclasses import dataclass
from typing import Literal

from .program import Equation, Value


@dataclass(frozen=True)
class Path:
    """One way of credit that full RTRL and BPTT follow and `local` and `instant` rules do not; prints as the report says it.

    `recurrent`: through the input of `weight` to the previous states `source`; `carried`: by `weight` from the states `source`
    into the states `into`, which remember; `own step`: the same from parameters, or of a parameter without a trace itself.
    In the program: the values `cut` are constants for the mark that delivers `mark` (None: for all), which reads them by the
    equations `cone`; and so in what the states numbered `states` inherit, or throughout the step where none are given.
    """

    kind: Literal["recurrent", "carried", "own step"]
    weight: str
    source: tuple[str, ...]
    into: tuple[str, ...]
    mark: Value | None
    cut: frozenset[Value]
    cone: tuple[Equation, ...]
    states: tuple[int, ...]

    def __str__(self) -> str:
        source, into = ", ".join(self.source), ", ".join(self.into)
        if self.kind == "recurrent":
            return f"{self.weight} reads the previous {source}: no credit through it to earlier steps"
        if self.mark is None:
            return f"{self.weight}: too many values per position, or asked for by `untraced`"
        remembers = f"{self.weight} carries {source} into {into}, which remembers"
        if self.kind == "own step":
            return f"{remembers}: credit of this step only"
        return f"{remembers}: credit for what the former did before this step"


@dataclass(frozen=True)
class Way:
    """What a route changes. `kept`: memories before a reader that tell all its population remembers, by name; `elsewhere`: credit
    comes back by other weights than the reader's, or not at all; `notes`: what to say of it."""

    kept: dict[str, tuple[str, ...]]
    elsewhere: bool
    notes: tuple[str, ...]


AS_IT_IS = Way({}, False, ())
LARGE = 8  # states of a position; a product of two sums stands for as many ways through time, badly
FEEDBACK = "feedback of "  # names of weights by which credit comes back


@dataclass(frozen=True)
class Report:
    """Lines by subject; printable. As data: `paths`, what is dropped; `exact`, the parameters for which D-RTRL equals BPTT;
    `around`: populations of which more is read than their new state; `large`: populations with many states a position."""

    groups: tuple[str, ...] = ()
    traced: tuple[str, ...] = ()
    own_step: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    exact: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    large: tuple[str, ...] = ()

    def __str__(self) -> str:
        heads = {
            "groups": "populations",
            "traced": "traced weights",
            "own_step": "without a trace",
            "unread": "parameters that the step never reads (gradient zero)",
            "dropped": "credit that `local` and `instant` rules drop (`rtrl()` and BPTT keep it)",
            "notes": "notes",
        }
        parts = [
            f"{head}:\n" + "\n".join(f"  {line}" for line in getattr(self, k))
            for k, head in heads.items()
            if getattr(self, k)
        ]
        return "\n".join(parts) or "nothing to learn: the step reads no parameter"

    def of(self, new_state_only: bool, factorised: bool = False) -> str:
        """As printed, with what a rule drops that credits new states alone, and where a rule is weak whose trace is a product."""
        lost = [f"\n  {p} is read around its new state: that credit is its step's alone" for p in self.around]
        weak = [
            f"\n  {p}: one sum of each input stands for all of these states' pasts, and cancels where inputs take both signs; "
            "measure with `vestige.audit`, or use D-RTRL"
            for p in self.large
        ]
        parts = [str(self)]
        parts += ["credit that this rule drops besides:" + "".join(lost)] if new_state_only and lost else []
        parts += ["weak under this rule (large blocks):" + "".join(weak)] if factorised and weak else []
        return "\n".join(parts)

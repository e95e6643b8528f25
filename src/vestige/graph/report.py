"""What a graph tells its user: what is learned, exactly or not, and what is dropped."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """Lines by subject; printable."""

    groups: tuple[str, ...] = ()
    traced: tuple[str, ...] = ()
    own_step: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

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

"""The error of a step that cannot be learned online, and where in the user's program it arose."""

from typing import Any

_LIBRARY = __file__.replace("\\", "/").removesuffix("graph/errors.py")


class GraphError(ValueError):
    """The step has a structure for which the rule's gradient would be wrong: what, where, what to do."""


def where(eqn: Any) -> str:
    """`file.py:12 in update`: the innermost line outside JAX and this library; empty if unknown."""
    frames = getattr(getattr(eqn.source_info, "traceback", None), "frames", ())
    for f in frames:
        path = f.file_name.replace("\\", "/")
        if not path.startswith((_LIBRARY, "<")) and not any(
            p in path for p in ("/jax/", "/jaxlib/", "/brainstate/", "/saiunit/")
        ):
            return f"{path.rsplit('/', 1)[-1]}:{f.line_num} in {f.function_name}"
    return ""

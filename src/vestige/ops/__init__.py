"""Operators: how a weight is laid out between inputs and outputs, one short file each."""

from .conv import Conv, conv_op
from .einsum import Einsum, dense, diagonal
from .embedding import Embedding
from .mark import mark, mark_p, untraced, untraced_p
from .operator import Mapped, Operator, Unshared
from .own import Own
from .sparse import Sparse

__all__ = [
    "Conv", "Einsum", "Embedding", "Mapped", "Operator", "Own", "Sparse", "Unshared",
    "conv_op", "dense", "diagonal", "mark", "mark_p", "untraced", "untraced_p",
]  # fmt: skip

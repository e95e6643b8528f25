"""Layers that are one product: dense, signed, sparse, low-rank and lookup."""

from collections.abc import Callable
from math import prod

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ._init import Initializer, Size, filled, kaiming, lecun, size, weight_and_bias, zeros
from ._units import Value, join, split
from .functional import Layout, embedding, lora_matmul, matmul, sparse_layout, sparse_matmul


class Linear(brainstate.nn.Module):
    """`y = x @ (weight * w_mask) + bias`, trainable online.

    Args:
        in_size, out_size: shapes whose last axis counts.
        w_init, b_init: a callable of the shape, an array or a number, with a unit (a current, say) or without;
            `b_init=None`: no bias; the default bias takes the weight's unit.
        w_mask: `[in, out]`, or a callable of that shape, or None; multiplies the weight in every step.
        param_type: the state class of the weight.

    Attributes:
        weight: `{'weight': [in, out], 'bias': [out]}`.

    Raises:
        ValueError: an array given has another shape; leading axes of `in_size` and `out_size` differ.
    """

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = kaiming, b_init: Initializer | None = zeros,
        w_mask: Initializer | None = None, name: str | None = None, param_type: type = brainstate.ParamState,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.in_size, self.out_size = size(in_size), size(out_size)
        if self.in_size[:-1] != self.out_size[:-1]:
            raise ValueError(
                f"Linear: in_size {self.in_size} and out_size {self.out_size} may differ in the last axis only"
            )
        shape = self.in_size[-1], self.out_size[-1]
        self.w_mask = None if w_mask is None else filled(w_mask, shape, "Linear: w_mask")
        self.weight = param_type(weight_and_bias(w_init, b_init, shape, shape[1:], "Linear"))

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`, in the unit of `x` times that of the weight."""
        w = self.weight.value
        return matmul(x, w["weight"], w.get("bias"), weight_fn=self._masked)

    def _masked(self, w: Value) -> Value:
        return w if self.w_mask is None else w * self.w_mask


class SignedWLinear(brainstate.nn.Module):
    """`y = x @ (|weight| * w_sign)`: inputs that excite or inhibit, whatever is learned (Dale's law).

    Args:
        w_sign: `[in, out]` or `[in, 1]` of +1 and -1, or None for +1.

    Attributes:
        weight: `[in, out]`.
    """

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = kaiming, w_sign: Value | None = None,
        name: str | None = None, param_type: type = brainstate.ParamState,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.in_size, self.out_size, self.w_sign = size(in_size), size(out_size), w_sign
        self.weight = param_type(filled(w_init, (self.in_size[-1], self.out_size[-1]), "SignedWLinear: w_init"))

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        return matmul(x, self.weight.value, weight_fn=self._signed)

    def _signed(self, w: Value) -> Value:
        return u.math.abs(w) if self.w_sign is None else u.math.abs(w) * self.w_sign


class ScaledWSLinear(brainstate.nn.Module):
    """`y = x @ standardised(weight) + bias`: each column with mean zero, variance 1 / in, times a gain.

    Weight standardisation (Qiao et al. 2019, https://arxiv.org/abs/1903.10520) with a gain as in Brock et al. 2021
    (https://arxiv.org/abs/2101.08692); it depends on parameters alone, so its gradient is exact under every rule.

    Args:
        w_mask: `[in, out]` or None; multiplies the standardised weight.
        ws_gain: train a gain per column, beginning at one.
        eps: the least variance.

    Attributes:
        weight: `{'weight': [in, out], 'bias': [out], 'gain': [1, out]}`.
    """

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = kaiming, b_init: Initializer | None = zeros,
        w_mask: Value | None = None, ws_gain: bool = True, eps: float = 1e-4, name: str | None = None,
        param_type: type = brainstate.ParamState,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.in_size, self.out_size = size(in_size), size(out_size)
        self.w_mask, self.eps = w_mask, eps
        shape = self.in_size[-1], self.out_size[-1]
        weights = weight_and_bias(w_init, b_init, shape, shape[1:], "ScaledWSLinear")
        if ws_gain:
            weights["gain"] = filled(1.0, (1, shape[1]), "ScaledWSLinear: gain")
        self.weight = param_type(weights)

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        w = self.weight.value
        return matmul(x, self._standard(w["weight"], w.get("gain", 1.0)), w.get("bias"))

    def _standard(self, w: Value, gain: Value) -> Value:
        w, unit = split(w)
        spread = jnp.sqrt(jnp.maximum(w.var(0, keepdims=True) * len(w), self.eps))
        flat = join((w - w.mean(0, keepdims=True)) / spread * gain, unit)
        return flat if self.w_mask is None else flat * self.w_mask


class SparseLinear(brainstate.nn.Module):
    """`y = x @ M + bias` with one trainable value per stored entry of a sparse matrix `M: [in, out]`.

    Args:
        spar_mat: CSR, CSC or COO matrix (saiunit, brainevent, scipy, jax); its values are the first weights.
        b_init: as for `Linear`; None by default.
        in_size: shape of one input if it has more axes than one.

    Attributes:
        weight: `{'weight': [nnz], 'bias': [out]}`.
    """

    def __init__(
        self, spar_mat: Layout, b_init: Initializer | None = None, in_size: Size | None = None, name: str | None = None,
        param_type: type = brainstate.ParamState,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.op = sparse_layout(spar_mat)
        self.in_size = (self.op.n_in,) if in_size is None else size(in_size)
        self.out_size = (*self.in_size[:-1], self.op.n_out)
        weights = weight_and_bias(spar_mat.data, b_init, self.op.rows.shape, (self.op.n_out,), "SparseLinear")
        self.weight = param_type(weights)

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        w = self.weight.value
        return sparse_matmul(x, w["weight"], self.op, bias=w.get("bias"))


class LoRA(brainstate.nn.Module):
    """`y = base(x) + x lora_a lora_b / rank` (Hu et al. 2022, https://arxiv.org/abs/2106.09685).

    Args:
        in_features, lora_rank, out_features: sizes.
        in_size: shape of one input if it has more axes than `(in_features,)`.
        base_module: a layer whose output is added, or None.
        kernel_init: for both factors.

    Attributes:
        weight: `{'lora_a': [in, rank], 'lora_b': [rank, out]}`.
    """

    def __init__(
        self, in_features: int, lora_rank: int, out_features: int, *,
        base_module: Callable[[Value], Value] | None = None, kernel_init: Initializer = lecun,
        in_size: Size | None = None, name: str | None = None, param_type: type = brainstate.ParamState,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        if base_module is not None and not callable(base_module):
            raise TypeError(f"LoRA: base_module is {type(base_module).__name__}, which cannot be called")
        self.in_size = (in_features,) if in_size is None else size(in_size)
        self.out_size, self.base_module = (*self.in_size[:-1], out_features), base_module
        a = filled(kernel_init, (in_features, lora_rank), "LoRA: kernel_init")
        b = filled(kernel_init, (lora_rank, out_features), "LoRA: kernel_init")
        self.weight = param_type({"lora_a": a, "lora_b": b})

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        a, b = self.weight.value["lora_a"], self.weight.value["lora_b"]
        y = lora_matmul(x, a, b, alpha=1.0 / b.shape[0])
        return y if self.base_module is None else y + self.base_module(x)


class Embedding(brainstate.nn.Module):
    """`y = weight[index]`: a trainable row for every symbol.

    Args:
        num_embeddings, embedding_size: the table's rows and the shape of one.
        embedding_init: a callable of `(num, features)`, an array or a number.

    Attributes:
        weight: `[num, features]`, features being the product of `embedding_size`.
    """

    def __init__(
        self, num_embeddings: int, embedding_size: Size, embedding_init: Initializer = lecun, name: str | None = None,
        param_type: type = brainstate.ParamState,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.num_embeddings, self.embedding_size = num_embeddings, size(embedding_size)
        self.out_size = self.embedding_size
        shape = num_embeddings, prod(self.embedding_size)
        self.weight = param_type(filled(embedding_init, shape, "Embedding: embedding_init"))

    def update(self, indices: jax.Array) -> Value:
        """Integers `[...]` to `[..., *embedding_size]`."""
        y = embedding(indices, self.weight.value)
        return y if len(self.embedding_size) == 1 else u.math.reshape(y, (*y.shape[:-1], *self.embedding_size))

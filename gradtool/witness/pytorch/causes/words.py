"""What PyTorch's operations are called in the patterns, and which of them make no number."""

from __future__ import annotations

import functools
from collections.abc import Mapping

__all__ = ["ALIASES", "ARRANGED", "SILENT", "word_of"]

ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("mm", "bmm", "linear", "mv", "addmv", "addbmm", "baddbmm", "addmm"), "matmul"),
    **dict.fromkeys(("convolution", "mkldnn_convolution", "cudnn_convolution", "conv_transpose"), "conv"),
    **dict.fromkeys(("clone", "to_copy", "copy", "contiguous", "lift_fresh_copy"), "copy"),
    **dict.fromkeys(("native_layer_norm", "fused_rms_norm"), "layer_norm"),
    **dict.fromkeys(("native_group_norm", "instance_norm"), "group_norm"),
    **dict.fromkeys(
        (
            "native_batch_norm", "cudnn_batch_norm", "native_batch_norm_legit", "batch_norm_with_update",
            "native_batch_norm_legit_functional", "miopen_batch_norm",
        ),
        "batch_norm",
    ),
    **dict.fromkeys(("linalg_vector_norm", "linalg_matrix_norm", "norm", "cdist", "pairwise_distance"), "norm"),
    **dict.fromkeys(
        (
            "scaled_dot_product_flash_attention_for_cpu", "scaled_dot_product_flash_attention",
            "scaled_dot_product_efficient_attention", "scaled_dot_product_fused_attention_overrideable",
            "scaled_dot_product_attention_math", "scaled_dot_product_cudnn_attention",
        ),
        "attention",
    ),
    **dict.fromkeys(("clamp_min", "clamp_max", "hardtanh"), "clamp"),
    **dict.fromkeys(("nll_loss_forward", "nll_loss2d_forward", "nll_loss2d", "nll_loss_nd"), "nll_loss"),
    **dict.fromkeys(("nansum",), "sum"),
    "rsub": "sub",
    "true_divide": "div",
    "linalg_slogdet": "slogdet",
    "native_dropout": "dropout",
}  # fmt: skip
"""PyTorch's name, without underscores around it, to the word of the patterns."""

ARRANGED: Mapping[str, tuple[int, ...]] = {"rsub": (1, 0)}
"""Where the operands stand in another order than in the formula."""

SILENT = frozenset(
    (
        "empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided", "resize", "set",
        "local_scalar_dense", "detach", "alias", "reshape_alias", "unsafe_view", "record_stream",
    )
)  # fmt: skip
"""Operations that make no number, or numbers that nobody has asked for."""


@functools.cache
def word_of(name: str) -> str:
    """The word of the patterns, or PyTorch's own name."""
    plain = name.strip("_").removeprefix("special_")
    return ALIASES.get(plain, plain)

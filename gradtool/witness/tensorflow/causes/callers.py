"""Whose call an operation is: the user's own, or a library's for reasons of its own; and from where it came."""

from __future__ import annotations

from types import FrameType

import numpy as np

from gradtool.witness.causes.lines import Spot, spot
from gradtool.witness.model.user_file import is_users, user_frame

__all__ = ["literal", "maker", "spots", "users_own", "within"]

_MAKERS = {
    "constant": "tf.constant",
    "convert_to_tensor_v2_with_dispatch": "tf.convert_to_tensor",
    "convert_to_tensor": "keras.ops.convert_to_tensor",
    "array": "keras.ops.array",
}
_THIN = {"stop_gradient", "prevent_gradient", "error_handler", "op_dispatch_handler", "wrapper", "__call__", "cutting"}
"""Functions of the libraries that only hand on the call of tf.stop_gradient."""


def spots(frame: FrameType | None) -> tuple[Spot, ...]:
    """All of the user's frames, the innermost first."""
    found = []
    while (own := user_frame(frame)) is not None:
        found.append(spot(own))
        frame = own.f_back
    return tuple(found)


def users_own(frame: FrameType | None) -> bool:
    """Whether the user asked for the operation, or a layer that runs a function of theirs."""
    while frame is not None and frame.f_code.co_name in _THIN:
        frame = frame.f_back
    own = user_frame(frame)
    return own is frame or (frame is not None and frame.f_code.co_filename.endswith("lambda_layer.py"))


def within(name: str, frame: FrameType | None) -> bool:
    """Whether a library's function of this name runs, called by the innermost of the user's functions."""
    while frame is not None and not is_users(frame.f_code.co_filename):
        if frame.f_code.co_name == name:
            return True
        frame = frame.f_back
    return False


def maker(frame: FrameType | None) -> str:
    """The function that makes tensors of numbers, if the user called one; empty where an operation did so by itself."""
    last = ""
    while frame is not None and not is_users(frame.f_code.co_filename):
        if frame.f_code.co_name not in _THIN:
            last = frame.f_code.co_name
        frame = frame.f_back
    return _MAKERS.get(last, "")


def literal(number: float, frame: FrameType | None) -> bool:
    """Whether a function that is running has the number in its text."""
    while frame is not None:
        if any(
            isinstance(one, int | float) and np.float32(one) == np.float32(number) for one in frame.f_code.co_consts
        ):
            return True
        frame = frame.f_back
    return False

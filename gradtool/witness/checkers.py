"""The frameworks' own gradient checkers: which framework has which, under which name. One row each.

A checker testifies beside autodiff, in the same process; its function is in the framework's room, in a file of the
checker's name here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CHECKERS", "MODES"]

CHECKERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"gradcheck": {"torch": "torch.autograd.gradcheck", "tensorflow": "tf.test.compute_gradient"}}
)
"""Checker to framework to what it is called there."""

MODES = ("gradient", "jacobian")
"""What can be asked of one: they compare first derivatives."""

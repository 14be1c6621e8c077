"""Whether a callable draws random numbers from TensorFlow.

``tf.random.set_seed`` throws away every kernel that TensorFlow keeps, and the next call of each operation makes its own
anew, in 0.5 ms: small functions then take ten times as long. So only what draws is seeded for every call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tensorflow.python.framework import op_callbacks, op_def_registry

__all__ = ["may_draw", "operations_run"]

HARMLESS = frozenset(
    {"ReadVariableOp", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "VarHandleOp"}
)
"""Operations with a state that is no random number."""


@contextlib.contextmanager
def operations_run() -> Iterator[set[str]]:
    """The kinds of operations that run in the block, those of traced functions as one call."""
    seen: set[str] = set()

    def heard(kind: Any, *_: Any, **__: Any) -> None:
        seen.add(kind if isinstance(kind, str) else kind.decode())

    op_callbacks.add_op_callback(heard)
    try:
        yield seen
    finally:
        op_callbacks.remove_op_callback(heard)


def may_draw(kinds: set[str]) -> bool:
    """Whether one of the operations keeps a state, as generators do; what is not known may."""
    return any(kind not in HARMLESS and _is_stateful(kind) for kind in kinds)


def _is_stateful(kind: str) -> bool:
    known = op_def_registry.get(kind)
    return known is None or bool(known.is_stateful)

"""The numbers that leave TensorFlow and those that come in, which may be the same."""

from __future__ import annotations

from types import FrameType
from typing import Any

import numpy as np

from gradtool.witness.causes.events import COMMON, LOOKED_AT, Flow
from gradtool.witness.causes.lines import Spot, spot
from gradtool.witness.tensorflow.causes.callers import literal, maker

__all__ = ["Crossing"]


class Crossing:
    """Writes into ``flow`` what leaves, and where tensors made of numbers have theirs from."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._entered: dict[int, tuple[str, Spot]] = {}

    def left(self, node: int, kind: str, operation: str, value: Any, frame: FrameType) -> None:
        """Numbers of a node went out as ``value``, None where they only decide something."""
        self.flow.leave(operation, node, spot(frame), kind, [] if value is None else _numbers(value))

    def entered(self, tensor: Any, frame: FrameType) -> None:
        """A tensor was made of numbers; where from is asked when it is used."""
        if self.flow.any_left:
            self._entered[id(tensor)] = (maker(frame), spot(frame))

    def used(self, tensor: Any, node: int, frame: FrameType) -> None:
        """A tensor that nothing made is used for the first time: its numbers may have left before, or be strange."""
        if not self.flow.any_left or not tensor.dtype.is_floating:
            return
        numbers = _numbers(tensor._numpy())  # noqa: SLF001  # nobody is told
        operation, place = self._entered.pop(id(tensor), ("", None))
        place = place or spot(frame)
        outside = self.flow.came_back(numbers)
        if outside:
            self.flow.add(operation or "tf.convert_to_tensor", outside, [node], place)
            for event in (event for one in outside for event in self.flow.made_by(one)):
                if operation and event.spot == place and event.kind in ("numpy", "float"):
                    event.kind = "new_tensor"
        elif any(number not in COMMON for number in numbers) and not (len(numbers) == 1 and literal(numbers[0], frame)):
            self.flow.stranger(operation or "tf.convert_to_tensor", [node], place)


def _numbers(value: Any) -> list[float]:
    """The first numbers of whatever left or came in."""
    try:
        flat = np.asarray(value).reshape(-1)[:LOOKED_AT]
        return [float(number) for number in flat]
    except (TypeError, ValueError):  # no numbers
        return []

"""Records on the wire: one line of JSON each; floats travel as hexadecimal strings, so nothing is rounded."""

from __future__ import annotations

import base64
import dataclasses
import json
from array import array
from typing import Any

from gradtool.evidence import callable as callables
from gradtool.evidence import (
    causes,
    exact,
    experiments,
    expression,
    gradients,
    measures,
    model,
    outcome,
    pairing,
    written,
)
from gradtool.evidence.callable import CallableEvidence, CallableRequest
from gradtool.evidence.exact import Exact, ExactTrace
from gradtool.evidence.expression import Autodiff, Checked, Formulas, Points, Request, SampleRequest, Trace
from gradtool.evidence.measures import MeasureRequest, Mode, Timed
from gradtool.evidence.model import ModelEvidence, ModelRequest
from gradtool.evidence.outcome import Failure, Progress
from gradtool.evidence.pairing import Choices, PairEvidence, PairRequest, Reach, Side, SideRequest, SideRun
from gradtool.values import Array

__all__ = ["Asked", "Record", "decode", "encode"]

Asked = Request | SampleRequest | ModelRequest | MeasureRequest | SideRequest | PairRequest | CallableRequest
"""What a witness is asked; each has a key."""

Record = (
    Asked | Points | Autodiff | Checked | Exact | Formulas | Trace | ExactTrace | ModelEvidence | Mode | Timed | Side
    | SideRun | Reach | Choices | PairEvidence | CallableEvidence | Failure | Progress
)  # fmt: skip
_MODULES = (expression, exact, callables, causes, measures, model, gradients, experiments, outcome, pairing, written)
_TYPES = {name: getattr(module, name) for module in _MODULES for name in module.__all__}


def encode(record: Record) -> str:
    """The record as one line of JSON, without a line break."""
    return json.dumps(_plain(record), allow_nan=False, separators=(",", ":"))


def decode(line: str) -> Record:
    """The record that ``encode`` wrote. Raises ValueError or KeyError if the line is not one."""
    try:
        record = json.loads(line, object_hook=_revive)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not a record: {line[:80]}") from error
    if not isinstance(record, Record):
        raise ValueError(f"not a record: {line[:80]}")  # noqa: TRY004  # one error type for every bad line
    return record


def _plain(value: object) -> object:
    if isinstance(value, float):
        return {"%": value.hex()}
    if isinstance(value, Array):
        return {"@": base64.b64encode(value.data.tobytes()).decode(), "shape": list(value.shape)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {"$": [[key, _plain(item)] for key, item in value.items()]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    return value


def _revive(item: dict[str, Any]) -> object:
    if "%" in item:
        return float.fromhex(item["%"])
    if "$" in item:
        return dict(item["$"])
    if "@" in item:
        return Array(tuple(item["shape"]), array("d", base64.b64decode(item["@"])))
    kind = _TYPES[item.pop("type")]
    for name in ("span", "index", "shape", "target_shape"):
        if name in item:
            item[name] = tuple(item[name])
    for name in ("losses", "segments"):
        if name in item:
            item[name] = [tuple(part) for part in item[name]]
    return kind(**item)

"""PyTorch's testimony on the callables of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from gradtool.evidence import CallableEvidence, CallableRequest, Failure, Record
from gradtool.witness.callable.live import live_subject, weights
from gradtool.witness.callable.randomness import set_random
from gradtool.witness.callable.testimony import Examined, answers
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.pytorch.callable.room import looked_at
from gradtool.witness.pytorch.callable.targets import TorchCallables
from gradtool.witness.pytorch.callable.tensors import numbers
from gradtool.witness.testimony import value_of

__all__ = ["answer", "live", "testified"]

Inputs = Sequence[Any] | Mapping[str, Any]


def answer(record: Record) -> Iterator[Record]:
    """The evidence on each callable that a CallableRequest asks for."""
    if isinstance(record, CallableRequest):
        yield from testified(record, looked_at)


def testified(request: CallableRequest, examined: Examined) -> Iterator[Record]:
    """The same, by what ``examined`` makes of each."""
    set_random(request.seed)
    torch.manual_seed(request.seed)
    try:
        framework = TorchCallables(request)
    except UserFileError as error:
        yield Failure(request.key, "torch", "file", error.message, error.hint)
        return
    yield from answers(request, framework, examined)


def live(
    function: Any, arguments: Inputs, keywords: Mapping[str, Any], request: CallableRequest, upstream: Any
) -> CallableEvidence:
    """The evidence on a function that the caller holds, at its arguments; in a block without gradients too."""
    with torch.inference_mode(False), torch.enable_grad():
        subject = live_subject(TorchCallables(CallableRequest(0, "")), function, arguments, keywords, request)
        given = weights(upstream, subject, numbers)
        return looked_at(subject, request if given is None else replace(request, upstream=value_of(given)))

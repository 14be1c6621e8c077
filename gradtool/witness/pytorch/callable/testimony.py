"""PyTorch's testimony on the callables of a file."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from gradtool.evidence import CallableRequest, Failure, Record
from gradtool.witness.callable.examine import examined
from gradtool.witness.callable.randomness import set_random
from gradtool.witness.callable.testimony import Examined, answers
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.pytorch.callable.room import ROOM
from gradtool.witness.pytorch.callable.targets import TorchCallables

__all__ = ["answer", "testified"]


def answer(record: Record) -> Iterator[Record]:
    """The evidence on each callable that a CallableRequest asks for."""
    if isinstance(record, CallableRequest):
        yield from testified(record, lambda subject, request: examined(subject, request, ROOM))


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

"""What the tests of pairs share: files that hold both models, and what is expected of a healthy one."""

from __future__ import annotations

from collections.abc import Callable

from gradtool.evidence import PairEvidence
from gradtool.verdict.pairing.record import ModelComparison

__all__ = ["Compare", "agrees", "pair"]

Compare = Callable[..., ModelComparison]


def agrees(record: ModelComparison) -> PairEvidence:
    told = [(one.code, one.where, one.message) for one in record.findings if one.severity != "note"]
    assert not told, told
    assert not record.failures, record.failures
    assert record.evidence is not None
    assert all(one.gradients or one.missing for one in record.evidence.parameters)
    return record.evidence


PAIR = """
def torch_model():
    from torch import nn
    return {torch}

def keras_model():
    import keras
    from keras import layers
    return keras.Sequential([keras.Input({shape}), {keras}])
"""


def pair(torch: str, keras: str, shape: str = "(4,)", more: str = "") -> str:
    return PAIR.format(torch=torch, keras=keras, shape=shape) + more

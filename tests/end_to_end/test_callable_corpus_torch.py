"""Every planted fault of PyTorch's callables is found and placed, and no right twin is accused."""

from __future__ import annotations

import pytest
from callable_corpus import scored, shared
from cases import WHOLE

SHARE = 1 if WHOLE else 5
"""One case of so many is tried: half a minute."""
UNSEEN = 4
"""Faults with a note."""


@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_faults_of_pytorch_are_found_and_right_ones_are_not_accused() -> None:
    pytest.importorskip("torch")
    score = scored(shared("torch", SHARE))
    assert not score.missed
    assert not score.accused
    assert score.unseen <= UNSEEN
    assert score.seen > 100 // SHARE

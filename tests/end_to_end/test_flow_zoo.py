"""What is found does not depend on the scale of the loss, the size of the batch, the width, or earlier training."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cases import CORPUS, FRAMEWORKS

from gradtool.verdict.flow.record import FlowRecord

HEALTHY = (
    "relu_mlp", "tanh_mlp", "gelu_mlp", "selu_mlp", "residual_batch_norm", "residual_layer_norm", "convolutional",
    "transformer", "recurrent",
)  # fmt: skip
ILL = {
    "ill_sigmoid": ("GT103", "error"),
    "ill_small_start": ("GT103", "error"),
    "ill_doubled_gain": ("GT104", "error"),
    "ill_dead_relu": ("GT108", "error"),
}
VARIED = ("loss_small", "loss_large", "batch", "width")

Found = Callable[[str, str], set[tuple[str, str]]]


@pytest.fixture(scope="module")
def found(looked: Callable[..., FlowRecord]) -> Found:
    """found(framework, name): the codes and severities of what flow finds on a model of the zoo; notes left out."""

    def find(framework: str, name: str) -> set[tuple[str, str]]:
        record = looked(f"{CORPUS / f'zoo_{framework}.py'}:{name}", framework)
        assert not record.failures
        return {(one.code, one.severity) for one in record.findings if one.severity != "note"}

    return find


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_model_stays_quiet_however_it_is_varied(found: Found, framework: str, name: str) -> None:
    told = {varied: found(framework, f"{name}__{varied}") for varied in (*VARIED, "converged")}
    assert {varied: codes for varied, codes in told.items() if codes} == {}
    assert found(framework, name) == set()


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", ILL)
def test_a_fault_is_named_the_same_however_it_is_varied(found: Found, framework: str, name: str) -> None:
    plain = found(framework, name)
    assert ILL[name] in plain
    assert {varied: found(framework, f"{name}__{varied}") for varied in VARIED} == dict.fromkeys(VARIED, plain)

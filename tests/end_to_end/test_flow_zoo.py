"""What is found does not depend on the scale of the loss, the size of the batch, the width, or earlier training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradtool.pipeline.flow import flow, requested
from gradtool.settings import FlowSettings
from gradtool.target.model_file import read_model_file
from gradtool.witness.host import MODEL_WITNESSES, Host

CORPUS = Path(__file__).parents[1] / "corpus"
READY = ("torch", "tensorflow")
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
def found() -> Iterator[Found]:
    """found(framework, name): the codes and severities of what flow finds on a model of the zoo; notes left out."""
    with Host(READY, 120, MODEL_WITNESSES) as host:
        settings = FlowSettings()

        def look(framework: str, name: str) -> set[tuple[str, str]]:
            target = f"{CORPUS / f'zoo_{framework}.py'}:{name}"
            record = flow(target, requested(read_model_file(target), framework, settings), settings, host)
            assert not record.failures
            return {(one.code, one.severity) for one in record.findings if one.severity != "note"}

        yield look


@pytest.mark.parametrize("framework", READY)
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_model_stays_quiet_however_it_is_varied(found: Found, framework: str, name: str) -> None:
    told = {varied: found(framework, f"{name}__{varied}") for varied in (*VARIED, "converged")}
    assert {varied: codes for varied, codes in told.items() if codes} == {}
    assert found(framework, name) == set()


@pytest.mark.parametrize("framework", READY)
@pytest.mark.parametrize("name", ILL)
def test_a_fault_is_named_the_same_however_it_is_varied(found: Found, framework: str, name: str) -> None:
    plain = found(framework, name)
    assert ILL[name] in plain
    assert {varied: found(framework, f"{name}__{varied}") for varied in VARIED} == dict.fromkeys(VARIED, plain)

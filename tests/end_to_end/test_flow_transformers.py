"""Published architectures with random weights, shrunk: healthy at initialisation, so no finding of severity error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradtool.verdict.flow.record import FlowRecord

pytest.importorskip("transformers")

SMALL = "hidden_size=128, num_hidden_layers=8, num_attention_heads=4, intermediate_size=256"
MODELS = {
    "GPT2LMHeadModel": "GPT2Config(n_embd=128, n_layer=12, n_head=4, vocab_size=1000)",
    "BertForSequenceClassification": f"BertConfig({SMALL}, vocab_size=1000, num_labels=3)",
    "BertModel": f"BertConfig({SMALL}, vocab_size=1000)",
    "ViTForImageClassification": f"ViTConfig({SMALL}, image_size=32, patch_size=8, num_labels=10)",
    "T5ForConditionalGeneration": "T5Config(d_model=128, d_ff=256, num_layers=6, num_heads=4, d_kv=32, vocab_size=900)",
    "LlamaForCausalLM": f"LlamaConfig({SMALL}, vocab_size=1000)",
}


@pytest.mark.large
@pytest.mark.parametrize("name", MODELS)
def test_a_published_architecture_is_healthy_at_initialisation(
    looked: Callable[..., FlowRecord], name: str, tmp_path: Path
) -> None:
    config = MODELS[name]
    text = f"from transformers import {config.partition('(')[0]}, {name}\nmodel = {name}({config})\n"
    file = tmp_path / "model.py"
    file.write_text(text, encoding="utf-8")
    record = looked(file, "torch")
    assert not record.failures
    assert [finding for finding in record.findings if finding.severity == "error"] == []

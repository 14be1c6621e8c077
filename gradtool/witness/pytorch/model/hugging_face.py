"""What models of Hugging Face's kind need beside their dummy inputs, as their configuration says."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.conventions import BATCH
from gradtool.witness.pytorch.model.batch import described

__all__ = ["completed"]


def completed(model: nn.Module, inputs: Any, targets: Any, assumed: Assumptions) -> Any:
    """The inputs with pixels where the model takes those, and with labels, from which it computes its own loss."""
    config = getattr(model, "config", None)
    if config is None or not hasattr(config, "model_type"):
        return inputs if targets is not None else _with_own_loss(model, inputs, assumed)
    found = inputs
    if getattr(model, "main_input_name", "") == "pixel_values" and "pixel_values" not in (inputs or ()):
        side = config.image_size if isinstance(config.image_size, int) else config.image_size[0]
        found = {"pixel_values": torch.randn(BATCH, config.num_channels, side, side)}
    if isinstance(found, Mapping) and "labels" not in found and "labels" in inspect.signature(model.forward).parameters:
        found = _labelled(model, config, found)
    if found is not inputs:
        assumed.add("inputs", described(found), "dummy inputs, completed as the model's configuration asks", "--input")
    return found


def _with_own_loss(model: nn.Module, tokens: Any, assumed: Assumptions) -> Any:
    """Tokens that are also the labels, where the model takes such and then hands out its own loss: tried once."""
    names = list(inspect.signature(model.forward).parameters)
    drawn = isinstance(tokens, torch.Tensor) and not tokens.is_floating_point()
    if not drawn or not names or "labels" not in names[1:]:
        return tokens
    found = {names[0]: tokens, "labels": tokens}
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        with torch.random.fork_rng(), torch.no_grad():
            output = model(**found)
    except Exception:  # noqa: BLE001  # these labels are not what the model takes, and it is run without
        return tokens
    finally:
        for buffer, before in buffers:
            buffer.copy_(before)
    loss = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        return tokens
    assumed.add("inputs", described(found), "the tokens are the labels too, from which the model takes its own loss")
    return found


def _labelled(model: nn.Module, config: Any, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    if "Classification" in type(model).__name__:
        count = len(next(iter(inputs.values())))
        return {**inputs, "labels": torch.randint(0, config.num_labels, (count,))}
    words = inputs.get("decoder_input_ids", inputs.get("input_ids"))
    return inputs if words is None else {**inputs, "labels": words}

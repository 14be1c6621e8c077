"""What to do about a breach of the contract, in the words of each framework."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["REMEDIES"]

REMEDIES: Mapping[str, Mapping[str, str]] = {
    "upstream_ignored": {
        "torch": "Return grad_output * (local derivative) from backward.",
        "tensorflow": "Return upstream * (local derivative) from the inner grad function of tf.custom_gradient.",
    },
    "none": {
        "torch": "Return the derivative in the place of that argument, computed if ctx.needs_input_grad says so.",
        "tensorflow": "Return a tensor for each argument of tf.custom_gradient; look for stop_gradient, floor, sign, "
        "a comparison or .numpy() on the way.",
    },
    "cut_off": {
        "torch": "Take away detach(), .data, .item(), torch.tensor(...) or NumPy on the way, or write a "
        "torch.autograd.Function with a backward.",
    },
    "shape": {
        "torch": "Use grad.sum_to_size(input.shape).",
        "tensorflow": "Use tf.reduce_sum over the broadcast axes, then tf.reshape(grad, tf.shape(x)).",
    },
    "shape_summed": {"torch": "Use grad.sum_to_size(input.shape), if a sum is what is meant."},
    "dtype": {
        "torch": "Return grad.to(input.dtype).",
        "tensorflow": "Return tf.cast(grad, x.dtype).",
    },
    "raises": {
        "torch": "Return one gradient for each argument of forward, None for those that are no tensors.",
        "tensorflow": "Return one gradient for each argument, and with variables=None in its signature a list for the "
        "variables that the function uses.",
    },
    "modifies_input": {
        "torch": "Work on x.clone(); an operation that is meant to write says so with ctx.mark_dirty(x) and returns x.",
        "tensorflow": "Leave assign() to the optimizer, and give back a new tensor.",
    },
    "in_place": {"torch": "Leave it if writing in place is meant; else work on x.clone()."},
    "modifies_upstream": {
        "torch": "Write grad_output * mask or grad_output.clone(), not grad_output.mul_(...) or grad_output[mask] = 0.",
    },
    "modifies_result": {"torch": "Work on a clone of the tensor that ctx.save_for_backward kept."},
    "state": {
        "torch": "Keep statistics in buffers (register_buffer) that only training mode writes; pass the rest as "
        "arguments.",
        "tensorflow": "Keep statistics in non-trainable variables of a layer that only training=True writes.",
    },
    "stale": {
        "torch": "Use ctx.save_for_backward in forward and ctx.saved_tensors in backward, not attributes of the class "
        "or the module.",
        "tensorflow": "Let the inner grad function close over the tensors of its own call, not over attributes or "
        "globals.",
    },
    "second_order": {
        "torch": "Save the inputs with ctx.save_for_backward and compute backward from them without detach, .data or "
        "torch.no_grad; or mark it @once_differentiable, so that it raises.",
        "tensorflow": "Compute the inner grad function from the arguments without stop_gradient or NumPy, or give it a "
        "tf.custom_gradient of its own.",
    },
    "second_order_cut": {
        "torch": "Save the inputs with ctx.save_for_backward and compute backward from them without detach, .data or "
        "torch.no_grad; or mark it @once_differentiable, so that it raises.",
        "tensorflow": "Compute the inner grad function from the arguments without stop_gradient or NumPy.",
    },
    "no_double_backward": {
        "torch": "Take @once_differentiable away and compute backward with differentiable operations, if it is needed.",
    },
    "forward_mode": {"torch": "Compare jvp with backward: one is the transpose of the other."},
    "subset": {
        "torch": "In backward ask ctx.needs_input_grad[i] for each input i by itself, and return its gradient in "
        "place i.",
    },
    "batched": {
        "torch": "Correct the static method vmap, or set generate_vmap_rule = True.",
        "tensorflow": "Reduce over named axes of the data, not over all axes, in the inner grad function.",
    },
}
"""By the kind of a breach and the witness that saw it; where there is none the rule's own remedy holds."""

"""Why there is no gradient at all, and what cuts a path of one that is there."""

from __future__ import annotations

from gradtool.verdict.flow.kinds.kind import Kind

__all__ = ["CUTS"]

_ON_PURPOSE = "where the cut is meant, freeze what lies before it"

CUTS = (
    Kind(
        "frozen", "it is frozen, so no gradient is asked for",
        "If it should learn, set requires_grad to True before the forward pass and before the optimizer is made.",
        "If it should learn, set trainable to True before the model is compiled and before the tape.",
    ),
    Kind(
        "unused", "the forward pass never uses it",
        "Use it in the forward pass, remove it, or freeze it on purpose.",
    ),
    Kind(
        "dead_branch", "what is computed from it here never reaches the loss",
        "Let the result of this line take part in the output or in the loss (returned, added, not overwritten), or "
        "remove it.",
    ),
    Kind(
        "detach", "{operation} hands on the numbers without their history",
        f"Take .detach() out of this line; {_ON_PURPOSE} with requires_grad_(False).",
    ),
    Kind(
        "no_grad", "it is computed under no_grad, where no history is kept",
        "Move this line out of the no_grad block (or take the decorator off), or open torch.enable_grad() around it.",
    ),
    Kind(
        "inference_mode", "it is computed in inference mode, where no history is kept",
        "Move this line out of the inference_mode block; enable_grad inside of it does not bring the history back.",
    ),
    Kind(
        "grad_disabled", "gradients are switched off here by set_grad_enabled(False)",
        "Call torch.set_grad_enabled(True) before this line, or use `with torch.no_grad():`, which ends by itself.",
    ),
    Kind(
        "reentrant", "{operation} with use_reentrant=True keeps no history where no input of it requires a gradient",
        "Call it with use_reentrant=False, which needs no such input.",
        "Compute it while gradients are on.",
    ),
    Kind(
        "draw", "{operation} draws numbers at random, which keep no history",
        "Draw with rsample(), which passes the gradient on (F.gumbel_softmax for a Categorical), or train through "
        "log_prob(sample) times the reward.",
        "Draw as mean + deviation * tf.random.normal(shape), or train through log_prob(sample) times the reward.",
    ),
    Kind(
        "data", ".data hands on the numbers without their history",
        f"Use the tensor itself instead of its .data; {_ON_PURPOSE}.",
    ),
    Kind(
        "item", "{operation} makes a plain number of the tensor",
        "Keep the tensor: a loss is summed as `total = total + loss`, and .item() is for printing only.",
        "Keep the tensor: sum losses with + or tf.add_n, and use .numpy().item() for printing only.",
    ),
    Kind(
        "numpy", "the numbers leave as a NumPy array",
        "Compute this line with torch functions: those of NumPy have a twin of the same name (np.exp: torch.exp).",
        "Compute this line with tf functions: those of NumPy have a twin in tf.math or tf.experimental.numpy.",
    ),
    Kind(
        "tolist", "the numbers leave as a Python list",
        "Keep the tensor: index and stack it (torch.stack, x[i]) instead of going through a list of numbers.",
        "Keep the tensor: index and stack it (tf.stack, x[i]) instead of going through a list of numbers.",
    ),
    Kind(
        "float", "{operation} makes a plain Python number of the tensor",
        "Keep the tensor: torch functions (torch.exp, torch.sqrt) take it where the math module wants a number; of a "
        "condition use torch.where.",
        "Keep the tensor: tf functions (tf.exp, tf.sqrt) take it where the math module wants a number; of a condition "
        "use tf.where.",
    ),
    Kind(
        "integer", "{operation} casts it to integers, which have no derivative",
        "Keep the floating-point dtype here, and cast only what is an index or a label.",
    ),
    Kind(
        "comparison", "{operation} answers true or false, which has no derivative",
        "Use a smooth stand-in for the step, such as torch.sigmoid(k * (x - threshold)), or a loss on x itself.",
        "Use a smooth stand-in for the step, such as tf.sigmoid(k * (x - threshold)), or a loss on x itself.",
    ),
    Kind(
        "argmax", "{operation} answers positions, which have no derivative",
        "Use softmax (weights instead of a position; F.gumbel_softmax(hard=True) where it must be one), or give the "
        "logits to F.cross_entropy.",
        "Use tf.nn.softmax (weights instead of a position), or give the logits to a cross-entropy with "
        "from_logits=True.",
    ),
    Kind(
        "new_tensor", "a new tensor is made here from the numbers, without their history",
        "Join tensors with torch.stack or torch.cat instead of torch.tensor; a tensor needs no torch.tensor() around "
        "it, and .to() changes dtype and device.",
        "Join tensors with tf.stack or tf.concat instead of tf.constant; a tensor needs no tf.constant() around it, "
        "and tf.cast changes its dtype.",
    ),
    Kind(
        "left", "the numbers leave the framework here through {operation}",
        "Do this with torch functions, or wrap it in a torch.autograd.Function with a backward of its own.",
        "Do this with tf functions, or wrap it in tf.custom_gradient with a gradient of its own.",
    ),
    Kind(
        "nondifferentiable", "{operation} has no derivative",
        "Use an operation with a derivative, a smooth stand-in, or a torch.autograd.Function whose backward returns "
        "this gradient.",
        "Use an operation with a derivative, a smooth stand-in, or tf.custom_gradient.",
    ),
    Kind(
        "first_order", "without create_graph=True {operation} gives gradients that keep no history",
        "Call it with create_graph=True, so that the loss can be differentiated through these gradients.",
    ),
    Kind(
        "not_in_optimizer", "the optimizer does not hold it",
        "Give it to the optimizer: model.parameters() holds what is registered in the model.",
        "Give it to apply_gradients: model.trainable_variables holds what is tracked by the model.",
    ),
    Kind(
        "outside_tape", "it is computed outside the tape, which records nothing there",
        "Compute it while gradients are on.",
        "Move this line into the `with tf.GradientTape() as tape:` block, with everything from the variables to the "
        "loss.",
    ),
    Kind(
        "not_watched", "the tape does not watch it: it is a constant, or no trainable variable",
        "Set requires_grad to True before the forward pass.",
        "Call tape.watch(x) at the start of the block, or make it a tf.Variable with trainable=True.",
    ),
    Kind(
        "stop_gradient", "{operation} passes no gradient on",
        "Take it out of this line.",
        f"Take tf.stop_gradient out of this line; {_ON_PURPOSE} with trainable=False.",
    ),
    Kind(
        "assigned", "it is assigned to a variable, which keeps the numbers and forgets where they come from",
        "Use the tensor itself behind this line; what is written into a buffer keeps no history.",
        "Use the tensor itself behind this line, and assign to the variable only what the next call needs.",
    ),
    Kind(
        "recreated", "the variable is made anew here, so it is another one than the model holds",
        "Change its numbers in place under no_grad (p.copy_(new)) instead of making a new one.",
        "Change its numbers with assign() instead of making a new variable; make variables once, in __init__ or build.",
    ),
)  # fmt: skip

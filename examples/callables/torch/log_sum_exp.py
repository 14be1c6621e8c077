"""log(sum(exp(x))) as a plain function, stable for large x; in the twin one of two uses of the maximum is detached.

    gradtool check examples/callables/torch/log_sum_exp.py:log_sum_exp
    gradtool check examples/callables/torch/log_sum_exp.py:log_sum_exp_broken

The maximum may be left out of the gradient, for whatever is subtracted inside comes back outside. log_sum_exp does so
in both places and is verified. log_sum_exp_broken does so inside alone, and the entry with the maximum gets 1 too much.
"""

import torch


def log_sum_exp(x):
    shift = x.max().detach()
    return shift + torch.log(torch.exp(x - shift).sum())


def log_sum_exp_broken(x):
    shift = x.max()
    return shift + torch.log(torch.exp(x - shift.detach()).sum())  # the fault: the other shift still has a gradient


log_sum_exp_inputs = (torch.tensor([1000.0, 1001.5, 998.0], dtype=torch.float64),)
log_sum_exp_broken_inputs = log_sum_exp_inputs

"""Callables in PyTorch that are right, of kinds that a hasty check accuses. Where ``plain`` is left out, the framework
differentiates the function itself, and the self-test knows the exact gradient or that it is 0.
"""

import torch
from callables_case import registry
from torch.nn import functional as F  # noqa: N812  # as everyone writes it

CASES = {}
case = registry(CASES)
X = torch.tensor([-1.3, 0.4, 0.9, 2.2], dtype=torch.float64)
Y = torch.tensor([0.7, -1.6, 2.1, 0.5], dtype=torch.float64)


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


@case()
def log1p_form():
    return lambda x: torch.log1p(x), {"x": tensor(1e-12, 1e-5, -0.3)}


@case()
def log_of_one_plus():
    return lambda x: torch.log(1 + x), {"x": tensor(1e-5, 1e-3, 0.5)}


@case()
def cosine_quotient():
    return lambda x: (1 - torch.cos(x)) / x**2, {"x": tensor(0.1, 0.7, -1.9)}


@case()
def difference_of_squares():
    return lambda x, y: x**2 - y**2, {"x": tensor(1e4, 3.0), "y": tensor(9999.75, 3.5)}


@case()
def variance_in_two_sums():
    return lambda x: (x**2).mean() - x.mean() ** 2, {"x": tensor(100.25, 101.5, 99.0, 100.75)}


@case()
def tiny_slope():
    return lambda x: x * 1e-100, {"x": X}


@case()
def huge_slope():
    return lambda x: x * 1e100, {"x": X}


@case()
def steep_sine():
    return lambda x: torch.sin(1e4 * x), {"x": tensor(0.3, 0.7)}


@case()
def large_offset_added():
    return lambda x: 1e8 + torch.sin(x), {"x": X}


@case()
def constant():
    return lambda x: 0 * x + 3.0, {"x": X}


@case()
def piecewise_constant():
    return lambda x: torch.floor(x), {"x": X}


@case()
def piecewise_linear():
    return lambda x: F.hardtanh(x), {"x": X}


@case()
def clamped_away():
    return lambda x: x.clamp(5, 6), {"x": X}


@case()
def where_with_both_sides_safe():
    return lambda x: torch.where(x > 0, torch.sqrt(torch.where(x > 0, x, torch.ones_like(x))), 0.0), {"x": X}


@case()
def one_input_without_influence():
    return lambda x, y: x**2 + 0 * y, {"x": X, "y": Y}


@case()
def maximum_and_its_place():
    return lambda x: (x.max(), x.argmax()), {"x": X}


@case()
def sorted_values():
    return lambda x: torch.sort(x).values * tensor(1, 2, 3, 4), {"x": Y}


@case()
def median():
    return lambda x: x.median(), {"x": tensor(0.3, -1.0, 2.0)}


@case()
def whole_numbers_beside():
    return lambda x, times: x * times, {"x": X, "times": torch.tensor([1, 2, 3, 4])}


@case()
def mask_beside():
    return lambda x, mask: x.masked_fill(mask, 0.0) ** 2, {"x": X, "mask": torch.tensor([True, False, False, True])}


@case()
def tuple_of_three():
    return lambda x, y: (x * y, torch.sin(x), y.sum()), {"x": X, "y": Y}


@case()
def dictionary_out():
    return lambda x: {"value": x**2, "norm": x.norm()}, {"x": X}


@case()
def inputs_in_order():
    return lambda x, y: torch.atan2(x, y), (X, Y)


@case()
def options_by_keyword():
    def scaled(x, *, factor=2.0, squared=False):
        return (x * x if squared else x) * factor

    return scaled, {"x": X, "factor": 1.5, "squared": True}


@case()
def numbers_without_shape():
    return lambda x, y: x**2 * y + torch.sin(x), {"x": tensor(2.0)[0], "y": tensor(3.0)[0]}


@case()
def empty_beside():
    return lambda x, y: x.sum() + y.sum(), {"x": X, "y": tensor()}


@case()
def not_contiguous():
    return lambda x: (x @ x.T).sin(), {"x": torch.arange(6, dtype=torch.float64).reshape(2, 3).T / 5}


@case()
def expanded_input():
    return lambda x: x * torch.arange(1, 4), {"x": tensor(0.7).expand(3)}


@case()
def own_result_in_place():
    def doubled(x):
        y = x**2
        y.mul_(2).add_(1)
        return y

    return doubled, {"x": X}


@case()
def same_noise_each_time():
    def noisy(x):
        return x * torch.randn(4, generator=torch.Generator().manual_seed(7), dtype=torch.float64)

    return noisy, {"x": X}


@case()
def dropout_at_rest():
    return lambda x: F.dropout(x**2, 0.5, training=False), {"x": X}


@case()
def straight_sum_of_kinks():
    return lambda x: torch.relu(x) - torch.relu(-x), {"x": tensor(-0.6, 1e-6, 0.8)}

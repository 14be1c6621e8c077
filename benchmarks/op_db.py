"""Every differentiable operation of PyTorch's own table, by gradtool's black box and by gradcheck: run by hand.

    python benchmarks/op_db.py [operation ...]

Of each, two float64 samples: is the gradient accused, is an entry that is wrong by 1 per cent named, and how long do
both take. About three minutes on two cores.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "witness"))

from op_samples import EXPLAINED, Sample, op_db, samples, spoilt

from gradtool.witness.directional.survey import surveyed


def peer(one: Sample) -> str:
    """What ``torch.autograd.gradcheck`` says of the sample."""
    names = list(one.places)
    try:
        right = torch.autograd.gradcheck(
            lambda *inputs: tuple(one.outputs(dict(zip(names, inputs, strict=True)))),
            tuple(one.inputs(one.point).values()),
            raise_exception=False,
        )
    except RuntimeError as error:
        return f"gradcheck refuses: {str(error)[:60]}"
    return "gradcheck passes" if right else "gradcheck fails"


def examined(one: Sample, told: Counter[str], gradients: list[int], seconds: list[float]) -> None:
    """Both opinions on a sample, and ours again with a planted error."""
    began = time.perf_counter()
    claims = one.gradient(one.point)
    found = surveyed(one.value, one.gradient, claims, one.point, "float64", 3, one.both)
    middle = time.perf_counter()
    other = peer(one)
    seconds[0] += middle - began
    seconds[1] += time.perf_counter() - middle
    gradients.append(found.gradients)
    told["samples"] += 1
    told[other] += 1
    if not found.agree:
        told["accused, explained" if one.name in EXPLAINED else "ACCUSED"] += 1
        print(f"{one.name}: {EXPLAINED.get(one.name, 'not explained')} ({other})")
    entry = spoilt(claims, np.random.default_rng(7))
    if not found.agree or not found.power <= 1e-2 or entry is None:
        told["says too little"] += found.agree
        return

    def wrong(at: Any) -> Any:
        value, gradient = one.both(at)
        gradient[entry[0]][entry[1]] *= 1.01
        return value, gradient

    again = surveyed(one.value, lambda at: wrong(at)[1], wrong(one.point)[1], one.point, "float64", 3, wrong)
    named = entry in [(each.variable, each.index) for each in again.wrong]
    told["planted error named" if named else "planted error seen" if not again.agree else "PLANTED ERROR MISSED"] += 1


def main() -> None:
    """Examine the operations that are named, or all."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    told: Counter[str] = Counter()
    gradients: list[int] = []
    seconds = [0.0, 0.0]
    for op in op_db():
        if len(sys.argv) > 1 and op.name not in sys.argv[1:]:
            continue
        for one in samples(op):
            examined(one, told, gradients, seconds)
    print(*(f"{count:5} {what}" for what, count in told.most_common()), sep="\n")
    print(f"gradients asked for: median {np.median(gradients):.0f}, at most {max(gradients)}")
    print(f"gradtool {seconds[0]:.1f} s, gradcheck {seconds[1]:.1f} s")


if __name__ == "__main__":
    main()

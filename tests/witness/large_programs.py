"""Random expressions over small arrays, with points for them; the same ones for the same seed."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtool.evidence import Request
from gradtool.target.expression import parse
from gradtool.values import Array, Shape, Value, shape_of
from gradtool.witness.walk import Step, compile_tree

__all__ = ["Floats", "Program", "program", "request", "steps_of"]

Floats = np.ndarray[Any, np.dtype[np.float64]]

_ONE = (
    "sin({})", "cos({})", "tanh({})", "exp({}/4)", "sigmoid({})", "relu({})", "abs({})", "({})**2", "({})**3",
    "atan({})", "softplus({})", "gelu({})", "silu({})", "elu({})", "erf({})", "asinh({})", "log(1 + ({})**2)",
    "sqrt(1 + ({})**2)", "expm1({}/3)", "leaky_relu({})", "hardtanh({})", "clip({}, -0.5, 0.75)", "-({})",
    "1/(2 + ({})**2)", "logsigmoid({})", "selu({})", "softsign({})", "lgamma(2.5 + tanh({}))",
)  # fmt: skip
_ALONG = ("cumsum({}, axis=-1)", "softmax({})", "log_softmax({})")
_TWO = (
    "{} + {}", "{} - {}", "{}*{}", "{}/(1.5 + sigmoid({}))", "max({}, {})", "min({}, {})", "where({} > 0, {}, 0.5)",
    "hypot({}, {})", "atan2({}, 2 + abs({}))", "where({} < 0.3, 2, {})",
)  # fmt: skip
_WHOLE = ("sum({})", "mean({})", "amax({})", "amin({})", "logsumexp({})", "norm({})", "var({})", "prod(1 + {}/8)")
_FIRST = ("sum({}, axis=0)", "prod(1 + {}/8, axis=0)", "({})[0]")
_LAST = ("amax({}, axis=-1)", "mean({}, axis=-1)", "sum({}, axis=-1)")
_SHAPES: tuple[Shape, ...] = ((2, 3), (3,), (2, 1), (2, 2, 3), (1, 3), (), (3, 2), (4,))


@dataclass(frozen=True)
class Program:
    """An expression and the arrays it is about."""

    text: str
    point: dict[str, Floats]


def program(seed: int) -> Program:
    return _Maker(seed).program()


def request(
    text: str, point: dict[str, Any], dtype: str = "float64", framework: str = "torch", upstream: Value | None = None
) -> Request:
    values: dict[str, Value] = {
        name: Array.of(np.shape(part), np.ravel(part).tolist()) if np.shape(part) else float(part)
        for name, part in point.items()
    }
    wrt = [name for name in point if name != "labels"]
    return Request(0, text, values, wrt, framework, dtype, upstream=upstream)


def steps_of(asked: Request, unrolled: str = "stable") -> list[Step]:
    shapes = {name: shape_of(value) for name, value in asked.point.items()}
    return compile_tree(parse(asked.expression, asked.point).tree, asked.framework, shapes, unrolled)


class _Maker:
    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311  # repeatable draws, no secrets
        numbers = np.random.default_rng(seed)
        kind = self.draw.random()
        self.point: dict[str, Floats] = {}
        for name in "xyz"[: self.draw.randint(1, 3)]:
            part = np.asarray(numbers.normal(size=self.draw.choice(_SHAPES)))
            self.point[name] = np.round(part * 2) / 2 if kind < 0.25 else part

    def program(self) -> Program:
        text, shape = self._tree(self.draw.randint(2, 3))
        if shape and self.draw.random() < 0.6:
            text = f"mean({text})"
        used = set(re.findall(r"\b[xyz]\b", text))
        return Program(text, {name: part for name, part in self.point.items() if name in used})

    def _tree(self, depth: int) -> tuple[str, Shape]:
        which = self.draw.random()
        if depth == 0 or which < 0.1:
            name = self.draw.choice(list(self.point))
            return name, self.point[name].shape
        inner, shape = self._tree(depth - 1)
        if which < 0.45:
            pattern = self.draw.choice(_ONE + (_ALONG if shape else ()))
            return pattern.format(*[inner] * pattern.count("{}")), shape
        if which < 0.8:
            return self._two(inner, shape, *self._tree(depth - 1))
        return self._moved(inner, shape) if shape else (f"cos({inner})", shape)

    def _two(self, one: str, shape: Shape, two: str, other: Shape) -> tuple[str, Shape]:
        if shape and other and len(other) <= 2 and shape[-1] == other[0 if len(other) == 1 else -2]:
            return f"(({one}) @ ({two}))", (*shape[:-1], *other[1:])
        pattern = self.draw.choice(_TWO if one != two else _TWO[:3])
        try:
            return f"({pattern.format(f'({one})', f'({two})')})", np.broadcast_shapes(shape, other)
        except ValueError:
            return f"({one})*sum({two})", shape

    def _moved(self, inner: str, shape: Shape) -> tuple[str, Shape]:
        match self.draw.randrange(6):
            case 0:
                return self.draw.choice(_WHOLE).format(f"({inner})"), ()
            case 1:
                return self.draw.choice(_FIRST).format(f"({inner})"), shape[1:]
            case 2:
                return self.draw.choice(_LAST).format(f"({inner})"), shape[:-1]
            case 3:
                return f"transpose({inner})", shape[::-1]
            case 4:
                return f"reshape({inner}, (-1,))", (int(np.prod(shape)),)
        return f"[{inner}, {inner}][..., 0]", (2, *shape[:-1])

"""The TensorFlow program: ``tf.Variable`` and ``tf.GradientTape``, nested for derivatives of higher order."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from gradtool.evidence import Request
from gradtool.report.programs.frame import Frame, indented
from gradtool.report.programs.writer import Dialect
from gradtool.values import Value

__all__ = ["program"]

NO_GRADIENT = frozenset({"floor", "ceil", "round", "floor_divide"})
"""Operations through which TensorFlow passes no gradient at all: it answers with None."""

LONGEST_LINE = 88
"""With more variables than such a line holds, their gradients are kept in a list."""

_SCALARS = frozenset({"where", "max", "min", "atan2", "clip", "stack"})
_ZERO = 'unconnected_gradients="zero"'


def program(request: Request) -> str:
    """The program that prints the value and every derivative that ``request`` asks for."""
    page = _TensorFlow(request, Dialect("tensorflow", f"tf.constant({{}}, dtype=tf.{request.dtype})", _SCALARS))
    return page.program("import tensorflow as tf", page.MODES[request.mode])


class _TensorFlow(Frame):
    def leaf(self, name: str, value: Value) -> list[str]:
        kind = self.dtype(name)
        maker = "tf.Variable(" if name in self.request.wrt else "tf.constant("
        return self.assigned(self.names.variables[name], maker, value, kind, f", dtype=tf.{kind})")

    def number(self, text: str, shape: Sequence[int]) -> str:
        return f"{text}.numpy().tolist()" if shape else f"{text}.numpy()"

    def taped(self) -> list[str]:
        """The expression under a tape called ``self.tape``."""
        return [f"with tf.GradientTape() as {self.tape}:", *indented(self.statements(self.value))]

    def gradient(self) -> list[str]:
        """One tape, asked once for all gradients; entries of an array are summed unless they are weighed."""
        self.tape = self.names.fresh("tape")
        flowing = self.flowing(NO_GRADIENT)
        own, weights = self.taped(), ""
        if self.request.upstream is not None:
            name, kind = self.names.fresh("upstream"), self.request.dtype
            own += self.assigned(name, "tf.constant(", self.request.upstream, kind, f", dtype=tf.{kind})")
            weights = f", output_gradients={name}"
        asked, names = self.asked(f"{self.tape}.gradient({self.value}, {{}}{weights})")
        own += [*asked, ""]
        own.append(self.printed(f"{self.value} =", self.number(self.value, self.shape)))
        for name, text in zip(self.request.wrt, names, strict=True):
            lone = name not in flowing
            shown = text if lone else self.number(text, self.shapes[name])
            own.append(self.printed(self.by(name), shown, "  # no gradient flows back to it" * lone))
        return own

    def jacobian(self) -> list[str]:
        """tape.jacobian: one pass back for each entry of the value, at once."""
        self.tape = self.names.fresh("tape")
        asked, names = self.asked(f"{self.tape}.jacobian({self.value}, {{}}, {_ZERO})")
        own = [*self.taped(), *asked, "", self.printed(f"{self.value} =", self.number(self.value, self.shape))]
        for name, text in zip(self.request.wrt, names, strict=True):
            own.append(self.printed(self.by(name), self.number(text, (*self.shape, *self.shapes[name]))))
        return own

    def hessian(self) -> list[str]:
        """The gradient under an outer tape, and that tape's Jacobian of each part of it."""
        outer, self.tape = self.names.fresh("outer"), self.names.fresh("inner")
        asked, names = self.asked(f"{self.tape}.gradient({self.value}, {{}}, {_ZERO})")
        own = [
            f"with tf.GradientTape(persistent=True) as {outer}:",
            *indented([*self.taped(), *asked]),
            "",
            self.printed(f"{self.value} =", self.number(self.value, ())),
        ]
        for name, text in zip(self.request.wrt, names, strict=True):
            for other in self.request.wrt:
                shape = (*self.shapes[name], *self.shapes[other])
                block = f"{outer}.jacobian({text}, {self.names.variables[other]}, {_ZERO})"
                own.append(self.printed(self.by(name, other), self.number(block, shape)))
        return own

    def orders(self) -> list[str]:
        """A tape for each order, the next around the one before."""
        derivative, order, variable = (self.names.fresh(name) for name in ("derivative", "order", "variable"))
        below, self.tape = self.names.fresh("below"), self.names.fresh("tape")
        own = [
            f"def {self.value}():",
            *indented(self.statements("return")),
            "",
            "",
            f"def {derivative}({order}, {variable}):",
            f"    if {order} == 0:",
            f"        return {self.value}()",
            f"    with tf.GradientTape() as {self.tape}:",
            f"        {below} = {derivative}({order} - 1, {variable})",
            f"    return {self.tape}.gradient({below}, {variable}, {_ZERO})",
            "",
            "",
            self.printed(f"{self.value} =", f"{self.value}().numpy()"),
        ]
        for name in self.request.wrt:
            own += [
                f"for {order} in range(1, {self.request.order + 1}):",
                self.printed_order(order, name, f"{derivative}({order}, {self.names.variables[name]}).numpy()"),
            ]
        return own

    MODES = {"gradient": gradient, "jacobian": jacobian, "hessian": hessian, "orders": orders}  # noqa: RUF012

    def asked(self, call: str) -> tuple[list[str], list[str]]:
        """``call`` with the variables in it, and what holds the gradient by each: names, or of many a list."""
        names = [self.names.fresh(f"d{self.value}_d{name}") for name in self.request.wrt]
        one = len(names) == 1
        line = f"{', '.join(names)} = {call.format(self.arguments() if one else f'[{self.arguments()}]')}"
        if one or len(line) <= LONGEST_LINE:
            return [line], names
        sources, found = self.names.fresh("variables"), self.names.fresh("gradients")
        rows = wrap(self.arguments(), LONGEST_LINE - 8)
        lines = [f"{sources} = [", *indented(rows), "]", f"{found} = {call.format(sources)}"]
        return lines, [f"{found}[{place}]" for place in range(len(names))]

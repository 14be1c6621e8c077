"""The PyTorch program: ``requires_grad`` and ``backward``, and for more derivatives than one ``torch.func``."""

from __future__ import annotations

from collections.abc import Sequence

from gradtool.evidence import Request
from gradtool.report.programs.frame import Frame, indented
from gradtool.report.programs.writer import Dialect
from gradtool.values import Value

__all__ = ["program"]


def program(request: Request) -> str:
    """The program that prints the value and every derivative that ``request`` asks for."""
    tensor = f"torch.tensor({{}}, dtype=torch.{request.dtype})"
    page = _PyTorch(request, Dialect("torch", tensor, frozenset({"where", "clip"})))
    return page.program("import torch", page.MODES[request.mode])


class _PyTorch(Frame):
    def leaf(self, name: str, value: Value) -> list[str]:
        kind = self.dtype(name)
        active = ", requires_grad=True" if name in self.request.wrt and self.request.mode == "gradient" else ""
        return self.assigned(self.names.variables[name], "torch.tensor(", value, kind, f", dtype=torch.{kind}{active})")

    def number(self, text: str, shape: Sequence[int]) -> str:
        return f"{text}.tolist()" if shape else f"{text}.item()"

    def gradient(self) -> list[str]:
        """One backward pass; a variable that is only compared has no path back, and its grad stays None."""
        own = self.statements(self.value)
        flowing = self.flowing()
        if not any(name in flowing for name in self.request.wrt):
            own.append(f"# {self.value}.backward() would fail: no path leads back to a variable")
        elif self.request.upstream is not None:
            weights = self.names.fresh("upstream")
            kind = self.request.dtype
            own += self.assigned(weights, "torch.tensor(", self.request.upstream, kind, f", dtype=torch.{kind})")
            own.append(f"{self.value}.backward({weights})")
        else:
            own.append(f"{self.value}{'.sum()' * bool(self.shape)}.backward()")
        own += ["", self.printed(f"{self.value} =", self.number(self.value, self.shape))]
        for name in self.request.wrt:
            text = f"{self.names.variables[name]}.grad"
            lone = name not in flowing
            shown = text if lone else self.number(text, self.shapes[name])
            own.append(self.printed(self.by(name), shown, "  # no path from it to the value" * lone))
        return own

    def function(self) -> list[str]:
        """The expression as a function of the variables to differentiate by."""
        takes = ", ".join(self.names.variables[name] for name in self.request.wrt)
        lines = self.statements("return")
        return [f"def {self.value}({takes}):", *indented(lines), "", ""]

    def jacobian(self) -> list[str]:
        """torch.autograd.functional.jacobian, a tensor for each variable."""
        found, given = self.names.fresh("jacobian"), self.arguments()
        own = [*self.function(), f"{found} = torch.autograd.functional.jacobian({self.value}, {self.packed()})", ""]
        own.append(self.printed(f"{self.value} =", self.number(f"{self.value}({given})", self.shape)))
        for place, name in enumerate(self.request.wrt):
            shape = (*self.shape, *self.shapes[name])
            own.append(self.printed(self.by(name), self.number(f"{found}[{place}]", shape)))
        return own

    def hessian(self) -> list[str]:
        """torch.autograd.functional.hessian, a block for each pair of variables."""
        found, given = self.names.fresh("hessian"), self.arguments()
        own = [*self.function(), f"{found} = torch.autograd.functional.hessian({self.value}, {self.packed()})", ""]
        own.append(self.printed(f"{self.value} =", self.number(f"{self.value}({given})", ())))
        for row, name in enumerate(self.request.wrt):
            for column, other in enumerate(self.request.wrt):
                shape = (*self.shapes[name], *self.shapes[other])
                own.append(self.printed(self.by(name, other), self.number(f"{found}[{row}][{column}]", shape)))
        return own

    def orders(self) -> list[str]:
        """torch.func.grad of torch.func.grad, as often as is asked for."""
        derivative, order, given = self.names.fresh("derivative"), self.names.fresh("order"), self.arguments()
        own = [*self.function(), self.printed(f"{self.value} =", f"{self.value}({given}).item()")]
        for place, name in enumerate(self.request.wrt):
            which = f", argnums={place}" if len(self.request.wrt) > 1 else ""
            own += [
                f"{derivative} = {self.value}",
                f"for {order} in range(1, {self.request.order + 1}):",
                f"    {derivative} = torch.func.grad({derivative}{which})",
                self.printed_order(order, name, f"{derivative}({given}).item()"),
            ]
        return own

    def packed(self) -> str:
        """The variables to differentiate by as a tuple."""
        return f"({self.arguments()}{',' * (len(self.request.wrt) == 1)})"

    MODES = {"gradient": gradient, "jacobian": jacobian, "hessian": hessian, "orders": orders}  # noqa: RUF012

"""The line on which a module's class makes a parameter, read from its source."""

from __future__ import annotations

import ast
import inspect
import textwrap

from torch import nn

from gradtool.evidence import CodeLine
from gradtool.witness.causes.lines import code_line
from gradtool.witness.model.user_file import is_users

__all__ = ["defined"]


def defined(model: nn.Module, name: str) -> CodeLine:
    """Where ``self.NAME = ...`` stands for the innermost module of the user's that ``name`` passes through."""
    found = CodeLine()
    module = model
    for part in name.split("."):
        found = _assigned(type(module), part) or found
        module = getattr(module, part, None)
        if not isinstance(module, nn.Module):
            break
    return found


def _assigned(kind: type, attribute: str) -> CodeLine | None:
    """The last assignment to the attribute in the class's methods."""
    for one in kind.__mro__:
        try:
            file, (lines, first) = inspect.getsourcefile(one) or "", inspect.getsourcelines(one)
            tree = ast.parse(textwrap.dedent("".join(lines)))
        except (OSError, TypeError, SyntaxError):
            continue
        if not is_users(file):
            break
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign | ast.AnnAssign):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(to, ast.Attribute) and to.attr == attribute for to in targets):
                return code_line((file, first + node.lineno - 1, f"{one.__qualname__}.__init__"))
    return None

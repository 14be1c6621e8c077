"""THE catalogue of findings: every rule by its stable code, with a severity, why it matters and what to do.

The rows stand beside what finds them: those of ``check`` in ``check_rules.py``, those of callables in
``contract_rules.py``, those of ``flow`` in its own package, those of ``compare --modes`` in
``compare/mode_rules.py``, those of comparing models in ``pairing/rules.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gradtool.evidence import Cause
from gradtool.verdict.check_rules import CHECK_RULES
from gradtool.verdict.compare.mode_rules import MODE_RULES
from gradtool.verdict.contract_rules import CONTRACT_RULES
from gradtool.verdict.flow.experiment_rules import EXPERIMENT_RULES
from gradtool.verdict.flow.loop_rules import LOOP_RULES
from gradtool.verdict.flow.rules import FLOW_RULES
from gradtool.verdict.pairing.rules import PAIRING_RULES
from gradtool.verdict.record import Finding
from gradtool.verdict.rule import Rule

__all__ = ["RULES", "Rule", "finding"]

_ROWS = sorted(
    (*CHECK_RULES, *CONTRACT_RULES, *FLOW_RULES, *EXPERIMENT_RULES, *LOOP_RULES, *MODE_RULES, *PAIRING_RULES),
    key=lambda row: row.code,
)

RULES: Mapping[str, Rule] = MappingProxyType({row.code: row for row in _ROWS})
"""Every rule by its code."""


def finding(
    code: str,
    where: str,
    message: str,
    remedy: str = "",
    *,
    severity: str = "",
    source: str = "",
    parameters: Iterable[str] = (),
    cause: Cause | None = None,
) -> Finding:
    """A finding of rule ``code``, with the rule's own remedy and severity unless better ones are known."""
    rule = RULES[code]
    worth, hint = severity or rule.severity, remedy or rule.remedy
    return Finding(code, worth, where, message, hint, source, tuple(parameters), cause)

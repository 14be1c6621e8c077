"""A program that ends by itself while it is watched: in peace, or in an exception that must be told."""

from __future__ import annotations

from gradtool.evidence import Incident
from gradtool.witness.model.user_file import UserFileError

__all__ = ["tell_of_end"]

NO_INPUT = "the program asked for input, which it is not given here, and ended there"

LENGTH = 400
"""Characters of the exception's text that are told."""


def tell_of_end(error: UserFileError, incidents: list[Incident], notes: list[str]) -> None:
    """Add what the program raised; nothing where it ended itself without a complaint."""
    cause = error.cause
    if isinstance(cause, EOFError):
        notes.append(NO_INPUT)
    elif isinstance(cause, SystemExit):
        if cause.code not in {None, 0}:
            incidents.append(Incident("raised", "SystemExit", f"sys.exit({cause.code!r})", source=error.source))
    elif cause is None:
        incidents.append(Incident("raised", "", error.message, error.hint, error.source))
    else:
        text = " ".join(str(cause).split())[:LENGTH]
        if error.hint:  # behind its first sentence the text has other advice
            text = text.partition(". ")[0]
        incidents.append(Incident("raised", type(cause).__name__, text, error.hint, error.source))

"""What people do with gradients of a model, once for each framework: small programs with the same weights and numbers.

They are files under examples/idioms, which an installation keeps beside its other data.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from gradtool.problem import Problem, ProblemError

__all__ = ["IDIOMS", "idiom"]

IDIOMS: Mapping[str, str] = MappingProxyType(
    {
        "training_step": "A training step",
        "clipping": "Clipping by the global norm",
        "accumulation": "Accumulating over micro-batches",
        "gradient_penalty": "A gradient penalty",
        "hessian_vector": "A Hessian-vector product",
        "none_gradients": "Parameters that no gradient reaches",
        "freezing": "Freezing a layer",
        "custom_gradient": "A custom gradient",
    }
)
"""Name of the files to title, in the order in which they are told."""

_HOMES = (
    Path(__file__).parents[3] / "examples" / "idioms",
    Path(sysconfig.get_path("data")) / "share" / "gradtool" / "idioms",
)
"""In the source tree, and where an installation puts them."""


def idiom(name: str) -> dict[str, str]:
    """By framework the program of this name, as ``pair.programs`` gives those of an expression.

    Raises ProblemError where there is no such idiom, or the files are not installed.
    """
    if name not in IDIOMS:
        raise ProblemError(Problem("idiom", f"there is no idiom {name}", hint=f"there are {', '.join(IDIOMS)}"))
    home = next((home for home in _HOMES if home.is_dir()), None)
    if home is None:
        hint = "install gradtool anew, or look at examples/idioms in its repository"
        raise ProblemError(Problem("idiom", "the programs are not installed", hint=hint))
    return {side: (home / side / f"{name}.py").read_text(encoding="utf-8") for side in ("torch", "tensorflow")}

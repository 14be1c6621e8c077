"""gradtool answers a question about a gradient with evidence: is it right, and how do we know?"""

from gradtool.api import CheckResult, check

__all__ = ["CheckResult", "__version__", "check"]

__version__ = "0.1.0"

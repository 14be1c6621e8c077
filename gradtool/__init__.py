"""gradtool answers a question about a gradient with evidence: is it right, and how do we know?"""

__all__ = ["__version__"]

__version__ = "0.1.0"

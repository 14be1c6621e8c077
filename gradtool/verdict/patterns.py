"""THE catalogue of stable forms: pattern and replacement, one row each, the more specific first.

Both are written in the expression language; a, b, c, d stand for any part of the expression, v for a vector, and the
same letter for the same part. The options ``axis`` and ``keepdims`` stand for whatever is written there, or left out,
and the same in both; ``along`` for an axis that is a single one, ``key`` for an index, and ``count`` for how many
entries are reduced to one.
"""

from __future__ import annotations

__all__ = ["ARRAY_PATTERNS", "LETTERS", "OPTIONS", "PATTERNS"]

LETTERS = ("a", "b", "c", "d", "v")
OPTIONS = ("axis", "keepdims", "along", "key", "count")

PATTERNS: tuple[tuple[str, str], ...] = (
    ("-(a*log(sigmoid(b)) + (1 - a)*log(1 - sigmoid(b)))", "softplus(b) - a*b"),
    ("log(1 + exp(a))", "softplus(a)"),
    ("log(1 + exp(-a))", "softplus(-a)"),
    ("log(exp(a) + exp(b))", "logaddexp(a, b)"),
    ("log(1 - sigmoid(a))", "-softplus(a)"),
    ("log(sigmoid(a))", "logsigmoid(a)"),
    ("log(1/(1 + exp(-a)))", "logsigmoid(a)"),
    ("1/(1 + exp(-a))", "sigmoid(a)"),
    ("exp(a)/(1 + exp(a))", "sigmoid(a)"),
    ("1 - sigmoid(a)", "sigmoid(-a)"),
    ("1 - tanh(a)**2", "1/cosh(a)**2"),
    ("exp(a) - 1", "expm1(a)"),
    ("log(1 + a)", "log1p(a)"),
    ("1 - cos(a)", "2*sin(a/2)**2"),
    ("sqrt(a**2 + b**2)", "hypot(a, b)"),
    ("sqrt(a*a + b*b)", "hypot(a, b)"),
    ("sqrt(a + b) - sqrt(a)", "b/(sqrt(a + b) + sqrt(a))"),
    ("sqrt(a) - sqrt(b)", "(a - b)/(sqrt(a) + sqrt(b))"),
    ("1/a - 1/(a + b)", "b/(a*(a + b))"),
    ("1/a - 1/b", "(b - a)/(a*b)"),
    ("(exp(a) - exp(-a))/2", "sinh(a)"),
    ("(exp(a) - exp(-a))/(exp(a) + exp(-a))", "tanh(a)"),
    ("1 - erf(a)", "erfc(a)"),
    ("log(a + b) - log(a)", "log1p(b/a)"),
    ("log(a) - log(b)", "log(a/b)"),
    ("a**2 - b**2", "(a - b)*(a + b)"),
    ("where(a, sqrt(b), c)", "where(a, sqrt(where(a, b, 1)), c)"),
    ("where(a, log(b), c)", "where(a, log(where(a, b, 1)), c)"),
    ("where(a, c, sqrt(b))", "where(a, c, sqrt(where(a, 1, b)))"),
    ("where(a, c, log(b))", "where(a, c, log(where(a, 1, b)))"),
    ("where(a, b/c, d)", "where(a, b/where(a, c, 1), d)"),
    ("where(a, d, b/c)", "where(a, d, b/where(a, 1, c))"),
)
"""Pattern and replacement, the more specific first. The last six are the double where: the branch that is not taken
must have a finite derivative too, because autodiff multiplies it by 0."""

_OVER = "axis=axis, keepdims=keepdims"
_SCALED = "amax(abs(a))*norm(a/amax(abs(a)))"
_SCALED_ALONG = f"amax(abs(a), {_OVER})*norm(a/amax(abs(a), axis=axis, keepdims=True), {_OVER})"

ARRAY_PATTERNS: tuple[tuple[str, str], ...] = (
    ("log(softmax(a, axis=along))", "log_softmax(a, axis=along)"),
    ("log(softmax(a, axis=along)) - log(softmax(b, axis=along))",
     "log_softmax(a, axis=along) - log_softmax(b, axis=along)"),
    ("log(index(softmax(a, axis=along), key=key))", "index(log_softmax(a, axis=along), key=key)"),
    (f"log(exp(a)/sum(exp(a), {_OVER}))", f"a - logsumexp(a, {_OVER})"),
    (f"log(sum(exp(a), {_OVER}))", f"logsumexp(a, {_OVER})"),
    (f"log(sum(exp(a), {_OVER})) - log(sum(exp(b), {_OVER}))", f"logsumexp(a, {_OVER}) - logsumexp(b, {_OVER})"),
    (f"log(mean(exp(a), {_OVER}))", f"logsumexp(a, {_OVER}) - log(count)"),
    (f"log(prod(a, {_OVER}))", f"sum(log(a), {_OVER})"),
    ("exp(v)/sum(exp(v))", "softmax(v)"),
    ("exp(a)/sum(exp(a), axis=along, keepdims=True)", "softmax(a, axis=along)"),
    (f"exp(a)/sum(exp(a), {_OVER})", f"exp(a - logsumexp(a, {_OVER}))"),
    ("bce(sigmoid(a), b)", "bce_logits(a, b)"),
    (f"mean(a**2, {_OVER}) - mean(a, {_OVER})**2", f"var(a, {_OVER})"),
    (f"mean(a*a, {_OVER}) - mean(a, {_OVER})**2", f"var(a, {_OVER})"),
    ("sqrt(sum(a**2))", _SCALED),
    ("sqrt(sum(a*a))", _SCALED),
    (f"sqrt(sum(a**2, {_OVER}))", _SCALED_ALONG),
    (f"sqrt(sum(a*a, {_OVER}))", _SCALED_ALONG),
)  # fmt: skip
"""Rows that need whole arrays. norm alone squares its entries just as sqrt(sum(a**2)) does, so the largest of them is
taken out first; where all are 0 there is no derivative."""

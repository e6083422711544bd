"""From the evidence of a search to a probability that the collection answers the question.

A logistic curve over a few features of the best passages, with coefficients by embedder ("" for none) and language.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from antiphon.retrieval.index import Ranking, Scored
from antiphon.retrieval.tokens import Language

DEPTH: Final = 5

Coefficients = tuple[float, ...]  # the constant, then one for each feature

SHIPPED: Final[Mapping[tuple[str, Language], Coefficients]] = {
    ("", "en"): (-7.0, 6.0, 2.0, 6.0, 2.0, -2.0, 2.0, 0.3),
    ("", "vi"): (-7.0, 6.0, 2.0, 6.0, 2.0, -2.0, 2.0, 0.3),
    ("", "zh"): (-7.0, 6.0, 2.0, 6.0, 2.0, -2.0, 2.0, 0.3),
}


def features(ranking: Ranking, best: Sequence[Scored], passages: int, cosines: Sequence[float]) -> list[float]:
    """Evidence in the order of the coefficients. best: the first passages, at least one. passages: how many were searched."""
    top = best[0]
    unknown = sum(term.idf for term in ranking.terms if not term.known)
    held = [term.idf for term, gain in zip(ranking.terms, top.gains, strict=True) if gain]
    return [
        top.coverage,
        sum(one.coverage for one in best) / DEPTH,
        top.mass,
        max(one.mass for one in best),
        unknown / ranking.mass if ranking.mass else 1.0,
        max(held, default=0.0) / math.log(passages + 1.5),
        math.log(1 + len(ranking.terms)),
        *([cosines[0], sum(cosines) / len(cosines)] if cosines else []),
    ]


def confidence(evidence: Sequence[float], language: Language, model: str | None, own: Mapping[str, Any] | None) -> float:
    """The probability. model: the embedder whose cosines are among the evidence. own: a collection's own coefficients."""
    coefficients = SHIPPED.get((model or "", language)) or SHIPPED[("", language)]
    total = coefficients[0] + sum(weight * value for weight, value in zip(coefficients[1:], evidence, strict=False))
    return 1 / (1 + math.exp(-total))

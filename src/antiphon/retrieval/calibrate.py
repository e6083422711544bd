"""From the evidence of a search to the probability that the collection answers the question.

A logistic curve over three features of the best passage, chosen because they mean the same in a collection of a hundred passages and in one
of a hundred thousand, in each of our languages:

- share     idf mass of the question's words that the passage holds, out of all of it; pairs are left out
- near      log of the idf mass found together within NEAR tokens, measured in log N
- strength  BM25, measured in log N: by chance alone the best of N passages reaches about one

Where the searched passages have vectors of an embedder with shipped coefficients, the cosine of the best passage and the mean of the first
five are the fourth and fifth feature. Rules: pure and deterministic. The coefficients come from bench/calibration.py; they are for our
tokens and our BM25 and have to be fitted anew when either changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from antiphon.retrieval.index import Ranking, Scored, Term
from antiphon.retrieval.tokens import MARK, Language

DEPTH: Final = 5
NEAR: Final = 40
_FLOOR: Final = 0.05  # keeps the logarithm finite
_OVERLAP: Final = 0.35  # single characters and pairs, syllables and pairs say the same thing up to three times

Coefficients = tuple[float, ...]  # the constant, then one for each feature

WORDS: Final[Coefficients] = (-7.5948, 7.0762, 0.8279, 3.6882)
SHIPPED: Final[Mapping[tuple[str, Language], Coefficients]] = {}


def features(ranking: Ranking, best: Sequence[Scored], language: Language, passages: int) -> list[float]:
    """share, near and strength. best: the first passages, at least one. passages: how many were searched."""
    top = best[0]
    log_n = math.log(passages + 1.5)
    masses = [term.idf * _weight(term, language) for term in ranking.terms]
    single = held = strength = 0.0
    by_token: dict[str, float] = {}
    for term, mass, gain in zip(ranking.terms, masses, top.gains, strict=True):
        whole = mass if _is_single(term, language) else 0.0
        single += whole
        if gain:
            held += whole
            strength += mass * gain
            by_token[term.token] = mass
    share = held / single if single else 0.0
    return [share, math.log(_FLOOR + _nearest(top.tokens.split(), by_token) / log_n), strength / log_n]


def with_cosines(evidence: Sequence[float], cosines: Sequence[float]) -> list[float]:
    """The evidence of words and that of vectors. cosines: of the first passages, at least one."""
    return [*evidence, cosines[0], sum(cosines) / len(cosines)]


def confidence(evidence: Sequence[float], coefficients: Coefficients) -> float:
    """The probability that the logistic curve gives."""
    total = coefficients[0] + sum(weight * value for weight, value in zip(coefficients[1:], evidence, strict=True))
    return 1 / (1 + math.exp(-total))


def judge(
    ranking: Ranking, best: Sequence[Scored], language: Language, passages: int, model: str | None, cosines: Sequence[float]
) -> float:
    """The probability that the searched passages answer the question. model: the cosines' embedder, if any."""
    evidence = features(ranking, best, language, passages)
    dense = SHIPPED.get((model, language)) if model and cosines else None
    return confidence(with_cosines(evidence, cosines), dense) if dense else confidence(evidence, WORDS)


def _weight(term: Term, language: Language) -> float:
    return _OVERLAP if language == "vi" or _is_cjk(term.token) else 1.0


def _is_single(term: Term, language: Language) -> bool:
    if _is_cjk(term.token):
        return len(term.token) == 1
    return language != "vi" or MARK not in term.token


def _is_cjk(token: str) -> bool:
    return token[0] >= "\u2e80"


def _nearest(tokens: Sequence[str], masses: Mapping[str, float]) -> float:
    """The greatest mass of different tokens within a stretch of NEAR tokens."""
    places = [(at, token) for at, token in enumerate(tokens) if token in masses]
    counts = dict.fromkeys(masses, 0)
    best = mass = 0.0
    first = 0
    for at, token in places:
        if not counts[token]:
            mass += masses[token]
        counts[token] += 1
        while places[first][0] < at - NEAR:
            gone = places[first][1]
            counts[gone] -= 1
            if not counts[gone]:
                mass -= masses[gone]
            first += 1
        best = max(best, mass)
    return best

"""From the evidence of a search to the probability that the collection answers the question.

A logistic curve over three features of the best passage, chosen because they mean the same in a collection of a hundred passages and in one
of a hundred thousand, in each of our languages:

- share     idf mass of the question's words that the passage holds, out of all of it; pairs are left out
- near      log of the idf mass found together within NEAR tokens, measured in log N
- strength  BM25, measured in log N: by chance alone the best of N passages reaches about one

Where the searched passages have vectors of an embedder with shipped coefficients for the question's language, the cosine of the best
passage is the fourth feature; with any other embedder words alone judge.

Rules: pure and deterministic. The coefficients come from bench/calibration.py; they are for our tokens, our BM25 and those vectors, and
have to be fitted anew when any of them changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from antiphon.retrieval.index import Ranking, Scored, Term
from antiphon.retrieval.tokens import MARK, Language
from antiphon.retrieval.vectors import MINILM

NEAR: Final = 40
_FLOOR: Final = 0.05  # keeps the logarithm finite
_OVERLAP: Final = 0.35  # single characters and pairs, syllables and pairs say the same thing up to three times

Coefficients = tuple[float, ...]  # the constant, then one for each feature

WORDS: Final[Coefficients] = (-8.3106, 7.5126, 0.2222, 4.3142)
SHIPPED: Final[Mapping[tuple[str, Language], Coefficients]] = {(MINILM, "en"): (-12.0054, 4.3122, -0.3600, 5.4081, 13.7915)}


def features(ranking: Ranking, top: Scored, language: Language, passages: int) -> list[float]:
    """share, near and strength. top: the best passage. passages: how many were searched."""
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


def confidence(evidence: Sequence[float], coefficients: Coefficients) -> float:
    """The probability that the logistic curve gives."""
    total = coefficients[0] + sum(weight * value for weight, value in zip(coefficients[1:], evidence, strict=True))
    return 1 / (1 + math.exp(-total))


def judge(ranking: Ranking, top: Scored, language: Language, passages: int, model: str | None, cosine: float | None) -> float:
    """The probability that the searched passages answer the question. model, cosine: of the best passage's vector, if it has one."""
    evidence = features(ranking, top, language, passages)
    dense = SHIPPED.get((model, language)) if model is not None and cosine is not None else None
    return confidence(evidence, WORDS) if dense is None or cosine is None else confidence([*evidence, cosine], dense)


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

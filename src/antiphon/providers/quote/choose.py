"""Which sentences answer a question: those that share its rarest terms, best passage first. Pure.

Score of a sentence: the weights of the question's terms in it, each term weighing log(1 + sentences / sentences that have it), over the
fourth root of the sentence's length, so that a long sentence needs more to show. A term that only its headings, or the line that introduces
it, have counts as a part. What a question for a number wants is a sentence with one. A sentence is worth as much as its passage.

The best passage is always quoted first, because search knows more (title, headings, all passages) than one sentence tells; a second
sentence of it may bring a term that the first lacks. Others are quoted only when they say nearly as much. A line that introduces something
is quoted with the first thing it introduces.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from antiphon.providers.quote.sentences import introduces, sentences

Words = Callable[[str], Collection[str]]

MOST_PASSAGES: Final = 3
MOST_QUOTES: Final = 4
MOST_CHARACTERS: Final = 900
NEARLY: Final = 0.6
ABOVE: Final = 0.5  # what a term is worth that only stands above a sentence
NUMBER: Final = 1.3  # what a number is worth to a question for one

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|often|far|old|late|early|fast|soon|high|hot|cold|wide|large|big|deep|heavy|thick)\b|\bwhat time\b"
    r"|\b(?:cost|price|fee)s?\b|多少|多[久长長大高远遠重宽寬厚]|[几幾]|bao (?:nhiêu|lâu|xa)|\bmấy\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d")


class Quote(NamedTuple):
    """number: of the passage, from 1."""

    number: int
    text: str


class _Sentence(NamedTuple):
    """terms: those of the question that it has; above: those that only stand above it."""

    number: int
    place: int
    text: str
    terms: frozenset[str]
    above: frozenset[str]


def choose(question: str, wanted: Collection[str], passages: Sequence[tuple[str, float]], words: Words) -> list[Quote]:
    """The quotes, by passage and in each in the order of its text; none only when no passage has a sentence.

    wanted: the terms of the question. passages: texts with what they are worth, best first.
    """
    told = [_told(number, text, frozenset(wanted), words) for number, (text, _) in enumerate(passages[:MOST_PASSAGES], 1)]
    score = _scoring(question, [sentence for group in told for sentence in group], [worth for _, worth in passages])
    ranked = sorted((sentence for group in told for sentence in group), key=score, reverse=True)
    if not ranked:
        return []
    foremost = min(sentence.number for sentence in ranked)
    first = next(sentence for sentence in ranked if sentence.number == foremost)
    enough = NEARLY * score(ranked[0])
    chosen = [first, *_besides(first, ranked), *(sentence for sentence in ranked if enough and score(sentence) >= enough)]
    kept = _within_limits(chosen)[: MOST_QUOTES - 1]
    for sentence in tuple(kept):
        if len(kept) < MOST_QUOTES and introduces(sentence.text):
            kept += [other for other in told[sentence.number - 1] if other.place == sentence.place + 1 and other not in kept]
    return [Quote(sentence.number, sentence.text) for sentence in sorted(kept, key=lambda sentence: (sentence.number, sentence.place))]


def _besides(first: _Sentence, ranked: Sequence[_Sentence]) -> list[_Sentence]:
    """The best sentence of the same passage that has a term of the question which the first one lacks: two halves make the answer."""
    return [other for other in ranked if other.number == first.number and other.terms - first.terms][:1]


def _scoring(question: str, told: Sequence[_Sentence], worth: Sequence[float]) -> Callable[[_Sentence], float]:
    seen = Counter(term for sentence in told for term in sentence.terms | sentence.above)
    weights = {term: math.log(1 + len(told) / count) for term, count in seen.items()}
    asks_number = _ASKS_NUMBER.search(question) is not None

    def score(sentence: _Sentence) -> float:
        weight: float = sum(weights[term] for term in sentence.terms) + ABOVE * sum(weights[term] for term in sentence.above)
        if asks_number and _NUMBER.search(sentence.text):
            weight *= NUMBER
        return weight * worth[sentence.number - 1] / math.sqrt(math.sqrt(20 + len(sentence.text)))

    return score


def _told(number: int, text: str, wanted: frozenset[str], words: Words) -> list[_Sentence]:
    told = []
    for place, sentence in enumerate(sentences(text)):
        terms = wanted & frozenset(words(sentence.text))
        above = wanted & frozenset(words(sentence.under))
        told.append(_Sentence(number, place, sentence.text, terms, above - terms))
    return told


def _within_limits(chosen: list[_Sentence]) -> list[_Sentence]:
    kept: list[_Sentence] = []
    left = MOST_CHARACTERS
    for sentence in chosen:
        if all(sentence.text != other.text for other in kept) and (not kept or len(sentence.text) <= left):
            left -= len(sentence.text)
            kept.append(sentence)
    return kept

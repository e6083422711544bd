"""Which sentences answer a question: those that share its rarest terms, best passage first. Pure.

Score of a sentence: the weights of the question's terms in it, each term weighing log(1 + sentences / sentences that have it), over the
fourth root of the sentence's length, so that a long sentence needs more to show. The best passage is always quoted first, because search
knows more (title, headings, all passages) than one sentence tells; others are quoted only when they say nearly as much.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from antiphon.providers.quote.sentences import sentences

Words = Callable[[str], Collection[str]]

MOST_PASSAGES: Final = 3
MOST_QUOTES: Final = 4
MOST_CHARACTERS: Final = 900
NEARLY: Final = 0.6
SHORT: Final = 40


class Quote(NamedTuple):
    """number: of the passage, from 1."""

    number: int
    text: str


class _Sentence(NamedTuple):
    number: int
    place: int
    text: str
    terms: frozenset[str]


def choose(question: Collection[str], passages: Sequence[str], words: Words) -> list[Quote]:
    """The quotes, by passage and in each in the order of its text; none only when no passage has a sentence."""
    wanted = frozenset(question)
    told = [_told(number, text, wanted, words) for number, text in enumerate(passages[:MOST_PASSAGES], 1)]
    seen = Counter(term for group in told for sentence in group for term in sentence.terms)
    total = sum(map(len, told))
    weights = {term: math.log(1 + total / count) for term, count in seen.items()}

    def score(sentence: _Sentence) -> float:
        weight: float = sum(weights[term] for term in sentence.terms)
        return weight / math.sqrt(math.sqrt(20 + len(sentence.text)))

    ranked = sorted((sentence for group in told for sentence in group), key=score, reverse=True)
    if not ranked:
        return []
    foremost = min(sentence.number for sentence in ranked)
    first = next(sentence for sentence in ranked if sentence.number == foremost)
    enough = NEARLY * score(ranked[0])
    chosen = [first, *(sentence for sentence in ranked if sentence is not first and enough and score(sentence) >= enough)]
    kept = _within_limits(chosen[: MOST_QUOTES - 1])
    if len(first.text) < SHORT or first.text.endswith((":", "\uff1a")):
        kept += [other for other in told[first.number - 1] if other.place == first.place + 1 and other not in kept]
    return [Quote(sentence.number, sentence.text) for sentence in sorted(kept, key=lambda sentence: (sentence.number, sentence.place))]


def _told(number: int, text: str, wanted: frozenset[str], words: Words) -> list[_Sentence]:
    return [_Sentence(number, place, sentence, wanted & frozenset(words(sentence))) for place, sentence in enumerate(sentences(text))]


def _within_limits(chosen: list[_Sentence]) -> list[_Sentence]:
    kept: list[_Sentence] = []
    left = MOST_CHARACTERS
    for sentence in chosen:
        if kept and len(sentence.text) > left:
            continue
        left -= len(sentence.text)
        if all(sentence.text != other.text for other in kept):
            kept.append(sentence)
    return kept

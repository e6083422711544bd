"""Our own search tokens, made once here and handed to whichever index there is, so that every index ranks alike.

Han, kana and hangul become single characters and pairs (traditional folded to simplified); English words become stems without stop words;
Vietnamese becomes syllables and pairs of syllables. Words with marks leave an unaccented form besides, for those who type without marks.

Rules: a token holds letters, digits and MARK only, is casefolded, and never holds a space, so tokens may be stored joined by spaces and
split at spaces by SQLite's `ascii` tokenizer, which leaves all that is beyond ASCII alone. Passages and questions go through the same
code; a question only loses its question words too. Changing what a text becomes asks for a new VERSION and a new index.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import snowballstemmer

from antiphon.retrieval.han import FOLD

Language = Literal["en", "vi", "zh"]

VERSION: Final = 1
MARK: Final = "\u00b7"  # joins the halves of a pair and opens an unaccented form; a separator in every source text
_LONGEST: Final = 64
_QUERY_CHARACTERS: Final = 4_000  # a pasted page is searched by its beginning, so that the time of a search is bounded
_QUERY_WORDS: Final = 128

_CJK: Final = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE = re.compile(f"([{_CJK}]+)|([^\\W_{_CJK}]+)|([^\\s])")
_HAN = re.compile(f"[{_CJK}]")
_LATIN_WORD = re.compile(r"[a-z\u00df-\u024f\u1e00-\u1eff]+")
_VIETNAMESE = re.compile(r"[\u0103\u0111\u0129\u0169\u01a1\u01b0\u1ea1-\u1ef9]")

_STOP: Final = frozenset(
    "a about after again against all also am an and any are as at be because been before being between both but by can could did do does "
    "doing down during each few for from further had has have having he her here hers him his how i if in into is it its itself just me "
    "more most my no nor not of off on once only or other our ours out over own same she should so some such than that the their theirs "
    "them then there these they this those through to too under until up us very was we were what when where which while who whom whose "
    "why will with would you your yours".split()
)
_ASKING_ZH = re.compile(
    "\u8bf7\u95ee|\u4e3a\u4ec0\u4e48|\u4ec0\u4e48\u6837|\u4ec0\u4e48|\u591a\u5c11|\u54ea\u4e00|\u54ea\u4e9b|\u54ea\u4e2a|\u54ea\u91cc"
    "|\u54ea|\u600e\u4e48\u6837|\u600e\u4e48|\u600e\u6837|\u5982\u4f55|\u8c01|\u5417|\u5462|\u662f\u5426|[\u7684\u4e86\u662f\u5728]"
)
_ASKING_VI: Final = frozenset(
    "ai bao nhiêu bị bởi các cho có của cái đã để đó được gì hay hãy khi là làm một nào những này ở sao tại thì thế trong từ và về vì "
    "với".split()
)


class Tokens(NamedTuple):
    """words: what is matched, in the order of the text. plain: unaccented forms of words with marks, matched at low weight."""

    language: Language
    words: list[str]
    plain: list[str]


class QueryTokens(NamedTuple):
    """words: distinct tokens of a question in order. plain: the unaccented form to look for where a word itself is unknown."""

    language: Language
    words: list[str]
    plain: dict[str, str]


def language_of(text: str) -> Language:
    """The language a text is tokenised and calibrated as; anything that is neither Chinese nor Vietnamese counts as English."""
    return _language(_fold(text))


def tokenize(text: str) -> Tokens:
    """Tokens of a passage."""
    folded = _fold(text)
    language = _language(folded)
    words: list[str] = []
    plain: list[str] = []
    previous = ""
    for match in _PIECE.finditer(folded):
        run, word, _ = match.groups()
        if run:
            words.extend(_characters(run))
            previous = ""
        elif word:
            previous = _word(word[:_LONGEST], language, previous, words, plain)
        else:
            previous = ""
    return Tokens(language, words, plain)


def tokenize_query(text: str) -> QueryTokens:
    """Tokens of a question: without repeats and, where something is left, without question words. Their pairs stay: they are rarer."""
    folded = _fold(text[:_QUERY_CHARACTERS])
    language = _language(folded)
    asking = _ASKING_ZH.sub(" ", folded) if language == "zh" else folded
    found = tokenize(asking)
    words = [word for word in found.words if word not in _ASKING_VI] if language == "vi" else found.words
    if not words:
        words = tokenize(folded).words
    plain = {} if language == "vi" else {_stem(word): MARK + word for word in _LATIN_WORD.findall(folded) if word.isascii()}
    distinct = list(dict.fromkeys(words))[:_QUERY_WORDS]
    return QueryTokens(language, distinct, {word: plain[word] for word in distinct if word in plain})


def join(tokens: Tokens) -> str:
    """Tokens as they are stored: a space on each side of each, so that counting " token " counts them all."""
    return f" {'  '.join(tokens.words + tokens.plain)} "


def unaccented(word: str) -> str:
    """A word without its marks; the Vietnamese d with a stroke becomes a d."""
    decomposed = unicodedata.normalize("NFD", word.replace("\u0111", "d"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(FOLD)


def _language(folded: str) -> Language:
    latin = _LATIN_WORD.findall(folded)
    han = len(_HAN.findall(folded))
    if han and han >= 2 * len(latin):
        return "zh"
    marked = sum(1 for word in latin if not word.isascii())
    return "vi" if marked * 4 >= len(latin) > 0 and _VIETNAMESE.search(folded) else "en"


def _characters(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    tokens = [run[0]]
    for first, second in pairwise(run):
        tokens += (first + second, second)
    return tokens


def _word(word: str, language: Language, previous: str, words: list[str], plain: list[str]) -> str:
    """Append one word's tokens; returns what the next word may pair with."""
    if language != "vi" and word.isascii():
        if word not in _STOP:
            words.append(_stem(word))
        return ""
    words.append(word)
    bare = unaccented(word)
    if bare.isascii():
        plain.append(MARK + bare)
    if language != "vi":
        return ""
    if previous:
        words.append(previous + MARK + word)
    return word


_stemmer = snowballstemmer.stemmer("english")
_stemming = threading.Lock()  # a stemmer object keeps the word it works on


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    with _stemming:
        stem: str = _stemmer.stemWord(word)
    return stem

"""Which sentences are quoted: the best passage first, its second half with it, numbers where numbers are asked for."""

from __future__ import annotations

from antiphon.providers.quote.choose import MOST_CHARACTERS, MOST_QUOTES, choose


def words(text: str) -> list[str]:
    return [word.strip(".,:?!").lower() for word in text.split()]


def chosen(question: str, *passages: tuple[str, float]) -> list[tuple[int, str]]:
    return [(quote.number, quote.text) for quote in choose(question, words(question), passages, words)]


def test_two_halves_of_one_passage_make_the_answer() -> None:
    passage = "The workshop opens for children at four. Tea is served later. A second child pays forty."
    assert chosen("child workshop", (passage, 1.0)) == [
        (1, "The workshop opens for children at four."),
        (1, "A second child pays forty."),
    ]


def test_the_best_passage_is_quoted_first_whatever_the_others_say() -> None:
    passages = ("Ladders stand by the door.", 1.0), ("Ladders are lent for seven days. Ladders cost nothing.", 0.4)
    assert chosen("ladders lent days", *passages)[0][0] == 1


def test_a_question_for_a_number_prefers_a_sentence_with_one() -> None:
    passage = "A late ladder costs a fee. A late ladder costs 1 euro."
    assert (1, "A late ladder costs 1 euro.") in chosen("how much does a late ladder cost", (passage, 1.0))


def test_what_a_line_introduces_is_quoted_with_it() -> None:
    passage = "Something else. Show the status of the service:\n\n    systemctl status pcsd\n\nThen go home."
    assert [text for _, text in chosen("status service", (passage, 1.0))][:2] == [
        "Show the status of the service:",
        "systemctl status pcsd",
    ]


def test_nothing_is_quoted_of_nothing() -> None:
    assert chosen("ladder") == []
    assert chosen("ladder", ("", 1.0)) == []


def test_quotes_are_few_and_short() -> None:
    passage = " ".join(f"Ladder number {number} is long {'and green ' * 20}here." for number in range(20))
    quotes = chosen("ladder number", (passage, 1.0))
    assert len(quotes) <= MOST_QUOTES
    assert sum(len(text) for _, text in quotes) <= MOST_CHARACTERS

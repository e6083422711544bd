from __future__ import annotations

import msgspec

from antiphon.dialects.sources import footer
from tests.unit.dialects.cases import CITED


def test_each_number_once_in_order() -> None:
    second = msgspec.structs.replace(CITED, number=2, title="Two\nlines", heading=(), url="https://docs.example/two")
    assert footer([second, CITED, second]) == (
        "\n\n[1] Install > Guide > Install - https://docs.example/install\n[2] Two lines - https://docs.example/two"
    )


def test_nothing_cited_is_nothing_said() -> None:
    assert footer([]) == ""

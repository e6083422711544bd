from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from antiphon.storage.ids import new_id, now_ms


def test_an_id_is_a_prefix_and_a_ulid() -> None:
    assert re.fullmatch(r"doc_[0-7][0-9A-HJKMNP-TV-Z]{25}", new_id("doc"))


def test_ids_sort_in_the_order_in_which_they_were_made() -> None:
    made = [new_id("x") for _ in range(5000)]
    assert made == sorted(set(made))


def test_ids_of_many_threads_differ() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [new_id("x") for _ in range(500)], range(8)))
    assert len({id for batch in batches for id in batch}) == 4000
    for batch in batches:
        assert batch == sorted(batch)


def test_the_time_of_an_id_can_be_read_from_it() -> None:
    before = now_ms()
    digits = new_id("x").removeprefix("x_")[:10]
    made = 0
    for digit in digits:
        made = made * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(digit)
    assert before <= made <= now_ms() + 1

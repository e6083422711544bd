"""One minute of `make soak`, judged as the whole of it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.soak import MOST_GROWTH, slope, soak

SECONDS = 60.0


@pytest.mark.timeout(300)
def test_a_minute_of_mixed_load_leaves_nothing_behind(tmp_path: Path) -> None:
    found = soak(SECONDS, tmp_path, print)
    assert not found.problems, "\n".join(found.problems)
    assert {200, 400, 401, 502, 504} <= found.statuses.keys()  # the load was as mixed as it should be


def test_steady_growth_is_seen_and_a_single_jump_is_not() -> None:
    leaking = [(float(second), 100 + second * 2 * MOST_GROWTH / 60) for second in range(60)]
    jumping = [(float(second), 100.0 + 10 * (second > 50)) for second in range(60)]
    assert slope(leaking) == pytest.approx(2 * MOST_GROWTH)
    assert slope(jumping) == 0.0

from __future__ import annotations

import limits
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.errors import OurError, RateLimited
from antiphon.storage import limits as room
from antiphon.storage.limits import RateLimits, Rule, network_of, parse
from antiphon.storage.shared_limits import RETRY_SECONDS
from tests.support.upstream import closed_port

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def allowed(limits: RateLimits, rule: str, *who: str) -> bool:
    try:
        await limits.hit(rule, *who)
    except RateLimited:
        return False
    return True


async def test_so_many_in_a_window_that_moves() -> None:
    clock = Clock()
    limits = RateLimits(clock=clock)
    outcome = []
    for _ in range(14):
        outcome.append(await allowed(limits, "5/minute", "docs", "192.0.2.1"))
        clock.now += 10
    assert outcome == [True] * 5 + [False] + [True] * 5 + [False, True, True]


async def test_when_to_return() -> None:
    clock = Clock()
    limits = RateLimits(clock=clock)
    await limits.hit("1 per 5 minutes", "x")
    clock.now += 100.5
    with pytest.raises(RateLimited, match="Slowly") as limited:
        await limits.hit("1 per 5 minutes", "x", message="Slowly, please.")
    assert limited.value.retry_after == 200
    clock.now += 200
    assert await allowed(limits, "1 per 5 minutes", "x")


async def test_rules_and_names_are_counted_apart() -> None:
    limits = RateLimits()
    for who in (("a",), ("b",), ("a", "b")):
        assert await allowed(limits, "1/hour", *who)
        assert not await allowed(limits, "1/hour", *who)
    assert await allowed(limits, "2/hour", "a")


async def test_clearing_one_window() -> None:
    limits = RateLimits()
    for who in ("a", "b"):
        await limits.hit("1/hour", who)
    await limits.clear("1/hour", "a")
    await limits.clear("1/hour", "never seen")
    assert await allowed(limits, "1/hour", "a")
    assert not await allowed(limits, "1/hour", "b")


async def test_what_is_over_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SWEEP_AT", 100)
    clock = Clock()
    limits = RateLimits(clock=clock)
    for number in range(10_000):
        await limits.hit("1/minute", str(number))
        clock.now += 1
    assert len(limits._memory._windows) <= 300
    assert not await allowed(limits, "1/minute", "9999")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("5/minute", Rule(5, 60)),
        ("1 per second", Rule(1, 1)),
        ("300 per 5 minutes", Rule(300, 300)),
        ("7/2 hours", Rule(7, 7_200)),
        ("9/days", Rule(9, 86_400)),
    ],
)
def test_rules_mean_what_the_library_for_redis_takes_them_for(text: str, rule: Rule) -> None:
    item = limits.parse(text)
    assert parse(text) == rule == Rule(item.amount, item.get_expiry())


@pytest.mark.parametrize("text", ["", "5", "minute", "five/minute", "5/month", "5/minute; 6/hour", "-1/minute"])
def test_other_rules_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no rule"):
        parse(text)


@given(st.lists(st.floats(0, 30), max_size=80), st.integers(1, 6))
def test_no_window_ever_holds_more(steps: list[float], amount: int) -> None:
    clock = Clock()
    memory = room._Memory(clock)
    item = parse(f"{amount}/minute")
    counted: list[float] = []
    for step in steps:
        clock.now += step
        wait = memory.hit(item, ("x",))
        if wait == 0:
            counted.append(clock.now)
            assert len([time for time in counted if time > clock.now - 60]) <= amount
        else:
            assert 0 < wait <= 60


async def test_without_redis_every_server_counts_for_itself() -> None:
    clock = Clock()
    limits = RateLimits(f"redis://127.0.0.1:{closed_port()}", clock=clock)
    assert await allowed(limits, "2/minute", "x")
    assert await allowed(limits, "2/minute", "x")
    clock.now += RETRY_SECONDS + 1
    assert not await allowed(limits, "2/minute", "x")
    await limits.clear("2/minute", "x")
    assert await allowed(limits, "2/minute", "x")


@pytest.mark.parametrize("url", ["http://example.org", "redis", "memcached://localhost", ""])
async def test_a_url_that_cannot_be_used_is_said_at_start(url: str) -> None:
    with pytest.raises(OurError) as refused:
        RateLimits(url)
    assert refused.value.code == "redis_unusable"


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_networks(client: str, network: str) -> None:
    assert network_of(client) == network

from __future__ import annotations

from collections.abc import Iterator

import pytest

from antiphon.core import errors
from antiphon.core.actor import ANONYMOUS, Actor


def family(kind: type[errors.AntiphonError]) -> Iterator[type[errors.AntiphonError]]:
    """The tree of core; rooms may have grown branches of their own, with other arguments."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from family(child)


@pytest.mark.parametrize("kind", list(family(errors.AntiphonError)), ids=lambda kind: kind.__name__)
def test_the_status_of_an_error_says_whose_fault_it_is(kind: type[errors.AntiphonError]) -> None:
    error = kind("What went wrong.")
    assert str(error) == error.message == "What went wrong."
    assert error.code == kind.default_code
    if issubclass(kind, errors.CallerError):
        assert error.fault == "caller"
        assert 400 <= error.status < 500
    else:
        assert error.fault == ("upstream" if issubclass(kind, errors.UpstreamError) else "ours")
        assert 500 <= error.status < 600


def test_an_error_keeps_what_it_was_given() -> None:
    error = errors.RateLimited("Slowly.", code="quota", param="n", retry_after=2.5, detail="for the log")
    assert (error.code, error.param, error.retry_after, error.detail) == ("quota", "n", 2.5, "for the log")


def test_an_actor_is_metered_by_key_then_user_then_address() -> None:
    assert Actor(kind="key", key="key_1", user="user_1").subject == "key_1"
    assert Actor(kind="user", user="user_1", client="10.0.0.1").subject == "user_1"
    assert Actor(kind="visitor", client="10.0.0.1").subject == "visitor:10.0.0.1"
    assert ANONYMOUS.subject != Actor(kind="local").subject

"""Fixtures of every test. Asynchronous tests run on asyncio, as the server does.

Generated cases are the same in every run, and none has a deadline: a slow machine is no failure.
"""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", metavar="DIR", help="Directory of documents whose printed clients are run as well.")

"""The server that all tests of the API visit, one for a whole session. At its end, nothing that left it may have held a secret."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.town import Town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Town(tmp_path_factory.mktemp("town") / "data") as town:
        town.furnish()
        yield town
        town.check_that_secrets_were_kept()

"""The rows of model servers and of the models named on them. Plain functions on a connection; nothing here knows who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from antiphon.core.errors import Conflict, NotFound
from antiphon.storage.ids import new_id, now_ms
from antiphon.storage.tables.models import backends, models


class BackendRow(msgspec.Struct, frozen=True):
    """A stored model server. updated_at tells one state of it from the next."""

    id: str
    name: str
    provider: str
    base_url: str
    sealed_key: str | None
    key_variable: str | None
    headers: Mapping[str, str]
    streams: bool
    discover: bool
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"BackendRow(name={self.name!r}, base_url={self.base_url!r})"


class ModelRow(msgspec.Struct, frozen=True):
    """A named model. backend: the server's name. Prices are for a million tokens."""

    name: str
    backend: str
    upstream: str | None
    context_tokens: int | None
    input_price: float | None
    output_price: float | None
    created_at: int


_BACKEND: Final = [backends.c[name] for name in BackendRow.__struct_fields__]
_MODEL: Final = [backends.c.name.label("backend") if name == "backend" else models.c[name] for name in ModelRow.__struct_fields__]


def list_backends(connection: sa.Connection) -> list[BackendRow]:
    return [BackendRow(*row) for row in connection.execute(sa.select(*_BACKEND).order_by(backends.c.name))]


_BACKEND_NAMED: Final = sa.select(*_BACKEND).where(backends.c.name == sa.bindparam("wanted"))


def find_backend(connection: sa.Connection, name: str) -> BackendRow | None:
    row = connection.execute(_BACKEND_NAMED, {"wanted": name}).first()
    return None if row is None else BackendRow(*row)


def add_backend(connection: sa.Connection, id: str, name: str, **values: Any) -> None:
    """values: the other columns but times. Raises Conflict for a name that is taken."""
    if find_backend(connection, name) is not None:
        raise Conflict(f"There is a model server named {name!r} already.", param="name", code="name_taken")
    now = now_ms()
    connection.execute(backends.insert().values(id=id, name=name, created_at=now, updated_at=now, **values))


def change_backend(connection: sa.Connection, name: str, **values: Any) -> None:
    """Raises NotFound."""
    changed = backends.update().where(backends.c.name == name).values(updated_at=now_ms(), **values)
    if connection.execute(changed).rowcount == 0:
        raise NotFound(f"There is no model server named {name!r}.", code="backend_not_found")


def remove_backend(connection: sa.Connection, name: str) -> None:
    """With its models. Raises NotFound."""
    if connection.execute(backends.delete().where(backends.c.name == name)).rowcount == 0:
        raise NotFound(f"There is no model server named {name!r}.", code="backend_not_found")


def new_backend_id() -> str:
    return new_id("backend")


_MODELS: Final = sa.select(*_MODEL).join(backends, backends.c.id == models.c.backend)
_MODEL_NAMED: Final = _MODELS.where(models.c.name == sa.bindparam("wanted"))


def list_models(connection: sa.Connection) -> list[ModelRow]:
    return [ModelRow(*row) for row in connection.execute(_MODELS.order_by(models.c.name))]


def find_model(connection: sa.Connection, name: str) -> ModelRow | None:
    row = connection.execute(_MODEL_NAMED, {"wanted": name}).first()
    return None if row is None else ModelRow(*row)


def add_model(connection: sa.Connection, /, name: str, backend: str, **values: Any) -> None:
    """backend: the server's name. values: upstream, context_tokens, prices. Raises Conflict, NotFound."""
    if find_model(connection, name) is not None:
        raise Conflict(f"There is a model named {name!r} already.", param="name", code="name_taken")
    server = find_backend(connection, backend)
    if server is None:
        raise NotFound(f"There is no model server named {backend!r}.", code="backend_not_found")
    connection.execute(models.insert().values(name=name, backend=server.id, created_at=now_ms(), **values))


def remove_model(connection: sa.Connection, name: str) -> str:
    """Returns its server's name. Raises NotFound."""
    found = find_model(connection, name)
    if found is None:
        raise NotFound(f"There is no model named {name!r}.", code="model_not_found")
    connection.execute(models.delete().where(models.c.name == name))
    return found.backend

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.accounts.secrets import Keyring, SecretBox
from antiphon.core.errors import BadRequest
from antiphon.settings.layers import Origin, Settings
from antiphon.storage import settings as stored_rows
from antiphon.storage.database import Database
from tests.support.database import new_database

BOX: SecretBox = Keyring(bytes(32)).box("setting")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = new_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "antiphon.yaml"
    path.write_text("retrieval: {top_k: 3}\nserver: {log_level: debug}\n", "utf-8")
    return path


@pytest.mark.anyio
@pytest.mark.parametrize("highest", ["option", "environment", "file", "database", "default"])
async def test_precedence_and_origin(highest: str, database: Database, file: Path) -> None:
    order = ["option", "environment", "file", "database", "default"]
    present = order[order.index(highest) :]
    settings = Settings(
        {"retrieval.top_k": 1 if "option" in present else None},
        {"ANTIPHON_TOP_K": "2"} if "environment" in present else {},
        file if "file" in present else None,
    )
    await settings.attach(database, BOX)
    if "database" in present:
        await settings.put("retrieval.top_k", 4)
    expected = {
        "option": (1, Origin("option", "--top-k")),
        "environment": (2, Origin("environment", "ANTIPHON_TOP_K")),
        "file": (3, Origin("file", str(file))),
        "database": (4, Origin("database", "database")),
        "default": (5, Origin("default", "")),
    }
    assert (settings.values.retrieval.top_k, settings.origin("retrieval.top_k")) == expected[highest]


@pytest.mark.anyio
async def test_a_stored_value_below_a_higher_layer_waits_there(database: Database) -> None:
    settings = Settings({}, {"ANTIPHON_TOP_K": "2"}, None)
    await settings.attach(database, BOX)
    row = await settings.put("retrieval.top_k", 4)
    assert (row.value, row.origin.layer) == (2, "environment")
    later = Settings({}, {}, None)
    await later.attach(database, BOX)
    assert later.values.retrieval.top_k == 4


@pytest.mark.anyio
async def test_changes_are_told_once_they_count(database: Database, file: Path) -> None:
    settings = Settings({}, {}, file)
    await settings.attach(database, BOX)
    told: list[tuple[frozenset[str], float]] = []
    settings.listen(lambda names: told.append((names, settings.values.retrieval.min_score)))
    await settings.put("retrieval.min_score", 0.6)
    await settings.put("retrieval.min_score", 0.6)
    await settings.put("retrieval.top_k", 9)
    await settings.forget("retrieval.min_score")
    assert told == [(frozenset({"retrieval.min_score"}), 0.6), (frozenset({"retrieval.min_score"}), 0.5)]


@pytest.mark.anyio
async def test_a_setting_that_needs_a_restart_says_so(database: Database) -> None:
    settings = Settings({}, {}, None)
    await settings.attach(database, BOX)
    row = await settings.put("server.root_path", "/chat")
    assert (row.restart, row.waiting) == (True, True)
    assert not (await settings.put("retrieval.top_k", 9)).waiting
    again = Settings({}, {}, None)
    await again.attach(database, BOX)
    assert (again.row("server.root_path").value, again.row("server.root_path").waiting) == ("/chat", False)


@pytest.mark.anyio
async def test_secrets_are_sealed_in_the_database_and_hidden_in_rows(database: Database) -> None:
    settings = Settings({}, {"ANTIPHON_ADMIN_PASSWORD": "sentinel-password"}, None)
    await settings.attach(database, BOX)
    await settings.put("retrieval.embedder_key", "sentinel-key")
    assert "sentinel" not in repr(settings.rows()) + repr(settings.values)
    assert {row.name for row in settings.rows() if row.value == "***"} == {"access.admin_password", "retrieval.embedder_key"}
    assert "sentinel" not in repr(await database.read(stored_rows.stored))
    again = Settings({}, {}, None)
    await again.attach(database, BOX)
    key = again.values.retrieval.embedder_key
    assert key is not None
    assert key.get_secret_value() == "sentinel-key"


@pytest.mark.anyio
async def test_stored_values_that_cannot_be_used_do_not_stop_a_start(database: Database) -> None:
    await database.write(stored_rows.store, "retrieval.top_k", "many")
    await database.write(stored_rows.store, "retrieval.gone", 1)
    await database.write(stored_rows.store, "server.port", 99)
    await database.write(stored_rows.store, "retrieval.embedder_key", "v1.not-sealed-by-us")
    settings = Settings({}, {}, None)
    await settings.attach(database, BOX)
    assert settings.values == Settings({}, {}, None).values
    assert len(settings.notices) == 4


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["server.host", "server.data", "access.admin_password", "nothing.here"])
async def test_what_the_database_cannot_hold(database: Database, name: str) -> None:
    settings = Settings({}, {}, None)
    await settings.attach(database, BOX)
    with pytest.raises(BadRequest):
        await settings.put(name, "x")
    assert await database.read(stored_rows.stored) == {}


def test_a_bad_value_is_not_stored_and_not_used(file: Path) -> None:
    settings = Settings({}, {}, file)
    file.write_text("retrieval: {top_k: 1000}\n", "utf-8")
    with pytest.raises(BadRequest, match=r"retrieval\.top_k"):
        settings.reload()
    assert settings.values.retrieval.top_k == 3
    file.write_text("retrieval: {top_k: 8}\n", "utf-8")
    settings.reload()
    assert settings.values.retrieval.top_k == 8
    assert settings.values.server.log_level == "info"


def test_toml_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.toml"
    path.write_text('[retrieval]\ntop_k = 3\n[server]\ntrusted_proxies = ["10.0.0.0/8"]\n', "utf-8")
    settings = Settings({}, {}, path)
    assert settings.values.retrieval.top_k == 3
    assert settings.row("server.trusted_proxies").value == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    "content",
    [
        "retrieval: {topk: 3}",
        "retreival: {top_k: 3}",
        "retrieval: 3",
        "- retrieval",
        "retrieval: {top_k: [}",
        "retrieval: !!python/object/apply:os.system ['true']",
    ],
)
def test_a_file_that_cannot_be_meant(tmp_path: Path, content: str) -> None:
    path = tmp_path / "antiphon.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(BadRequest, match=r"antiphon\.yaml"):
        Settings({}, {}, path)


def test_an_empty_file_and_empty_variables_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.yaml"
    path.write_text("# nothing yet\n", "utf-8")
    assert Settings({}, {"ANTIPHON_TOP_K": ""}, path).values == Settings({}, {}, None).values


def test_the_file_is_found_by_option_variable_or_place(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("retrieval: {top_k: 9}\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert Settings.load({}).values.retrieval.top_k == 3
    monkeypatch.setenv("ANTIPHON_CONFIG", str(other))
    assert Settings.load({}).values.retrieval.top_k == 9
    assert Settings.load({}, file).values.retrieval.top_k == 3
    with pytest.raises(BadRequest):
        Settings.load({}, tmp_path / "missing.yaml")


def test_secrets_from_files(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("from-a-file\n", "utf-8")
    settings = Settings(
        {}, {"ANTIPHON_ADMIN_PASSWORD_FILE": str(path), "OPENAI_API_KEY_FILE": str(path), "REDIS_URL_FILE": str(path)}, None
    )
    password = settings.values.access.admin_password
    assert password is not None
    assert password.get_secret_value() == "from-a-file"
    assert settings.origin("access.admin_password") == Origin("environment", "ANTIPHON_ADMIN_PASSWORD_FILE")
    assert settings.origin("server.redis_url") == Origin("environment", "REDIS_URL_FILE")
    assert [found.key for found in settings.found] == ["from-a-file"]
    assert settings.notices == []


def test_a_secret_given_twice_or_nowhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="Both"):
        Settings({}, {"ANTIPHON_ADMIN_PASSWORD_FILE": "x", "ANTIPHON_ADMIN_PASSWORD": "y"}, None)
    with pytest.raises(BadRequest, match="cannot be read"):
        Settings({}, {"ANTIPHON_ADMIN_PASSWORD_FILE": str(tmp_path / "missing")}, None)


def test_a_misspelt_variable_is_noticed() -> None:
    assert Settings({}, {"ANTIPHON_PROT": "80"}, None).notices == ["The environment variable ANTIPHON_PROT is not a setting."]
    assert Settings({}, {"PORT": "80", "HOST": "::"}, None).values.server.port == 8000


def test_a_model_server_may_name_a_variable_but_none_of_ours() -> None:
    settings = Settings(
        {}, {"MY_KEY": "k", "EMPTY": "", "ANTIPHON_ADMIN_PASSWORD": "sentinel", "REDIS_URL": "redis://:sentinel@cache"}, None
    )
    assert settings.variable("MY_KEY") == "k"
    assert [settings.variable(name) for name in ("EMPTY", "MISSING", "ANTIPHON_ADMIN_PASSWORD", "REDIS_URL")] == [None] * 4

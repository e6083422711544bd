"""Where the value of each setting comes from, and what happens when one changes. The only reader of the environment.

A value is looked for in this order: option of the command line, environment, configuration file, database (changed while it runs), default.
Rules: secrets never leave by `rows`. In the environment a secret may also be given as <NAME>_FILE, the path of a file that holds it. An
unknown name is an error in a file (YAML or TOML) and a notice in the environment, which is shared with others.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from antiphon.accounts.secrets import SecretBox
from antiphon.core.errors import AntiphonError, BadRequest
from antiphon.models.environment import Found, names_known, upstreams_in
from antiphon.settings.declared import PREFIX, SETTINGS, Setting, Values
from antiphon.storage import settings as rows_of
from antiphon.storage.database import Database

CONFIG_VARIABLE: Final = "ANTIPHON_CONFIG"
FILES: Final = ("antiphon.yaml", "antiphon.yml", "antiphon.toml")
HIDDEN: Final = "***"

Layer = Literal["option", "environment", "file", "database", "default"]
LAYERS: Final[tuple[Layer, ...]] = ("option", "environment", "file", "database")


class Origin(NamedTuple):
    """place: the option, variable or file."""

    layer: Layer
    place: str


class Row(NamedTuple):
    """A setting as it is shown. value: JSON-ready, a secret that is set as `***`. waiting: changed, but only a restart makes it count."""

    name: str
    value: Any
    origin: Origin
    restart: bool
    waiting: bool
    description: str


class Settings:
    """The values in force (`values`), their origins, and what happens when one changes."""

    def __init__(self, options: Mapping[str, Any], environ: Mapping[str, str], file: Path | None) -> None:
        """options: values by setting name, None for what was not given. file: the configuration file, if any. Raises BadRequest."""
        self.file = file
        self._environ = environ
        self.notices: list[str] = []
        self.found: tuple[Found, ...] = upstreams_in(_with_files(environ))
        self._layers: dict[Layer, dict[str, tuple[Any, str]]] = {layer: {} for layer in LAYERS}
        given = {name: value for name, value in options.items() if value is not None}
        self._layers["option"] = {name: (value, "--" + _setting(name).field.replace("_", "-")) for name, value in given.items()}
        self._layers["environment"] = self._from_environment(environ)
        self._layers["file"] = _from_file(file)
        self._listeners: list[Callable[[frozenset[str]], object]] = []
        self._database: tuple[Database, SecretBox] | None = None
        self._origins: dict[str, Origin] = {}
        self._typed: dict[str, Any] = {}
        self.values = Values()
        self._resolve()
        self._at_start = dict(self._typed)

    @classmethod
    def load(cls, options: Mapping[str, Any], file: Path | None = None) -> Settings:
        """From this process's environment and the configuration file named, or found in the working directory. Raises BadRequest."""
        named = file or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
        found = named or next((path for name in FILES if (path := Path(name)).is_file()), None)
        return cls(options, os.environ, found)

    async def attach(self, database: Database, box: SecretBox) -> None:
        """Add the database's layer. A stored value that this version does not understand is noticed and passed over."""
        self._database = (database, box)
        layer: dict[str, tuple[Any, str]] = {}
        for name, raw in (await database.read(rows_of.stored)).items():
            setting = SETTINGS.get(name)
            if setting is None or not setting.stored:
                self.notices.append(f"The stored setting {name} is not known to this version.")
                continue
            try:
                layer[name] = (setting.parse(box.open(raw, name) if setting.secret and raw is not None else raw, "database"), "database")
            except AntiphonError as error:
                self.notices.append(error.message)
        self._layers["database"] = layer
        self._resolve()
        self._at_start = dict(self._typed)

    async def put(self, name: str, value: Any) -> Row:
        """Store a value. It counts unless a higher layer has its own: the row says so. Raises BadRequest."""
        setting, (database, box) = self._changeable(name)
        typed = setting.parse(value, "database")
        plain = setting.plain(typed)
        await database.write(rows_of.store, name, box.seal(plain, name) if setting.secret and plain is not None else plain)
        self._layers["database"][name] = (typed, "database")
        self._resolve()
        return self.row(name)

    async def forget(self, name: str) -> Row:
        """Take a stored value away. Raises BadRequest."""
        _, (database, _) = self._changeable(name)
        await database.write(rows_of.forget, name)
        self._layers["database"].pop(name, None)
        self._resolve()
        return self.row(name)

    def reload(self) -> None:
        """Read the configuration file again. Raises BadRequest and leaves everything as it was when it cannot be used."""
        before = self._layers["file"]
        self._layers["file"] = _from_file(self.file)
        try:
            self._resolve()
        except BadRequest:
            self._layers["file"] = before
            raise

    def variable(self, name: str) -> str | None:
        """The value of an environment variable that a stored model server names; None when it is not set, or holds a setting of ours."""
        if any(name in setting.variables for setting in SETTINGS.values()):
            return None
        return self._environ.get(name) or None

    def listen(self, listener: Callable[[frozenset[str]], object]) -> None:
        """Call listener(names) after settings changed; `values` is new by then."""
        self._listeners.append(listener)

    def origin(self, name: str) -> Origin:
        return self._origins[_setting(name).name]

    def row(self, name: str) -> Row:
        setting = _setting(name)
        value = self._typed[name]
        shown = HIDDEN if setting.secret and value is not None else setting.plain(value)
        waiting = setting.restart and value != self._at_start[name]
        return Row(name, shown, self._origins[name], setting.restart, waiting, setting.description)

    def rows(self) -> list[Row]:
        """All settings, in the order of their declaration."""
        return [self.row(name) for name in SETTINGS]

    def _changeable(self, name: str) -> tuple[Setting, tuple[Database, SecretBox]]:
        setting = _setting(name)
        if not setting.stored or self._database is None:
            raise BadRequest(f"{name} can only be set by option, environment or file.", code="setting_not_stored", param=name)
        return setting, self._database

    def _from_environment(self, environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
        values = _with_files(environ)
        layer: dict[str, tuple[Any, str]] = {}
        for setting in SETTINGS.values():
            variable = next((name for name in setting.variables if values.get(name)), None)
            if variable is not None:
                place = variable if environ.get(variable) else f"{variable}_FILE"
                layer[setting.name] = (setting.split(values[variable]), place)
        known = {CONFIG_VARIABLE} | {name for setting in SETTINGS.values() for name in setting.variables}
        for name in sorted(values):
            if name.startswith(PREFIX) and name.removesuffix("_FILE") not in known:
                self.notices.append(f"The environment variable {name} is not a setting.")
        return layer

    def _resolve(self) -> None:
        """Find every value anew, and tell the listeners what is different."""
        typed, origins = {}, {}
        for name, setting in SETTINGS.items():
            layer = next((layer for layer in LAYERS if name in self._layers[layer]), None)
            if layer is None:
                typed[name], origins[name] = setting.default, Origin("default", "")
            else:
                raw, place = self._layers[layer][name]
                typed[name], origins[name] = setting.parse(raw, place), Origin(layer, place)
        changed = frozenset(name for name in typed if name not in self._typed or typed[name] != self._typed[name])
        self._typed, self._origins = typed, origins
        if changed:
            self.values = _grouped(typed)
            for listener in self._listeners:
                listener(changed)


def _grouped(typed: Mapping[str, Any]) -> Values:
    groups: dict[str, dict[str, Any]] = {}
    for name, value in typed.items():
        groups.setdefault(SETTINGS[name].group, {})[SETTINGS[name].field] = value
    return Values.model_validate(groups)


def _setting(name: str) -> Setting:
    setting = SETTINGS.get(name)
    if setting is None:
        raise BadRequest(f"There is no setting {name}.", code="unknown_setting", param=name)
    return setting


def _with_files(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with each secret that is given as <NAME>_FILE read. Raises BadRequest for a file that cannot be, or both at once."""
    values = dict(environ)
    secrets = {variable for setting in SETTINGS.values() if setting.secret for variable in setting.variables} | names_known()
    for name in sorted(secrets):
        path = environ.get(f"{name}_FILE")
        if not path:
            continue
        if environ.get(name):
            raise BadRequest(f"Both {name} and {name}_FILE are set. Set one.", code="invalid_setting", param=name)
        try:
            values[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise BadRequest(f"{name}_FILE names a file that cannot be read.", code="invalid_setting", param=name) from None
    return values


def _from_file(path: Path | None) -> dict[str, tuple[Any, str]]:
    if path is None:
        return {}
    try:
        content = _parsed(path)
    except OSError:
        raise BadRequest(f"The configuration file {path} cannot be read.", code="invalid_setting") from None
    except ValueError as error:
        raise BadRequest(f"The configuration file {path} cannot be understood: {error}", code="invalid_setting") from None
    layer: dict[str, tuple[Any, str]] = {}
    for group, settings in (content or {}).items():
        if not isinstance(settings, dict):
            raise BadRequest(f"{path}: {group} must hold settings by name.", code="unknown_setting", param=str(group))
        for field, value in settings.items():
            name = f"{group}.{field}"
            if name not in SETTINGS:
                raise BadRequest(f"{path}: there is no setting {name}.", code="unknown_setting", param=name)
            layer[name] = (value, str(path))
    return layer


def _parsed(path: Path) -> dict[Any, Any] | None:
    """Raises OSError, or ValueError with a message that says where."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        return tomllib.loads(text)
    import yaml  # lazy: most servers run without a configuration file

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it is not YAML") from None
    if content is not None and not isinstance(content, dict):
        raise ValueError("it must hold groups of settings")
    return content

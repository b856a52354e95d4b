"""The composed settings: documented defaults, the user's files, the environment; each value knows where it is from.

Later wins: `config/stockpulse.toml` and `config/limits.toml` of the package, the files of the same names in the
user's configuration directory, then variables such as `STOCKPULSE__UI__THEME`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec

from stockpulse_engine.adapters.redis.settings import RedisSettings
from stockpulse_engine.api.settings import ApiSettings
from stockpulse_engine.base.logs import LogSettings
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.redaction import redact
from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.marketdata.settings import MarketSettings
from stockpulse_engine.render.settings import UiSettings
from stockpulse_engine.risk.limits import Limits, limits_from
from stockpulse_engine.risk.policy import SCOPES, Policy, Scope, ScopedLimit
from stockpulse_engine.risk.sections import check_section, split_tree
from stockpulse_engine.storage.backup.settings import BackupSettings
from stockpulse_engine.storage.history.settings import HistorySettings
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.trading.settings import AccountSettings, ReconcileSettings, WatchdogSettings

ENV_PREFIX = "STOCKPULSE__"
MAX_FILE_BYTES = 256 * 1024
_FILES = {"stockpulse.toml": "", "limits.toml": "limits"}
"""File name → the section all its keys belong to; "" where the file names its sections itself."""


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `engine`: which world is started, and how."""

    world: Annotated[
        str, msgspec.Meta(pattern=r"^(sim|live|replay:[\w.-]{1,24})$", description="sim, live or replay:NAME")
    ] = "sim"
    replay_from: tuple[str, ...] = ()
    """Files or directories that a replay plays."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 7
    speed: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 1.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All sections. `sources` maps `section.key` to where its value is from."""

    engine: EngineSettings = EngineSettings()
    api: ApiSettings = ApiSettings()
    market: MarketSettings = MarketSettings()
    account: AccountSettings = AccountSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    limits: Limits = Limits()
    redis: RedisSettings = RedisSettings()
    history: HistorySettings = HistorySettings()
    backup: BackupSettings = BackupSettings()
    storage: StorageSettings = StorageSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    ui: UiSettings = UiSettings()
    log: LogSettings = LogSettings()
    sources: dict[str, str] = {}
    scoped_limits: tuple[ScopedLimit, ...] = ()
    """Limits of single accounts, strategies and instruments."""

    @property
    def limit_policy(self) -> Policy:
        """Every limit as the files say it."""
        return Policy.of(self.limits, self.scoped_limits)


class SettingRow(msgspec.Struct, frozen=True):
    """One setting as `sp config show` prints it."""

    key: str
    value: str
    source: str
    default: str
    doc: str


class _Found(msgspec.Struct, frozen=True):
    """A value somebody wrote, with the words to blame it by."""

    value: object
    source: str
    place: str
    text: str = ""
    """The file it stands in, where the keys below it are still to be checked."""


def defaults_dir() -> Path:
    """The directory of the documented defaults: beside the code in a wheel, `config/` in a checkout."""
    packaged = Path(__file__).parent / "_config"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "config"


def config_files(paths: Paths) -> tuple[Path, ...]:
    """Every file that is read, in order; the user's need not exist."""
    return tuple(directory / name for directory in (defaults_dir(), paths.config) for name in _FILES)


def load_settings(paths: Paths, env: Mapping[str, str]) -> Settings:
    """Read and check everything.

    Raises:
        ConfigError: a file, key or value is wrong; it names the place, the key, what is expected and the nearest.
    """
    found: dict[str, _Found] = {}
    for file in config_files(paths):
        found |= _from_file(file, "default" if file.parent != paths.config else str(file))
    found |= _from_environment(env)
    scoped = _scoped_limits(found)
    sections: dict[str, dict[str, Any]] = {}
    for key, entry in found.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, {})[name] = _checked(key, entry)
    built = {name: kind(**sections.get(name, {})) for name, kind in _SECTIONS.items()}
    _check_keymap(built["ui"].keymap, found["ui.keymap"].place if "ui.keymap" in found else "")
    sources = {key: entry.source for key, entry in found.items()}
    return Settings(**built, sources=sources, scoped_limits=scoped)


def _scoped_limits(found: dict[str, _Found]) -> tuple[ScopedLimit, ...]:
    """Take the sections of single accounts, strategies and instruments out of what was found, and check them."""
    limits: list[ScopedLimit] = []
    for key in [key for key in found if key.startswith(_SCOPE_HEADS)]:
        entry = found.pop(key)
        _, kind, name = key.split(".", 2)
        table: Any = entry.value
        limits += check_section(Scope(kind, name), table, entry.source, partial(_place, entry.place, entry.text))
    return tuple(limits)


def describe(settings: Settings) -> tuple[SettingRow, ...]:
    """Every setting with its value, its source, the documented default and what it means."""
    docs = _documentation()
    defaults: dict[str, _Found] = {}
    for name in _FILES:
        defaults |= _from_file(defaults_dir() / name, "default")
    rows = tuple(
        SettingRow(
            key,
            show(getattr(getattr(settings, section), name)),
            settings.sources.get(key, "default"),
            show(_checked(key, defaults[key])),
            docs.get(key, ""),
        )
        for key in _TYPES
        for section, _, name in (key.partition("."),)
    )
    return rows + tuple(
        SettingRow(
            f"limits.{one.scope.kind}.{one.scope.name}.{one.key}", show(one.value), one.source, "",
            docs.get(f"limits.{one.key}", ""),
        )
        for one in settings.scoped_limits
    )  # fmt: skip


def show(value: object) -> str:
    """A value as it is written in TOML, without the password of an address."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{redact(value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(show(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{show(name)} = {show(item)}" for name, item in value.items()) + "}"
    return str(value)


_SECTIONS: dict[str, Any] = {
    name: kind
    for name, kind in get_type_hints(Settings, include_extras=True).items()
    if name not in {"sources", "scoped_limits"}
}
_TYPES: dict[str, Any] = {
    f"{section}.{name}": hint
    for section, kind in _SECTIONS.items()
    for name, hint in get_type_hints(kind, include_extras=True).items()
}


_SCOPE_HEADS = tuple(f"limits.{kind}." for kind in SCOPES)
"""How the keys begin under which whole tables of limits are found."""


def _from_file(file: Path, source: str) -> dict[str, _Found]:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", fix="Make it readable for you.") from error
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{file} has {len(data)} bytes, at most {MAX_FILE_BYTES} are read.", fix="Shorten it.")
    try:
        text = data.decode()
        tree = tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise ConfigError(f"{file} is not TOML: {error}.", fix="Correct the line it names.") from error
    return _flatten(file, text, tree, source)


def _flatten(file: Path, text: str, tree: dict[str, Any], source: str) -> dict[str, _Found]:
    whole = _FILES[file.name]
    found: dict[str, _Found] = {}
    if whole:
        tree, scopes = split_tree(tree, partial(_place, str(file), text))
        for scope, table in scopes.items():
            found[f"{whole}.{scope.kind}.{scope.name}"] = _Found(table, source, str(file), text)
    for section, table in ({whole: tree} if whole else tree).items():
        place = f"{file}{_line(text, '' if whole else section, section)}"
        if not whole and section in _FILES.values():
            raise ConfigError(
                f"{place}: {section} have a file of their own.", fix=f"Move them to {section}.toml beside it."
            )
        if section not in _SECTIONS:
            raise _unknown(place, section, list(_SECTIONS), "section")
        if not isinstance(table, dict):
            raise ConfigError(
                f"{place}: {section} is a section, not a value.", fix=f"Write [{section}] and its keys below."
            )
        for name, value in table.items():
            key = f"{section}.{name}"
            place = f"{file}{_line(text, '' if whole else section, name) or _line(text, section, name)}"
            if key not in _TYPES:
                raise _unknown(place, key, list(_TYPES), "setting")
            found[key] = _Found(value, source, place)
    return found


def _from_environment(env: Mapping[str, str]) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    for variable, text in env.items():
        if not variable.startswith(ENV_PREFIX):
            continue
        key = variable.removeprefix(ENV_PREFIX).lower().replace("__", ".")
        if key not in _TYPES:
            raise _unknown(variable, key, list(_TYPES), "setting")
        found[key] = _Found(_from_text(text, _TYPES[key]), f"environment {variable}", variable)
    return found


def _from_text(text: str, kind: Any) -> object:
    """What the text of a variable stands for: lists are split at commas, msgspec reads the rest."""
    if tuple[str, ...] in (kind, getattr(kind, "__origin__", None)):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return text  # refused in _checked, in words


def _checked(key: str, found: _Found) -> object:
    kind, value = _TYPES[key], found.value
    if isinstance(value, Decimal) and _expects_float(kind):
        value = float(value)
    try:
        checked: object = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        expected, choices = _expectation(kind)
        near = difflib.get_close_matches(str(value), choices, n=1)
        raise ConfigError(
            f"{found.place}: {key} is {str(show(value))[:60]}, expected {expected}.",
            fix=f'Did you mean "{near[0]}"?' if near else "`sp config show` tells what each setting means.",
        ) from None
    section, _, name = key.partition(".")
    if section == "limits":
        limits_from({name: checked}, source=found.place)  # refuses what would let everything through
    elif isinstance(checked, Decimal | float) and not Decimal(checked).is_finite():
        raise ConfigError(f"{found.place}: {key} is {checked}, expected a finite number.", fix="Write a number.")
    return checked


def _expects_float(kind: Any) -> bool:
    return float in (kind, getattr(kind, "__origin__", None))


def _expectation(kind: Any) -> tuple[str, list[str]]:
    """What a type accepts, in words, and the choices where there are some."""
    from msgspec import inspect

    info = inspect.type_info(kind)
    if isinstance(info, inspect.Metadata):
        return str((info.extra_json_schema or {}).get("description", "another form")), []
    if isinstance(info, inspect.LiteralType):
        return "one of: " + ", ".join(map(str, info.values)), list(map(str, info.values))
    if isinstance(info, inspect.IntType | inspect.FloatType):
        name = "a whole number" if isinstance(info, inspect.IntType) else "a number"
        low, high = (info.ge if info.ge is not None else info.gt), (info.le if info.le is not None else info.lt)
        return (f"{name} from {low} to {high}" if info.ge is not None else f"{name} above {low}, at most {high}"), []
    names = {
        inspect.BoolType: "true or false",
        inspect.DecimalType: "a number",
        inspect.DictType: 'a table of "action.id" = "key"',
        inspect.VarTupleType: "a list of texts",
    }
    return names.get(type(info), "text"), []


def _check_keymap(keymap: Mapping[str, str], place: str) -> None:
    if not keymap:
        return
    from stockpulse_engine.actions.registry import ACTIONS

    known = [action.id for action in ACTIONS]
    for action in keymap:
        if action not in known:
            raise _unknown(place, action, known, "action", prefix="ui.keymap.")


def _unknown(place: str, name: str, known: list[str], what: str, *, prefix: str = "") -> ConfigError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        fix = f"Did you mean {near[0]}?"
    elif what == "section":
        fix = f"Expected one of: {', '.join(known)}."
    else:
        fix = (
            f"`sp config show` lists every {what}."
            if what == "setting"
            else "Help (?) on the screen lists every action."
        )
    return ConfigError(f"{place}: {prefix}{name} is not a known {what}.", fix=fix)


def _place(file: str, text: str, section: str, name: str) -> str:
    return f"{file}{_line(text, section, name)}"


def _line(text: str, section: str, name: str) -> str:
    """` line N` of a key or a section's head; empty where it is written in another form."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[\s*([\w.\"-]+)\s*\]", line)
        if head:
            current = head[1].replace('"', "")
            if section.endswith(name) and f"{current}.".startswith(f"{section}."):
                return f" line {number}"
        key = re.match(r"\s*\"?([\w.-]+)\"?\s*=", line)
        if key and current == section and key[1] == name:
            return f" line {number}"
    return ""


def _documentation() -> dict[str, str]:
    """`section.key` → the comment at the head of its paragraph in the documented defaults."""
    docs: dict[str, str] = {}
    for name, whole in _FILES.items():
        file = defaults_dir() / name
        section, comment, is_open = whole, "", False
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
            if line.startswith("["):
                section, comment = line.strip("[] "), ""
            elif line.startswith("#"):
                comment = f"{comment} {line[1:].strip()}".strip() if is_open else line[1:].strip()
            elif "=" in line:
                docs[f"{section}.{line.partition('=')[0].strip()}"] = comment
            else:
                comment = ""
            is_open = line.startswith("#")
    return docs

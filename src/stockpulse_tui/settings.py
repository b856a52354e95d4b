"""How this head looks and where it remembers it: `[ui]` of the user's config, then what was set by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.render.settings import UiSettings

MAX_FILE = 256 * 1024
MAX_RECENT = 50


class HeadState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a head remembers between runs; nothing that matters."""

    ui: dict[str, str | bool] = {}
    """Settings changed by hand."""
    recent: list[str] = []
    """Command lines, newest first."""
    statements: list[str] = []
    """SQL that was run, newest first."""
    instrument_id: str = ""


class Settings:
    """The settings in force, and what is remembered. `problems` are reported, never raised."""

    def __init__(self, ui: UiSettings | None = None, file: Path | None = None) -> None:
        self.ui = ui or UiSettings()
        self.state = HeadState()
        self.problems: list[str] = []
        self.is_first = False
        """Whether no head has run in this home before."""
        self._file = file

    @property
    def motion(self) -> str:
        """on or off."""
        return "on" if self.ui.motion else "off"

    def change(self, name: str, value: str) -> str:
        """Change one setting; returns what is wrong with it, "" when it was taken."""
        if name not in NAMES:
            return f"{name} is not a setting of this head: {', '.join(NAMES)}"
        wanted: str | bool = {"on": True, "off": False}.get(value, value) if name == "motion" else value
        try:
            self.ui = msgspec.convert({**msgspec.to_builtins(self.ui), name: wanted}, UiSettings)
        except msgspec.ValidationError:
            return f"{name} = {value} is not possible: {NAMES[name]}"
        self.state.ui[name] = wanted
        return ""

    def remember(self, line: str) -> None:
        """Put a command line in front of the recent ones."""
        self.state.recent = [line, *(other for other in self.state.recent if other != line)][:MAX_RECENT]

    def save(self) -> None:
        """Write what is remembered."""
        if self._file is not None:
            atomic_write(self._file, msgspec.json.encode(self.state))


NAMES = {
    "theme": "dark, light, dark-cvd, light-cvd, mono, dark-256, light-256 or ansi-16",
    "glyphs": "full, blocks or ascii",
    "motion": "on or off",
    "density": "normal or compact",
}
"""What `:set` changes and the values it takes."""


def load_settings(config_file: Path, state_file: Path) -> Settings:
    """The `[ui]` section, then what was set by hand; whatever can not be read is said and skipped."""
    settings = Settings(file=state_file)
    try:
        table = tomllib.loads(config_file.read_bytes()[:MAX_FILE].decode()).get("ui", {})
        settings.ui = msgspec.convert(table, UiSettings)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        settings.problems.append(f"{config_file.name}: {error}")
    try:
        settings.state = msgspec.json.decode(state_file.read_bytes()[:MAX_FILE], type=HeadState)
    except FileNotFoundError:
        settings.is_first = True
    except (OSError, msgspec.DecodeError) as error:
        settings.problems.append(f"{state_file.name}: {error}")
    for name, value in list(settings.state.ui.items()):
        text = {True: "on", False: "off"}[value] if isinstance(value, bool) else value
        problem = settings.change(name, text)
        if problem:
            settings.problems.append(problem)
    return settings

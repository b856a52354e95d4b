"""The written pages: rooms are on the map, links lead somewhere, shell lines and keys are real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stockpulse_engine.actions.registry import ACTIONS
from tests.hygiene.docs import DOCS, accepts, shell_lines, written_pages
from tests.hygiene.tree import ROOT

ENGINE, TERMINAL = ROOT / "src" / "stockpulse_engine", ROOT / "src" / "stockpulse_tui"
PAGES = written_pages()
KEYS = {key for action in ACTIONS for keys in action.keys.values() for key in keys}
TYPED = {"Backspace", "Space"}
"""Keys of entry fields, which no action has."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def rows_of(heading: str) -> dict[str, list[str]]:
    """Room → its modules, from the table below a heading of the map."""
    text = (DOCS / "map.md").read_text(encoding="utf-8")
    part = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| .+? \|(.*)\|$", part, re.MULTILINE)
    return {room: re.findall(r"`([\w.]+)`", modules) for room, modules in rows}


def rooms_in(package: Path) -> set[str]:
    return {path.name for path in package.iterdir() if (path / "__init__.py").exists()}


def test_every_room_of_the_engine_is_on_the_map_and_nothing_else() -> None:
    single = {path.name for path in ENGINE.glob("*.py")} - {"__init__.py"}
    assert set(rows_of("Rooms of stockpulse_engine, lowest first")) == rooms_in(ENGINE) | single


def test_every_room_of_the_terminal_is_on_the_map_and_nothing_else() -> None:
    assert set(rows_of("Rooms of stockpulse_tui")) == rooms_in(TERMINAL)


def test_every_module_on_the_map_exists() -> None:
    places = [(ENGINE, "Rooms of stockpulse_engine, lowest first"), (TERMINAL, "Rooms of stockpulse_tui")]
    missing = [
        f"{room}/{module}"
        for package, heading in places
        for room, modules in rows_of(heading).items()
        for module in modules
        if not (package / room / module).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [one for one in targets if "://" not in one and not (page.parent / one).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_shell_line_is_accepted_by_the_parser(page: Path) -> None:
    for line in shell_lines(page.read_text(encoding="utf-8")):
        accepts(line)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_key_of_a_tour_is_heard(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    tours = re.findall(r"^\| keys \|.*\n\|[- |]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    pressed = [key for tour in tours for row in tour.splitlines() for key in pressed_keys(row.split("|")[1])]
    assert [key for key in pressed if key not in KEYS | TYPED] == []


def pressed_keys(cell: str) -> list[str]:
    """Keys of the first cell of a tour's row: code spans, but for typed text, which is in quotes."""
    return list(re.findall(r"(?<!“)`([^`]+)`(?!”)", cell))


def test_every_page_can_be_reached_from_the_index() -> None:
    seen: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)#\s:]+)[^)]*\)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / link).resolve() for link in links]
    assert set(DOCS.rglob("*.md")) <= seen

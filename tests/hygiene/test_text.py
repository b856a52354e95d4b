"""What may not be written anywhere: colours outside the theme, places of one machine, hosts of a registry."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hygiene.tree import tracked_files, tracked_texts

THEME_FILES = ("src/stockpulse_engine/render/theme.py", "src/stockpulse_engine/render/palettes.py")
HEX_COLOUR = re.compile(r"(?<![\w&])#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6})\b")
SHORT_HEX_COLOUR = re.compile(r":\s*#[0-9a-fA-F]{3}\b")

# Written in pieces, so that this file does not find itself.
BANNED = re.compile(
    "|".join(
        (
            r"(?<![\w.~-])/" + r"(?:work|root)/",
            r"/opt/" + r"(?:pypi|wheels)",
            r"py" + r"pi\.org",
            r"files\.python" + r"hosted",
            r"artifact" + r"ory",
            r"BRIEF" + r"\.md",
            r"ISSUE" + r"\.md",
            r"\.\./shared/" + r"(?:DESIGN|design/|research/)",
        )
    )
)
DATA = re.compile(r"\.(csv|json|jsonl|svg|ansi|txt|lock)$")


def test_colours_are_named_in_the_theme_alone() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in tracked_texts()
        if name.startswith("src/") and name not in THEME_FILES and name.endswith((".py", ".tcss"))
        for match in HEX_COLOUR.finditer(text)
    ]
    found += [
        f"{name}: {match.group()}"
        for name, text in tracked_texts()
        if name.endswith(".tcss")
        for match in SHORT_HEX_COLOUR.finditer(text)
    ]
    assert found == []


def test_nothing_names_one_machine_or_its_registry() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in tracked_texts()
        if not DATA.search(name)
        for match in BANNED.finditer(text)
    ]
    assert found == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert HEX_COLOUR.search('fg="#1a2b3c"')
    assert not HEX_COLOUR.search("seq #123")
    assert BANNED.search("see /" + "work/main")
    assert not BANNED.search("the network/working orders ~/desk/ a")


def test_every_package_of_tests_is_a_package() -> None:
    missing = {
        path.parent
        for path in tracked_files()
        if path.name.startswith("test_") and path.suffix == ".py" and not (path.parent / "__init__.py").exists()
    }
    assert missing == set[Path]()

"""Finding a study by what was typed so far: its name, another name of it, or a word of what it is."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from stockpulse_engine.actions.studylist import ALIASES, STUDIES


class StudyName(NamedTuple):
    """A study as it is written (`bbands [timeperiod=20] …`), and what it is in a few words."""

    name: str
    syntax: str
    title: str


@cache
def study_names() -> tuple[StudyName, ...]:
    """Every study there is, by name."""
    made = (line.partition("  ") for line in STUDIES.strip().splitlines())
    return tuple(StudyName(syntax.partition(" ")[0], syntax, title) for syntax, _, title in made)


def find_studies(text: str) -> tuple[StudyName, ...]:
    """Studies that fit what was typed, the nearest first; all of them before anything was.

    Once the name is complete and a parameter begins, only that study is left; several words that begin with no name
    are looked for in what the studies are.
    """
    words = text.lower().split()
    if not words:
        return study_names()
    wanted = words[0]
    if len(words) > 1 or text.endswith(" "):
        whole, said = _aliases().get(wanted, wanted), " ".join(words)
        named = tuple(one for one in study_names() if one.name == whole)
        return named or tuple(one for one in study_names() if said in one.title.lower())
    near = [(_distance(one, wanted), one) for one in study_names()]
    return tuple(one for distance, one in sorted(near, key=lambda pair: pair[0]) if distance < _FAR)


def completed(text: str, name: str) -> str:
    """The line with the name in place of what was typed of it, ready for its parameters."""
    _, space, rest = text.lstrip().partition(" ")
    return f"{name} {rest.lstrip()}" if space else f"{name} "


_FAR = 5


def _distance(one: StudyName, wanted: str) -> int:
    """Exact, begins so, another name begins so, a word of the title begins so, it is somewhere inside; else _FAR."""
    if one.name == wanted or _aliases().get(wanted) == one.name:
        return 0
    if one.name.startswith(wanted):
        return 1
    if any(alias.startswith(wanted) for alias, name in _aliases().items() if name == one.name):
        return 2
    title = one.title.lower()
    if any(word.startswith(wanted) for word in title.replace("(", " ").replace("-", " ").split()):
        return 3
    return 4 if len(wanted) > 1 and (wanted in one.name or wanted in title) else _FAR


@cache
def _aliases() -> dict[str, str]:
    """Other names → names."""
    pairs = (pair.split("=") for pair in ALIASES.split())
    return {alias: name for alias, name in pairs}  # noqa: C416 - mypy wants pairs, not lists

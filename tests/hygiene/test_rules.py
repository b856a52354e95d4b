"""The rules themselves: each exception has a reason, each room is covered, lists that must agree do."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.hygiene.tree import ROOT

PYPROJECT = ROOT / "pyproject.toml"
CONFIG: dict[str, Any] = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
ENGINE = ROOT / "src" / "stockpulse_engine"
TUI_MAY_SEE = {"wire", "actions", "render", "client", "domain", "base"}
SERVICES = {"bus", "marketdata", "portfolio", "prediction", "risk", "venue", "trading", "watch", "strategy", "storage"}
PURE_TUI = ("store", "format", "ticket")
"""Modules of the TUI that hold its state and sums: no screen library, so that they are tested without one."""


def rooms() -> set[str]:
    """Names directly below the engine package."""
    packages = {path.name for path in ENGINE.iterdir() if (path / "__init__.py").exists()}
    return packages | {path.stem for path in ENGINE.glob("*.py") if path.stem != "__init__"}


def contract(name: str) -> dict[str, Any]:
    (found,) = (entry for entry in CONFIG["tool"]["importlinter"]["contracts"] if entry["id"] == name)
    return dict(found)


def room_names(modules: list[str]) -> set[str]:
    return {module.removeprefix("stockpulse_engine.") for module in modules}


def imported(path: Path) -> set[str]:
    """First parts of everything a file imports, deferred or not."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_rooms_import_downwards_only() -> None:
    tool = Path(sysconfig.get_path("scripts")) / "lint-imports"
    if not tool.exists():
        pytest.skip("import-linter is not installed in this environment")
    done = subprocess.run([str(tool), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_the_terminal_is_kept_from_every_room_but_its_six() -> None:
    assert room_names(contract("tui")["forbidden_modules"]) == rooms() - TUI_MAY_SEE


def test_every_service_is_kept_from_the_wire() -> None:
    covered = room_names(contract("translate")["source_modules"])
    assert covered == rooms() & (SERVICES | {"adapters"})


def test_composition_covers_whoever_is_built() -> None:
    built = rooms()
    assert room_names(contract("composition")["source_modules"]) == built & {"cli", "daemon", "watchdog"}
    assert room_names(contract("composition")["forbidden_modules"]) == built & {"adapters", "storage", "learning"}


def test_torch_is_named_in_learning_alone() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "src").rglob("*.py"))
        if "learning" not in path.parts and "torch" in imported(path)
    ]
    assert named == []


@pytest.mark.parametrize("module", PURE_TUI)
def test_the_terminals_state_and_sums_know_no_screen(module: str) -> None:
    paths = [ROOT / "src" / "stockpulse_tui" / f"{module}.py", *(ROOT / "src/stockpulse_tui" / module).glob("*.py")]
    leaks = {path.name: imported(path) & {"textual", "rich", "httpx"} for path in paths if path.exists()}
    assert not {name: leak for name, leak in leaks.items() if leak}


def test_every_lint_exception_has_its_reason() -> None:
    section = (
        PYPROJECT.read_text(encoding="utf-8").partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.pydoc")[0]
    )
    exceptions = [line for line in section.splitlines() if re.search(r'"[A-Z]{1,6}\d*"', line) and "select" not in line]
    assert len(exceptions) > 20
    assert [line for line in exceptions if not re.search(r"#\s+\S+\s+\S+", line)] == []


def test_the_extra_dev_mirrors_the_group() -> None:
    assert CONFIG["project"]["optional-dependencies"]["dev"] == CONFIG["dependency-groups"]["dev"]


def test_torch_comes_with_predict_alone() -> None:
    assert not [need for need in CONFIG["project"]["dependencies"] if need.startswith(("torch", "numba"))]
    extras = CONFIG["project"]["optional-dependencies"]
    assert {name for name, needs in extras.items() if any(need.startswith("torch") for need in needs)} == {"predict"}


def test_the_shape_gate_is_kept() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/shape_gate.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


LATER = "todo".upper()
"""Spelled so that the gate does not find this file."""
PLANTED = {
    "src/a/utils.py": '"""Named for nothing."""\n',
    "src/a/bare.py": "x = 1\n",
    "src/a/torn.py": "def (\n",
    "src/a/long.py": '"""Long."""\n' + "x = 1\n" * 601,
    "src/a/app.py": '"""The app."""\n' + "x = 1\n" * 301,
    "src/a/stub.py": f'"""A stub."""\n\nx = 1  # {LATER}: the rest\n',
    "src/a/quiet.py": '"""Quiet."""\n\nimport os  # no' + "qa: F401\n",
    "src/a/deep.py": '"""Deep."""\n\n\ndef f() -> None:\n    """Go on."""\n' + "    x = 1\n" * 70,
    "src/a/dumb.py": '"""Dumb."""\n\n\ndef says_nothing() -> None:\n    pass\n',
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_shape_gate_finds_what_is_planted(name: str, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "shape_gate.py", tmp_path / "scripts")
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(PLANTED[name], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "scripts/shape_gate.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert name in done.stdout

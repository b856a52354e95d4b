"""Jobs from the command line over a real home: done once, reported, backed up; a broken journal stops the day."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home")


def test_what_is_due_is_done_once_and_remembered(shell: Shell) -> None:
    assert "never" in shell("jobs", "list").out
    first = shell("jobs", "run", "--due", "--json")
    assert {run["job"] for run in first.data} == {"eod", "backfill", "backup", "tail", "prune", "report"}
    assert {run["state"] for run in first.data} == {"DONE"}
    again = {run["job"] for run in shell("jobs", "run", "--due", "--json").data}
    assert again <= {"tail", "backup"}, "but for what the next minute or hour brought"
    assert {run["job"] for run in shell("jobs", "status", "--json").data} == {run["job"] for run in first.data}
    assert "take in what was recorded" in shell("jobs", "log", "eod").out
    assert list((shell.home / "data" / "backups").glob("stockpulse-*.tar.gz"))
    assert "## History held" in next((shell.home / "data" / "reports").glob("*.md")).read_text()


def test_a_run_is_named_by_its_key_and_done_again_only_when_asked(shell: Shell) -> None:
    assert shell("jobs", "run", "report", "--key", "2013-10-07").code == 0
    done = shell("jobs", "run", "report", "--key", "2013-10-07")
    assert done.code
    assert "--again" in done.err
    assert shell("jobs", "run", "report", "--key", "2013-10-07", "--again").code == 0
    assert (shell.home / "data" / "reports" / "2013-10-07.md").read_text().startswith("# 2013-10-07")


def test_a_failed_run_exits_with_its_reason_and_is_tried_again(shell: Shell) -> None:
    backups = shell.home / "data" / "backups"
    backups.parent.mkdir(parents=True)
    backups.write_text("in the way")
    failed = shell("jobs", "run", "backup")
    assert failed.code
    assert "data/backups" in failed.err
    assert shell("jobs", "status", "backup", "--json").data[0]["state"] == "FAILED"
    backups.unlink()
    assert shell("jobs", "run", "backup").code == 0
    assert shell("jobs", "status", "backup", "--json").data[0]["tries"] == 2


def test_wrong_words_are_said_with_the_right_ones(shell: Shell) -> None:
    assert "eod, backfill, backup" in shell("jobs", "run", "eodd").err
    assert "--due" in shell("jobs", "run").err
    assert "never" not in shell("jobs", "status").err


def test_what_would_be_installed_is_shown_and_not_written_without_a_yes(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    shown = shell("jobs", "install", "--systemd")
    assert shown.code
    assert "OnCalendar" in shown.out
    assert not (tmp_path / "xdg").exists()
    assert shell("jobs", "install", "--systemd", "--yes").code == 0
    assert (tmp_path / "xdg" / "systemd" / "user" / "stockpulse-jobs.timer").exists()
    assert shell("jobs", "install", "--systemd", "--yes", "--remove").code == 0
    assert not list((tmp_path / "xdg" / "systemd" / "user").iterdir())

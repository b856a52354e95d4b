"""Lines for cron and units for systemd that call `sp jobs run --due` every minute.

One line is enough: what is due is decided in market time by the jobs' own schedules, so half days, holidays and summer
time need no second crontab, and a machine that slept makes up for what it missed. Pure text; nothing is written here.
"""

from __future__ import annotations

from shlex import quote

EVERY_MINUTE = "* * * * *"
BEGIN, END = "# stockpulse jobs: begin", "# stockpulse jobs: end"


def cron_block(command: str, home: str) -> str:
    """The lines for a crontab, between marks by which they are found again."""
    call = f"{quote(command)}{f' --home {quote(home)}' if home else ''} jobs run --due"
    # A percent sign ends a command in a crontab.
    line = f"{EVERY_MINUTE} {call} >/dev/null 2>&1".replace("%", r"\%")
    return f"{BEGIN}\n{line}\n{END}\n"


def with_block(crontab: str, block: str) -> str:
    """A crontab with our block in it once, whatever it held of ours before; "" as block takes it out."""
    kept: list[str] = []
    inside = False
    for line in crontab.splitlines():
        if line.strip() == BEGIN:
            inside = True
        elif line.strip() == END:
            inside = False
        elif not inside:
            kept.append(line)
    body = "\n".join(kept).rstrip("\n")
    return f"{body}\n{block}" if body else block


def systemd_units(command: str, home: str) -> dict[str, str]:
    """A service and its timer, by file name."""
    call = f"{_unit_word(command)}{f' --home {_unit_word(home)}' if home else ''} jobs run --due"
    service = (
        f"[Unit]\nDescription=StockPulse jobs that are due\n\n[Service]\nType=oneshot\nExecStart={call}\nNice=10\n"
    )
    timer = (
        "[Unit]\nDescription=StockPulse jobs, every minute\n\n"
        "[Timer]\nOnCalendar=minutely\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
    )
    return {"stockpulse-jobs.service": service, "stockpulse-jobs.timer": timer}


def _unit_word(text: str) -> str:
    """One word of an ExecStart line: quoted, with systemd's own signs doubled."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(char in escaped for char in ' \t"\\') else escaped

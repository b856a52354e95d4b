"""Running, catching up with and stopping jobs, by key or by name: `RUNJOB backup`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_engine.client.jobs import job_log, jobs, run_job, stop_job
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.jobs import JobView
from stockpulse_engine.render.format import zone_label
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.handlers import Handler
from stockpulse_tui.job_rows import moment, percent
from stockpulse_tui.widgets.confirm import Confirm
from stockpulse_tui.widgets.overlay import Sheet

if TYPE_CHECKING:
    from stockpulse_engine.client.call import Call
    from stockpulse_engine.domain.jobs import JobStarted
    from stockpulse_tui.screens.jobs import JobsScreen

_TIMER: tuple[tuple[str, str], ...] = (
    ("sp jobs install", "one line for your crontab, which looks every minute for what is due"),
    ("sp jobs install --systemd", "the same as a user's timer"),
    ("sp jobs install --remove", "takes it out again"),
)


class JobsHandler(Handler):
    """What happens to jobs. Without a name the one under the cursor of the jobs screen is meant."""

    def do_screen_jobs(self) -> None:
        """The jobs."""
        self.shell.show_view("screen.jobs")

    def do_job_run(self) -> None:
        """Run what is due; when nothing is, ask whether the newest run shall be done again."""
        self._with_job(self._run)

    def do_job_catch_up(self) -> None:
        """Run what was missed."""
        self._with_job(self._catch_up)

    def do_job_stop(self) -> None:
        """Ask, then stop."""
        self._with_job(self._stop)

    def do_job_log(self) -> None:
        """The log on the whole screen, or back; by name from anywhere."""
        name = self._named()
        screen = self._screen()
        if screen is not None:
            if name:
                screen.choose(name)
            screen.toggle_log()
            return

        def show() -> None:
            opened = self._screen()
            if opened is not None:
                opened.choose(name or opened.feed.chosen)
                opened.toggle_log()

        self.shell.show_view("screen.jobs", then=show)

    def do_job_timer(self) -> None:
        """Lines for cron and systemd."""
        lines: list[Line] = [(Span("Jobs start when something looks for them. From a shell:"),), ()]
        for command, words in _TIMER:
            lines += [(Span(command, "strong", bold=True),), (Span(f"  {words}", "muted"),)]
        lines += [(), (Span("Each shows what it will write and asks. Other lines of the crontab stay as they are."),)]
        self.shell.windows.open(Sheet("What starts jobs", lines))

    # --- which one ----------------------------------------------------------------------------------------

    def _screen(self) -> JobsScreen | None:
        from stockpulse_tui.screens.jobs import JobsScreen

        view = self.shell.view
        return view if isinstance(view, JobsScreen) else None

    def _named(self) -> str:
        words = self.shell.command.arguments if self.shell.command else ()
        return words[0].lower() if words else ""

    def _with_job(self, act: JobAct) -> None:
        screen, name = self._screen(), self._named()
        found = screen.job_named(name) if screen is not None else None
        if found is not None:
            act(found)
        elif not name and screen is not None:
            self.shell.notify_line("the jobs are not read yet", "warn")
        elif not name:
            self.shell.notify_line("which job? JB lists them", "warn")
        else:
            self.shell.in_background(self._look_up(name, act))

    async def _look_up(self, name: str, act: JobAct) -> None:
        try:
            view = await self.shell.link.commands.send(jobs())
            found = next((one for one in view.jobs if one.name == name), None)
            if found is None:
                await self.shell.link.commands.send(job_log(name, 1))  # the engine says which there are
                return
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")
            return
        act(found)

    # --- doing it -----------------------------------------------------------------------------------------

    def _run(self, job: JobView) -> None:
        if job.state == "running":
            self.shell.notify_line(f"{job.name} runs already, {percent(job)}% done", "warn")
        elif job.missed or job.last is None:
            self._send(job.name, run_job(job.name), "started")
        else:
            screen = self._screen()
            zone = screen.feed.view.zone if screen is not None and screen.feed.view is not None else "UTC"
            at = moment(job.last.ended_ns, self.shell.clock.now_ns(), zone)
            self.shell.windows.open(
                Confirm(
                    f"Run {job.name} again",
                    (
                        f"Nothing is due: the run {job.last.key} ended at {at} {zone_label(zone)}.",
                        "It is done once more; whatever it made before is made anew.",
                    ),
                    "runs it again",
                    lambda: self._send(job.name, run_job(job.name, is_again=True), "started again"),
                )
            )

    def _catch_up(self, job: JobView) -> None:
        if not job.missed:
            self.shell.notify_line(f"{job.name} has missed nothing")
        else:
            self._send(job.name, run_job(job.name), f"catches up with {job.missed}")

    def _stop(self, job: JobView) -> None:
        if job.state != "running":
            self.shell.notify_line(f"{job.name} does not run")
            return
        sentences = ("It stops at its next safe place; nothing stays half done.", "It is not tried again by itself.")
        work = stop_job(job.name)
        self.shell.windows.open(
            Confirm(f"Stop {job.name}", sentences, "stops it", lambda: self._send(job.name, work, "is asked to stop"))
        )

    def _send(self, name: str, call: Call[JobStarted], words: str) -> None:
        self.shell.in_background(self._sending(name, call, words))

    async def _sending(self, name: str, call: Call[JobStarted], words: str) -> None:
        try:
            started = await self.shell.link.commands.send(call)
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")
            return
        self.shell.notify_line(f"{name} {words}, process {started.pid}")
        screen = self._screen()
        if screen is not None:
            screen.feed.ask()


if TYPE_CHECKING:
    from collections.abc import Callable

    JobAct = Callable[[JobView], None]

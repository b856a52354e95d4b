"""The market's pace and the engine's world: pause, step, speed, replay of recorded days."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import wrap

from msgspec.structs import replace

from stockpulse_engine.actions.worldline import (
    WorldLine,
    is_days,
    parse_replay,
    parse_seek,
    parse_speed,
    parse_step,
    parse_world,
)
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, StockPulseError
from stockpulse_engine.domain.views import ClockView
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.handlers import Handler
from stockpulse_tui.painter import cells

MAX_PATHS = 200
SECOND_NS = 1_000_000_000


class WorldHandler(Handler):
    """What is left alone in a live world: there the market is nobody's to steer."""

    # -- pace

    def do_market_pause(self) -> None:
        """Pause; the key runs a paused market again, the code PAUSE never does."""
        clock = self._clock()
        if clock is None:
            return
        if clock.is_paused and self.shell.command is None:
            self._control("resume")
        elif clock.is_paused:
            self.shell.notify_line("the market is paused already; RUN lets it go on")
        else:
            self._control("pause")

    def do_market_run(self) -> None:
        """Go on."""
        if self._clock() is not None:
            self._control("resume")

    def do_market_step(self) -> None:
        """A step, by a second or what was said."""
        clock = self._clock()
        if clock is None:
            return
        try:
            step_ns = parse_step(self._words())
        except InvalidValueError as error:
            self.shell.notify_line(str(error), "warn")
            return
        self._control("step", step_ns=step_ns, is_running=not clock.is_paused)

    def do_market_speed(self) -> None:
        """`SPEED 10`."""
        clock = self._clock()
        if clock is None:
            return
        try:
            speed = parse_speed(self._words())
        except InvalidValueError as error:
            self.shell.notify_line(f"{error} Now it is {clock.speed:g}×.", "warn")
            return
        self._control("speed", speed=speed)

    def do_market_seek(self) -> None:
        """`SEEK 11:30`."""
        clock = self._clock()
        if clock is None:
            return
        try:
            to_ns = parse_seek(self._words(), self.shell.status.market_ns(), clock.time_zone)
        except InvalidValueError as error:
            self.shell.notify_line(str(error), "warn")
            return
        self._control("seek", to_ns=to_ns)

    def do_market_record(self) -> None:
        """`RECORD morning`, `RECORD stop`."""
        words = self._words()
        if not words:
            self.shell.notify_line("RECORD name begins, RECORD stop ends it; REPLAY name plays it again", "warn")
            return
        self.shell.in_background(self._record(words), is_intent=True)

    async def _record(self, words: str) -> None:
        commands = self.shell.link.commands
        try:
            if words == "stop":
                ended = await commands.stop_recording()
                self.shell.notify_line(f"recorded {ended.events:,} events; REPLAY {ended.name} plays them again")
            else:
                begun = await commands.start_recording(words)
                self.shell.notify_line(f"recording {begun.name}; RECORD stop ends it")
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")

    def _clock(self) -> ClockView | None:
        """The market's clock where it can be steered; says why not otherwise."""
        clock = self.shell.live.clock
        if clock is None:
            self.shell.notify_line("no market time is known yet", "warn")
        elif clock.world == "live":
            self.shell.notify_line("a live market goes at its own pace", "warn")
        else:
            return clock
        return None

    def _words(self) -> str:
        return " ".join(self.shell.command.arguments) if self.shell.command else ""

    def _control(
        self, action: str, *, speed: float = 1.0, step_ns: int = 0, to_ns: int = 0, is_running: bool = False
    ) -> None:
        self.shell.in_background(self._ask(action, speed, step_ns, to_ns, is_running=is_running), is_intent=True)

    async def _ask(self, action: str, speed: float, step_ns: int, to_ns: int, *, is_running: bool) -> None:
        commands = self.shell.link.commands
        try:
            if is_running:
                await commands.control_market("pause")
            view = await commands.control_market(action, speed=speed, step_ns=step_ns, to_ns=to_ns)
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")
            return
        if action not in ("step", "seek"):  # it is played after its answer; the stream tells when
            self.shell.live.clock = view
        self.shell.redraw_chrome()
        self.shell.notify_line(_done(action, view, step_ns))

    # -- worlds

    def do_world_replay(self) -> None:
        """`REPLAY witness ticks/*.parquet at '2013-10-07 10:00' speed 10`."""
        self._move(parse_replay)

    def do_world_gaps(self) -> None:
        """What this replay plays, and what is missing."""
        health = self.shell.live.health
        source = health.feed.source if health is not None else None
        if source is None or not (source.played or source.gaps):
            self.shell.notify_line("nothing is replayed from the store here: REPLAY 2013-10-07", "warn")
            return
        from stockpulse_tui.widgets.overlay import Sheet

        lines: list[Line] = []
        for title, tone, said in (("missing", "warn", source.gaps or ("nothing",)), ("played", "text", source.played)):
            lines.append((Span(title, "strong"),))
            for words in said:
                lines += [(Span(row, tone),) for row in wrap(cells(clean_line(words, 300)), Sheet.wide - 6)]
            lines.append(())
        self.shell.windows.open(Sheet("What this replay plays", lines))

    def do_world_change(self) -> None:
        """`WORLD sim`, `WORLD live`."""
        self._move(parse_world)

    def _move(self, parse: Callable[[str], WorldLine]) -> None:
        command = self.shell.command
        text = command.line.partition(" ")[2] if command is not None else ""
        try:
            wanted = with_files(parse(text))
        except StockPulseError as error:
            self.shell.notify_line(str(error), "warn")
            return
        self._confirm(wanted)

    def _confirm(self, wanted: WorldLine) -> None:
        from stockpulse_tui.widgets.confirm import Confirm

        shell = self.shell
        now = shell.live.clock.world if shell.live.clock else "its world"
        view = shell.live.account
        working = view.working_orders if view else 0
        orders = f"its paper orders ({working} working)" if working else "its paper orders"
        sentences = [
            f"The engine stops in order and starts in {wanted.world}: {wanted.sentence()}.",
            f"What was traded in {now} stays there: {orders}, money and positions, until you come back.",
            "Every head that is attached follows. Armed heads are safe afterwards.",
        ]
        shell.windows.open(Confirm(f"Move to {cells(wanted.world)}", sentences, "moves", lambda: self._go(wanted)))

    def _go(self, wanted: WorldLine) -> None:
        if self.shell.status.moving:
            self.shell.notify_line(f"the engine is on its way to {self.shell.status.moving} already", "warn")
            return
        self.shell.in_background(self._change(wanted))

    async def _change(self, wanted: WorldLine) -> None:
        shell = self.shell
        status = shell.status
        world_now = shell.live.clock.world if shell.live.clock else ""
        status.moving = wanted.world
        try:
            await shell.link.change_world(wanted.arguments(), world_now, status.link_changed)
        except StockPulseError as error:
            self._tell_failure(wanted, world_now, error)
        else:
            days = is_days(wanted.world.partition(":")[2])
            shell.notify_line(f"the engine is in {wanted.world}{'; GAPS says what of it is missing' if days else ''}")
        finally:
            status.moving = ""
            status.on_second()

    def _tell_failure(self, wanted: WorldLine, world_now: str, error: StockPulseError) -> None:
        from stockpulse_tui.widgets.overlay import Sheet

        lines: list[Line] = [
            (Span(row, "text"),) for row in wrap(cells(clean_line(error.message, 600)), Sheet.wide - 6)
        ]
        lines += [(), (Span(cells(clean_line(error.fix, 200)), "strong"),), ()]
        lines += [(Span(f"The engine was started in {world_now or 'its world'} again; nothing is lost.", "text"),)]
        self.shell.windows.open(Sheet(f"! {cells(wanted.world)} could not be started", lines))


def with_files(wanted: WorldLine) -> WorldLine:
    """The line with its paths made whole: `~`, relative ones and patterns.

    Raises:
        NotFoundError: nothing is there.
    """
    name = wanted.world.partition(":")[2]
    is_known = not name or bool(wanted.paths) or is_days(name) or (resolve_paths().recordings / name).is_dir()
    if not is_known:
        fix = "Name days (2013-10-07), files, or a session of sp record list."
        raise NotFoundError(f"{wanted.world} has nothing to play.", fix=fix)
    found: list[str] = []
    for text in wanted.paths:
        path = Path(text).expanduser().absolute()
        is_pattern = any(letter in text for letter in "*?[") and not path.exists()
        hits = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor)))) if is_pattern else [path]
        hits = [hit for hit in hits if hit.exists()]
        if not hits:
            words = f"There is nothing at {clean_line(str(path), 120)}."
            raise NotFoundError(words, fix="Name Parquet or CSV files, or a directory of them.")
        found += map(str, hits)
    if len(found) > MAX_PATHS:
        raise InvalidValueError(f"{len(found)} files are too many.", fix=f"Name at most {MAX_PATHS}.")
    return replace(wanted, paths=tuple(found))


def _done(action: str, view: ClockView, step_ns: int) -> str:
    if action == "step":
        return f"the market moves on by {step_ns // SECOND_NS} s and stands still"
    if action == "seek":
        return "the market is played on to that time; orders fill on the way as at any speed"
    if action == "pause":
        return "the market stands still; , or RUN lets it go on, . steps by a second"
    return f"the market runs at {view.speed:g}×"

"""The state of the link and what the chrome is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.render.format import format_age
from stockpulse_tui.clockface import market_now
from stockpulse_tui.painter import cells
from stockpulse_tui.store import BOOKS, MARKET
from stockpulse_tui.widgets.header import HeaderFacts, frame_tokens
from stockpulse_tui.widgets.health import HealthFacts

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

LIVE, LOST, STARTING, READ_ONLY = "live", "lost", "starting", "read-only"
SILENT = "silent"
"""Shown while the link stands and nothing comes: the engine tells its health every second."""
SILENT_NS, FROZEN_NS = 3_000_000_000, 6_000_000_000
SETTLE_NS = 1_000_000_000
"""After the link stands so long its frames carry ticks: before, they carry the state so far."""


class Status:
    """Link state with its words and age; facts for header and health."""

    def __init__(self, shell: StockPulseApp) -> None:
        self._shell = shell
        self.state = STARTING
        self.text = "looking for the engine"
        self.drops = 0
        """How often the stream broke or had to begin again."""
        self.moving = ""
        """The world the engine is on its way to, "" while it stays."""
        self.is_latched = False
        self.is_drilling = False
        """A drill runs beside this head."""
        """Whether this head set the halt latch and the engine has not said so yet."""
        self._seen_ns = 0
        self._told_ns = dict.fromkeys((MARKET, BOOKS), 0)
        """When each part was last known to be what the engine says."""
        self._live_ns = 0
        self._seconds = 0

    def frame_seen(self, *, is_reset: bool = False) -> None:
        """A frame came: the engine lives. What it says of the trading state counts once it has seen the latch."""
        if self.is_latched and (is_reset or self._shell.live.state is TradingState.HALTED):
            self.is_latched = False
        self._seen_ns = self._shell.clock.now_ns()
        for part in (MARKET, BOOKS):
            if part not in self._shell.live.before:
                self._told_ns[part] = self._seen_ns
        self._shell.latency.is_settling = 0 <= self._seen_ns - self._live_ns < SETTLE_NS

    def link_changed(self, state: str, text: str) -> None:
        """The link says how it is; the screen says it in words at once."""
        if self.state in (LIVE, READ_ONLY) and state not in (LIVE, READ_ONLY):
            self.drops += 1
        if state in (LIVE, READ_ONLY) and self.state not in (LIVE, READ_ONLY):
            self._live_ns, self._shell.latency.is_settling = self._shell.clock.now_ns(), True
        self.state, self.text = state, clean_line(text, 120)
        if not self._shell.screen_stack:  # the head is leaving
            return
        self._show_banner()
        self._shell.redraw_chrome()
        self._shell.view.on_second()
        self._shell.windows.on_store()

    def on_second(self) -> None:
        """Ages move on; what the next start shows is saved every minute."""
        self._seconds += 1
        self._show_banner()
        if self._seconds % 60 == 0 and (problem := self._shell.leaving.save()):
            self._shell.notify_line(problem, "warn")

    def lost_ns(self) -> int:
        """How long ago orders and positions were as shown: the engine is lost, or starts again; -1 while they are."""
        return self._age_of(BOOKS)

    def _age_of(self, part: str) -> int:
        is_known = self.state != LOST and part not in self._shell.live.before
        if is_known or not self._seen_ns:
            return -1
        return max(0, self._shell.clock.now_ns() - self._told_ns[part])

    def prices_lost_ns(self) -> int:
        """How long no price is known to hold: the engine is lost, or it hears nothing of its feed; -1 while they do."""
        lost, health = self._age_of(MARKET), self._shell.live.health
        if self._shell.rewind.is_past:
            return -1
        if lost >= 0 or health is None:
            return lost
        feed = next((part for part in health.parts if part.name == "feed"), None)
        return feed.age_ns if feed is not None and feed.state in ("late", "gone") else -1

    def silent_ns(self) -> int:
        """How long an attached engine has said nothing, 0 while that is no longer than it may be."""
        if self.state not in (LIVE, READ_ONLY) or not self._seen_ns:
            return 0
        age = self._shell.clock.now_ns() - self._seen_ns
        return age if age >= SILENT_NS else 0

    @property
    def words(self) -> str:
        """The link in one sentence, for empty panes."""
        health = self._shell.live.health
        if health is not None and health.step:
            return cells(clean_line(health.step, 120))
        return cells(self.text)

    @property
    def is_market_open(self) -> bool:
        """Whether quotes are expected now."""
        clock = self._shell.store.clock
        return clock is not None and clock.phase == MarketPhase.OPEN.value and not clock.is_paused

    def market_ns(self) -> int:
        """Market time now."""
        return market_now(self._shell.store.clock, self._shell.clock)

    def armed_until(self) -> int:
        """Wall time until which this head sends by keys; 0 while safe or lost."""
        shell = self._shell
        arm = shell.live.arm_of(shell.link.head_id)
        if arm is None or self.state != LIVE or arm.until_ns <= shell.clock.now_ns():
            return 0
        return arm.until_ns

    def header(self) -> HeaderFacts:
        """What the header is drawn from."""
        shell, store, live = self._shell, self._shell.store, self._shell.live
        view = store.account
        at_risk = live.account
        return HeaderFacts(
            account=view,
            state=TradingState.HALTED if self.is_latched else live.state,
            armed_until=self.armed_until(),
            wall_ns=shell.clock.now_ns(),
            market_ns=self.market_ns(),
            clock=store.clock,
            unknown=max(len(live.unknown_orders()), at_risk.unknown_orders if at_risk else 0),
            working=view.working_orders if view else 0,
            alerts=len(live.alerts),
            is_lost=self.state == LOST or self.silent_ns() > 0 or bool(live.before),
            is_read_only=self.state == READ_ONLY or live.is_read_only,
            rewound=shell.rewind.is_past,
            is_drilling=self.is_drilling,
        )

    def health(self) -> HealthFacts:
        """What the health line is drawn from."""
        shell = self._shell
        health = shell.live.health
        return HealthFacts(
            parts=health.parts if health else (),
            link_state=SILENT if self.silent_ns() and not shell.live.before else self.state,
            link_text=cells(self.text),
            link_age_ns=max(self.silent_ns(), self.lost_ns(), 0),
            step=health.step if health else "",
            p50_ns=shell.latency.percentile(0.5),
            p99_ns=shell.latency.percentile(0.99),
            dropped=self.drops,
            frame=frame_tokens(self.header()),
        )

    def _show_banner(self) -> None:
        screen = self._shell.shell_screen
        trouble, past = self._trouble(), self._shell.rewind.banner()
        if past is not None:
            what, works, then = past
            screen.banner.say(cells(what), cells(trouble[0] if trouble else works), cells(then), is_past=True)
        elif trouble is not None:
            screen.banner.say(*trouble)
        screen.show_banner(trouble is not None or past is not None)

    def _watchdog(self) -> str:
        """What the process beside the engine has said since we last heard of the engine itself; "" when nothing."""
        words = self._shell.link.last_alarm(self._seen_ns)
        return f"watchdog: {cells(words)}" if words else ""

    def _trouble(self) -> tuple[str, str, str] | None:
        """What is broken, what still works, when it is tried again; None while all is well."""
        health = self._shell.live.health
        gone = [part for part in (health.parts if health else ()) if part.state == "gone"]
        if self.state == LOST and self._shell.live.seq and not self.moving:
            age = format_age(max(0, self.lost_ns()))
            halted = "The latch is set: no order leaves. " if self.is_latched else ""
            then = self._watchdog() or "Prices are frozen. It is asked again by itself; :engine starts it."
            return (f"The engine has not answered for {age}.", f"{halted}{then}", cells(self.text))
        if self.moving:
            return (f"The engine moves to {cells(self.moving)}.", cells(self.text), "nothing here is live")
        if self._shell.live.before:
            step = f": {self.words}" if health is not None and health.step else ""
            then = f"What is grey is as it was {format_age(max(0, self.lost_ns()))} ago."
            return (f"The engine starts{step}.", then, "")
        if self.silent_ns() >= FROZEN_NS:
            what = f"The engine has been silent for {format_age(self.silent_ns())}."
            brake = "The latch is set: no order leaves." if self.is_latched else "!! still halts."
            return (what, f"{self._watchdog() or 'What is shown is as old as that.'} {brake}", "")
        if self.state == READ_ONLY:
            return ("This head is read-only.", cells(self.text), "")
        if gone:
            what = f"{cells(clean_line(gone[0].name, 24))} is gone."
            return (what, cells(clean_line(gone[0].detail, 100)) or "What it fed turns grey with its age.", "")
        return None

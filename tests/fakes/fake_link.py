"""A link without an engine: frames made from a seed, commands remembered, answers as the engine would give them."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any, cast

from stockpulse_engine.base.clock import Clock, ManualClock
from stockpulse_engine.client.call import Call
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType, TradingState
from stockpulse_engine.domain.brokers import BrokerView, LiveView
from stockpulse_engine.domain.errors import ForbiddenError, StockPulseError
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase, NewsItem, Quote
from stockpulse_engine.domain.recordings import RecordingView
from stockpulse_engine.domain.views import (
    AccountView,
    ArmView,
    ClockView,
    Explanation,
    HaltView,
    HealthView,
    PartHealth,
    PositionView,
)
from stockpulse_engine.wire.codec import decode_answer
from stockpulse_engine.wire.rest import ArmLive, UnlockBrokers
from stockpulse_engine.wire.sql import SqlRequest, SqlTable, SqlView
from stockpulse_engine.wire.stream import Frame
from stockpulse_tui.ports import Commands, OnFrame, OnState
from tests.fakes.fake_comparing import FakeComparing
from tests.fakes.fake_history import FakeHistory
from tests.fakes.fake_jobs import FakeJobs
from tests.fakes.fake_risk import FakeRisk

T0 = 1_795_188_727_412_000_000
"""Friday 20 November 2026, 10:32:07 in New York."""
CLOSE = 1_795_208_400_000_000_000
ZERO = Decimal(0)

_LIST = (
    ("AAPL", "XNAS", "Apple Inc", "tech", "232.12", "0.44"), ("MSFT", "XNAS", "Microsoft Corp", "tech", "418.36", "-0.63"),
    ("NVDA", "XNAS", "NVIDIA Corp", "tech", "148.90", "2.47"), ("SPY", "ARCX", "SPDR S&P 500 ETF", "index", "588.42", "0.39"),
    ("QQQ", "XNAS", "Invesco QQQ", "index", "506.71", "0.66"), ("TSLA", "XNAS", "Tesla Inc", "auto", "336.15", "2.04"),
    ("AMD", "XNAS", "Advanced Micro Devices", "tech", "139.77", "-2.22"), ("GOOGL", "XNAS", "Alphabet Inc A", "tech", "176.48", "0.32"),
    ("META", "XNAS", "Meta Platforms", "tech", "561.09", "-1.01"), ("AMZN", "XNAS", "Amazon.com", "retail", "205.63", "0.50"),
    ("XOM", "XNYS", "Exxon Mobil", "energy", "117.46", "-0.63"), ("JPM", "XNYS", "JPMorgan Chase", "banks", "242.91", "0.56"),
    ("BRK.B", "XNYS", "Berkshire Hathaway B", "banks", "469.85", "-0.16"), ("GLD", "ARCX", "SPDR Gold Shares", "macro", "251.33", "0.18"),
    ("TLT", "XNAS", "iShares 20+ Year Treasury", "macro", "90.274", "-0.37"), ("COIN", "XNAS", "Coinbase Global", "crypto", "318.77", "5.90"),
    ("PLTR", "XNAS", "Palantir", "tech", "65.42", "4.04"), ("KO", "XNYS", "Coca-Cola", "staples", "62.18", "-0.21"),
    ("F", "XNYS", "Ford Motor", "auto", "10.985", "-0.50"), ("GS", "XNYS", "Goldman Sachs Group", "banks", "588.02", "0.71"),
    ("BAC", "XNYS", "Bank of America", "banks", "46.31", "0.12"), ("WFC", "XNYS", "Wells Fargo", "banks", "74.20", "-0.33"),
    ("CVX", "XNYS", "Chevron", "energy", "160.25", "-0.85"), ("COP", "XNYS", "ConocoPhillips", "energy", "110.40", "-1.62"),
    ("PFE", "XNYS", "Pfizer", "health", "25.71", "0.08"), ("JNJ", "XNYS", "Johnson & Johnson", "health", "153.90", "0.27"),
    ("UNH", "XNYS", "UnitedHealth", "health", "601.44", "1.12"), ("PG", "XNYS", "Procter & Gamble", "staples", "171.05", "-0.05"),
    ("PEP", "XNAS", "PepsiCo", "staples", "158.66", "-0.48"), ("WMT", "XNYS", "Walmart", "retail", "87.90", "0.91"),
    ("COST", "XNAS", "Costco", "retail", "929.75", "0.20"), ("GM", "XNYS", "General Motors", "auto", "55.12", "1.85"),
    ("IBM", "XNYS", "IBM", "tech", "214.11", "-0.09"), ("INTC", "XNAS", "Intel", "tech", "24.44", "-3.10"),
    ("CAT", "XNYS", "Caterpillar", "industry", "386.50", "0.00"), ("BA", "XNYS", "Boeing", "industry", "145.60", "-0.72"),
)  # fmt: skip
HELD = {"MSFT": 24, "NVDA": 80, "SPY": 30, "TSLA": -20, "AMD": 35, "XOM": 40, "BRK.B": 6, "GLD": 15}


class FakeMarket:
    """36 instruments that move by a seed."""

    def __init__(self, clock: Clock, seed: int = 7) -> None:
        self.clock = clock
        self.rng = random.Random(seed)
        self.instruments = tuple(_instrument(row) for row in _LIST)
        self.last = {i.instrument_id: Decimal(row[4]) for i, row in zip(self.instruments, _LIST, strict=True)}
        self.references = {
            i.instrument_id: self._reference(Decimal(row[4]), Decimal(row[5]))
            for i, row in zip(self.instruments, _LIST, strict=True)
        }
        self.sparks = {
            i.instrument_id: self._spark(float(row[5])) for i, row in zip(self.instruments, _LIST, strict=True)
        }
        self.state = TradingState.ACTIVE
        self.arms: tuple[ArmView, ...] = ()
        self.seq = 0
        self.world, self.speed, self.is_paused = "sim", 1.0, False
        self.kind = AccountKind.PAPER

    def _reference(self, last: Decimal, percent: Decimal) -> tuple[str, str, str]:
        close = (last / (1 + percent / 100)).quantize(Decimal("0.0001"))
        spread = last * Decimal(self.rng.uniform(0.003, 0.02)).quantize(Decimal("0.0001"))
        place = Decimal(self.rng.random()).quantize(Decimal("0.0001"))
        low = min(last, last - spread * place)
        return str(close), str(low), str(low + spread)

    def _spark(self, percent: float) -> tuple[float, ...]:
        value, out = 100.0, []
        for _ in range(8):
            value += percent / 8 + self.rng.gauss(0, 0.2)
            out.append(value)
        return tuple(out)

    def quote(self, instrument: Instrument, ts: int) -> Quote:
        """The quote around the last price."""
        last, tick = self.last[instrument.instrument_id], instrument.tick_size
        bid = (last / tick).to_integral_value() * tick
        size = Decimal(self.rng.randrange(1, 40) * 100)
        return Quote(instrument.instrument_id, bid, bid + tick, size, size, ts, "sim", last, Decimal(9_000_000))

    def snapshot(self) -> Frame:
        """Everything at this moment."""
        now = self.clock.now_ns()
        self.seq += 1
        return Frame(
            seq=self.seq,
            sent_at=now,
            kind="snapshot",
            instruments=self.instruments,
            quotes=tuple(self.quote(i, now) for i in self.instruments),
            references=self.references,
            sparks=self.sparks,
            statuses=tuple(InstrumentStatus(i.instrument_id, MarketPhase.OPEN, False, now) for i in self.instruments),
            news=tuple(news(now)),
            positions=tuple(self.positions()),
            accounts=(self.account(),),
            arms=self.arms,
            clock=self.clock_view(),
            health=self.health(),
        )

    def move(self, count: int = 12) -> Frame:
        """A delta in which `count` prices moved."""
        now = self.clock.now_ns()
        moved = self.rng.sample(self.instruments, min(count, len(self.instruments)))
        for instrument in moved:
            step = self.rng.choice((-3, -2, -1, 1, 2, 3)) * instrument.tick_size
            self.last[instrument.instrument_id] = max(instrument.tick_size, self.last[instrument.instrument_id] + step)
        return self.delta(quotes=tuple(self.quote(i, now) for i in moved))

    def delta(self, **changes: object) -> Frame:
        """A delta with these fields."""
        self.seq += 1
        return Frame(seq=self.seq, sent_at=self.clock.now_ns(), **changes)  # type: ignore[arg-type] # fields of Frame

    def positions(self) -> list[PositionView]:
        """What is held."""
        by_symbol = {i.symbol: i for i in self.instruments}
        return [_position(by_symbol[symbol], Decimal(quantity), self.last) for symbol, quantity in HELD.items()]

    def account(self) -> AccountView:
        """The account `main`."""
        return AccountView(
            account=Account(
                account_id="main", kind=self.kind, account_type=AccountType.MARGIN, currency="USD",
                initial_cash=Decimal(100_000),
            ),
            cash=Decimal("36491.16"), reserved=Decimal("10402.50"), equity=Decimal("104812.40"),
            market_value=Decimal("68321.24"), gross_exposure=Decimal("81753.67"), net_exposure=Decimal("68128.06"),
            buying_power=Decimal("71204.33"), realized=Decimal("1902.10"), unrealized=Decimal("2910.32"),
            day_pnl=Decimal("80.77"), fees=Decimal("12.40"), equity_open=Decimal("104731.63"),
            maintenance_margin=Decimal(20_000), margin_call=ZERO, loss_left=Decimal(1438), unknown_orders=0,
            working_orders=5, stale_marks=0, reconciled_at=T0, reconciled_wall=T0,
        )  # fmt: skip

    def clock_view(self) -> ClockView:
        """An open session."""
        now = self.clock.now_ns()
        return ClockView(
            world=self.world, market_ns=now, wall_ns=now, speed=self.speed, is_paused=self.is_paused, session_date="2026-11-20",
            phase="OPEN", time_zone="America/New_York", next_change_ns=CLOSE, next_phase="CLOSED",
        )  # fmt: skip

    def halt(self) -> HaltView:
        """The trading state."""
        return HaltView(state=self.state, reason="", since=T0, actor="", is_latched=self.state is TradingState.HALTED)

    def health(self) -> HealthView:
        """Everything well."""
        parts = (
            PartHealth(name="feed", state="ok", age_ns=180_000_000),
            PartHealth(name="broker", state="ok", age_ns=400_000_000),
            PartHealth(name="engine", state="ok", age_ns=2_000_000),
            PartHealth(name="redis", state="off"),
        )
        return HealthView(
            status="ok", version="0.1.0", protocol=1, world=self.world, pid=1, started_at=T0, ready_at=T0, step="",
            parts=parts, heads=1, journal_seq=1, journal_digest="", halt=self.halt(), clock=self.clock_view(),
        )  # fmt: skip


class FakeCommands:
    """Remembers what was asked and answers as the engine would."""

    def __init__(self, link: FakeLink) -> None:
        self.link = link
        self.asked: list[tuple[str, ...]] = []
        self.history = FakeHistory()
        self.jobs = FakeJobs()
        self.risk = FakeRisk()
        self.comparing = FakeComparing([])

    async def send(self, call: Call[Any]) -> Any:
        """Requests that few panes make: those about jobs."""
        self.asked.append(("send", call.path))
        parts = call.path.split("/")
        if parts[2] == "brokers":
            return self._about_brokers(call)
        if parts[2] == "live":
            return await self._about_live(call)
        if parts[2] in ("risk", "limits"):
            return await self._about_risk(call)
        if parts[2] in ("reconcile", "orders"):
            return self._about_doubt(call)
        assert parts[2] == "jobs", call.path
        if len(parts) == 3:
            return await self.jobs.view()
        if parts[4] == "log":
            return await self.jobs.log(parts[3], int(call.query["limit"]))
        if parts[4] == "stop":
            return await self.jobs.stop(parts[3])
        return await self.jobs.run(parts[3], is_again=call.body.is_again)

    def _about_doubt(self, call: Call[Any]) -> Any:
        """The broker's figures, and a person's word on them or on an order: remembered, and taken."""
        self.asked.append((call.path, getattr(call.body, "how", ""), getattr(call.body, "reason", "")))
        if call.path.startswith("/v1/orders"):
            return None
        self.comparing.waiting = None if call.path.endswith("explain") else self.comparing.waiting
        return list(self.comparing.views())

    async def _about_risk(self, call: Call[Any]) -> Any:
        if call.path == "/v1/risk":
            return self.risk.view()
        if call.path == "/v1/limits":
            return await self.risk.set_limit(call.body, "tui", may_raise=call.role == "admin")
        if call.path == "/v1/limits/withdraw":
            return await self.risk.withdraw(call.body.change_id, "tui")
        return await self.risk.release(call.body, "tui")

    async def run_sql(self, asked: SqlRequest) -> SqlTable:
        """What the fake of stored history says."""
        self.asked.append(("sql", asked.statement))
        answer: SqlTable = decode_answer(await self.history.sql(asked), SqlTable)
        return answer

    async def sql_views(self) -> list[SqlView]:
        """Its views."""
        self.asked.append(("views",))
        return list(await self.history.sql_views())

    async def universe_symbols(self, name: str) -> list[str]:
        """Its members."""
        found = await self.history.universe(name, "", takes_todays=False)
        return [one.symbol for one in found.members]

    async def set_halt(
        self, action: str, *, reason: str = "", word: str = "", account_id: str = "", request_id: str = ""
    ) -> HaltView:
        """halt, reduce, flatten, resume with its word."""
        self.asked.append((action, word))
        if action in ("flatten", "resume") and word != action.upper():
            raise ForbiddenError(f"The word is {action.upper()}.", fix="Nothing was changed.")
        market = self.link.market
        market.state = {"halt": TradingState.HALTED, "reduce": TradingState.REDUCING}.get(action, TradingState.ACTIVE)
        self.link.send(market.delta(halt=market.halt()))
        return market.halt()

    async def arm(self, account_id: str, minutes: int = 30, request_id: str = "") -> list[ArmView]:
        """Arm or disarm this head."""
        self.asked.append(("arm", account_id, str(minutes)))
        until = self.link.market.clock.now_ns() + minutes * 60_000_000_000
        arms = (ArmView(head_id=self.link.head_id, account_id=account_id, until_ns=until),) if minutes else ()
        self.link.market.arms = arms
        self.link.send(self.link.market.delta(arms=arms))
        return list(arms)

    def _about_brokers(self, call: Call[Any]) -> list[BrokerView]:
        """Opened by `open sesame please` alone."""
        body: UnlockBrokers = call.body
        if body.passphrase != "open sesame please":
            raise ForbiddenError("The passphrase is wrong.")
        names = body.names or ("practice",)
        kind = AccountKind.LIVE if body.with_live else AccountKind.PAPER
        return [BrokerView(name=one, adapter="alpaca", mode=kind, state="joined", place="file") for one in names]

    async def _about_live(self, call: Call[Any]) -> LiveView:
        """Armed by the letters 0817 alone."""
        body: ArmLive = call.body
        if body.suffix != "0817":
            raise ForbiddenError("Those are not the last letters of the account's number.")
        await self.arm(body.account_id, body.minutes)
        return LiveView(account_id=body.account_id, broker="money", is_armed=True, letters=4, cap=body.cap)

    async def control_market(
        self, action: str, *, speed: float = 1.0, step_ns: int = 0, to_ns: int = 0, request_id: str = ""
    ) -> ClockView:
        """Speed, pause, resume, step, seek: as the venue does it."""
        self.asked.append((action, f"{speed:g}", str(to_ns or step_ns)))
        market = self.link.market
        if action == "speed":
            market.speed = speed
        elif action in ("step", "seek"):
            self.link.send(market.delta(clock=market.clock_view()))
        else:
            market.is_paused = action == "pause"
        return market.clock_view()

    async def start_recording(self, name: str, request_id: str = "") -> RecordingView:
        """Notes what was asked."""
        self.asked.append(("record", name, ""))
        return a_recording(name, "recording")

    async def stop_recording(self, request_id: str = "") -> RecordingView:
        """Notes what was asked."""
        self.asked.append(("record", "stop", ""))
        return a_recording("morning", "whole")

    async def explain(self, name: str, instrument_id: str = "") -> Explanation:
        """How a cell is made."""
        self.asked.append(("explain", name, instrument_id))
        return Explanation(
            name=name, value="232.12", source="sim venue", age_ns=180_000_000, formula="(last / close - 1) × 100",
            inputs={"last": "232.12", "close": "231.10"},
        )  # fmt: skip


class FakeLink:
    """Feeds the shell by hand (`send`), or by itself every `period_s`."""

    def __init__(self, clock: Clock | None = None, *, period_s: float = 0.0, moves: int = 12) -> None:
        self.market = FakeMarket(clock or ManualClock(T0))
        self.fake_commands = FakeCommands(self)
        self.topics: tuple[str, ...] = ()
        self.alarm = ""
        self._period_s = period_s
        self._moves = moves
        self._on_frame: OnFrame | None = None
        self._on_state: OnState | None = None
        self.moved: list[tuple[str, ...]] = []
        """Arguments of each move to another world."""
        self.refuses: StockPulseError | None = None
        self.latched: list[str] = []
        """Why the halt latch was set, each time."""
        self.latch_problem = ""
        self.is_late = False
        """The engine is still starting: nothing comes until the snapshot is sent by hand."""

    @property
    def head_id(self) -> str:
        """Always the same."""
        return "head-1"

    @property
    def commands(self) -> Commands:
        """What was asked is remembered; only what the shell itself asks for is answered."""
        return cast("Commands", self.fake_commands)

    async def run(self, on_frame: OnFrame, on_state: OnState) -> None:
        """Snapshot, then deltas while a period is set."""
        self._on_frame, self._on_state = on_frame, on_state
        if self.is_late:
            on_state("starting", "the engine starts")
            await asyncio.Event().wait()
        on_state("live", "")
        on_frame(self.market.snapshot())
        while self._period_s:
            await asyncio.sleep(self._period_s)
            on_frame(self.market.move(self._moves))
        await asyncio.Event().wait()

    def last_alarm(self, since: int) -> str:
        """What the test says the watchdog said."""
        return self.alarm

    async def latch(self, reason: str) -> str:
        """Remember why; `latch_problem` is what a broken disk would say."""
        if not self.latch_problem:
            self.latched.append(reason)
        return self.latch_problem

    def subscribe(self, topics: tuple[str, ...]) -> None:
        """Remember them."""
        self.topics = topics

    async def start_engine(self, on_state: OnState) -> None:
        """It comes back at once."""
        on_state("live", "")
        self.send(self.market.snapshot())

    async def change_world(self, arguments: tuple[str, ...], world_now: str, on_state: OnState) -> None:
        """It is there at once, with a snapshot of that world; `refuses` makes it fail."""
        self.moved.append(arguments)
        on_state("starting", "stopping the engine")
        await asyncio.sleep(0)
        if self.refuses is not None:
            on_state("live", "")
            raise self.refuses
        self.market.world = arguments[1]
        on_state("live", "")
        self.send(self.market.snapshot())

    def report_latency(self, tick_to_cell_ns: int) -> None:
        """Nobody listens."""

    def send(self, frame: Frame) -> None:
        """One frame, as if it came from the engine."""
        assert self._on_frame is not None
        self._on_frame(frame)

    def say(self, state: str, text: str) -> None:
        """The link changed."""
        assert self._on_state is not None
        self._on_state(state, text)


def news(now: int) -> list[NewsItem]:
    """A few headlines, oldest first."""
    rows = (
        ("Recall filed, 41k vehicles", "F.XNYS", 0), ("Volumes at eleven-month high, desk note", "COIN.XNAS", 1),
        ("Inventory build larger than expected", "XOM.XNYS", -1), ("30-year auction 14:00 ET, size unchanged", "TLT.XNAS", 0),
        ("Antitrust inquiry widened to bundling terms", "MSFT.XNAS", -1),
        ("Cloud capex plans lifted at two hyperscalers", "NVDA.XNAS", 1), ("Supplier guides Q1 above its range", "AAPL.XNAS", 1),
    )  # fmt: skip
    return [
        NewsItem(text, (instrument,), now - (len(rows) - i) * 300_000_000_000, "wire", tone)
        for i, (text, instrument, tone) in enumerate(rows)
    ]


def _instrument(row: tuple[str, str, str, str, str, str]) -> Instrument:
    symbol, venue, name, sector, last, _ = row
    places = len(last.partition(".")[2])
    return Instrument(
        instrument_id=f"{symbol}.{venue}", name=name, asset_class=AssetClass.EQUITY, currency="USD",
        tick_size=Decimal(1).scaleb(-places), sector=sector, average_daily_volume=Decimal(30_000_000),
    )  # fmt: skip


def _position(instrument: Instrument, quantity: Decimal, last: dict[str, Decimal]) -> PositionView:
    mark = last[instrument.instrument_id]
    cost = (mark * Decimal("0.97")).quantize(Decimal("0.01"))
    return PositionView(
        account_id="main", instrument_id=instrument.instrument_id, quantity=quantity, average_cost=cost, mark=mark,
        mark_ts=T0, mark_source="sim", value=quantity * mark, unrealized=quantity * (mark - cost), realized=ZERO,
        day_pnl=quantity * Decimal("0.5"), fees=Decimal(1), weight=abs(quantity * mark) / Decimal(104_812),
    )  # fmt: skip


def a_recording(name: str, state: str) -> RecordingView:
    """A recorded session of the simulated market."""
    return RecordingView(
        name=name, state=state, world="sim", started_at=1, first_ns=1, last_ns=2, events=1234, bytes=5678
    )

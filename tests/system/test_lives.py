"""The lives of docs/lives.md, followed on a real engine: every numbered step there has its check here, and the other way."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.adapters.paper.broker import PaperBroker
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.flagfile import FlagFile
from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.jobs import job_log, jobs, run_job
from stockpulse_engine.client.stream import LIVE, LinkState, StreamLink
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import ConflictError, DeniedError
from stockpulse_engine.domain.jobs import JobView
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.domain.views import AccountView, HealthView, OrderLife, PositionView
from stockpulse_engine.storage.head import HeadFile
from stockpulse_engine.wire.rest import SubmitAnswer
from stockpulse_engine.wire.stream import Frame
from stockpulse_tui.pace import PERIOD_S
from stockpulse_tui.store import Store
from tests.system.process import EngineProcess

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "lives.md").read_text(encoding="utf-8")
WAIT_S = 20.0
F = "F.XNYS"


@dataclass(frozen=True)
class Step:
    """One numbered step of the page."""

    name: str
    modules: tuple[str, ...]
    journal: tuple[str, ...]
    hops: tuple[str, ...]


def steps_of(life: str) -> list[Step]:
    """The steps below a heading of the page."""
    part = PAGE.partition(f"## {life}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^(\d+)\. \*\*(.+?)\*\*(.*)$", part, re.MULTILINE)
    assert [int(number) for number, _, _ in lines] == list(range(1, len(lines) + 1)), "numbered from 1"
    return [
        Step(
            name,
            tuple(re.findall(r"`(stockpulse_\w+[\w.]*)`", text)),
            tuple(re.findall(r"[Jj]ournal `(\w+)`", text)),
            tuple(re.findall(r"[Hh]op `(\w+)`", text)),
        )
        for _, name, text in lines
    ]


def test_every_module_of_a_life_exists() -> None:
    named = [
        module
        for life in ("A quote", "An order", "A crash", "A batch job")
        for step in steps_of(life)
        for module in step.modules
    ]
    assert len(named) > 30
    assert [module for module in named if importlib.util.find_spec(module) is None] == []


def walk(life: str, checks: dict[str, Callable[[], bool]]) -> None:
    """Check every step of the page in its order; both sides must name the same ones."""
    assert [step.name for step in steps_of(life)] == list(checks)
    for name, holds in checks.items():
        assert holds(), f"{life}: {name}"


class Head:
    """A head that follows the stream in the background and keeps what it was sent."""

    def __init__(self, engine: EngineProcess) -> None:
        self.link = StreamLink(engine.paths)
        self.store = Store()
        self.sessions: list[list[Frame]] = []
        self.states: list[str] = []
        self.folds_right = True
        self._news = asyncio.Event()

    async def follow(self) -> None:
        """Fold frames until canceled."""
        async for event in self.link.events():
            if isinstance(event, LinkState):
                self.states.append(event.state)
            else:
                self._take(event)
            self._news.set()

    def _take(self, frame: Frame) -> None:
        if frame.kind == "snapshot":
            self.sessions.append([])
        self.sessions[-1].append(frame)
        changes = self.store.apply(frame)
        named = {quote.instrument_id for quote in frame.quotes}
        stored = all(self.store.quotes[quote.instrument_id] == quote for quote in frame.quotes)
        self.folds_right = self.folds_right and stored and named <= changes.quotes | set(self.store.quotes)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a frame or state after which `holds`."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self._news.clear()
                await self._news.wait()

    @property
    def frames(self) -> list[Frame]:
        """All frames of all sessions."""
        return [frame for session in self.sessions for frame in session]

    def states_of(self, key: str) -> list[OrderStatus]:
        """What this head was told about an order, in order."""
        return [order.status for frame in self.frames for order in frame.orders if order.client_order_id == key]


@asynccontextmanager
async def attached(engine: EngineProcess) -> AsyncIterator[Head]:
    """A head that follows the engine for a while."""
    head = Head(engine)
    task = asyncio.get_running_loop().create_task(head.follow())
    try:
        yield head
    finally:
        await head.link.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def command(key: str, *, limit: str = "", quantity: int = 10) -> SubmitOrder:
    """Buy some of a cheap one; without a limit at the market."""
    terms = OrderTerms(
        account_id="main",
        instrument_id=F,
        side=Side.BUY,
        quantity=Decimal(quantity),
        order_type=OrderType.LIMIT if limit else OrderType.MARKET,
        limit_price=Decimal(limit) if limit else None,
    )
    return SubmitOrder(client_order_id=key, terms=terms, allow_duplicate=True)


async def venue_count(engine: EngineProcess, key: str) -> int:
    """How many orders the venue ever made for an id: the witness."""
    broker = PaperBroker(engine.paths.venue_socket("sim"), WallClock())
    await broker.connect()
    try:
        return (await broker.count_orders(key))[0]
    finally:
        await broker.close()


def venue_pid(engine: EngineProcess) -> int:
    holder = lock_holder(engine.paths.venue("sim") / "venue.lock")
    return holder.pid if holder else 0


def refusal(client: BlockingClient, order: SubmitOrder) -> DeniedError | ConflictError | None:
    """How the engine refuses an order, None when it does not."""
    try:
        client.submit_order(order)
    except (DeniedError, ConflictError) as error:
        return error
    return None


def is_sound(quote: Quote) -> bool:
    return Decimal(0) < quote.bid <= quote.ask


@pytest.mark.timeout(120)
async def test_the_life_of_a_quote(home: Path) -> None:
    with EngineProcess(home) as engine, engine.client("viewer") as client:
        async with attached(engine) as head:
            await head.until(lambda: sum(bool(frame.quotes) for frame in head.frames) > 10)
            known = {quote.instrument_id: quote for quote in client.quotes()}
            health = client.health()
        frames = head.sessions[0]
        walk(
            "A quote",
            {
                "The venue makes it": lambda: venue_pid(engine) not in (0, engine.pid),
                "The adapter reads it": lambda: any(p.name == "feed" and p.detail == "venue" for p in health.parts),
                "The feed judges it": lambda: all(is_sound(quote) for quote in known.values()) and len(known) >= 30,
                "The cache stores it, then the bus publishes it": lambda: _stored_is_not_older(frames, known),
                "The hub conflates it": lambda: all(_names_each_once(frame) for frame in frames),
                "The outbox numbers the frame": lambda: [f.seq for f in frames] == list(range(1, len(frames) + 1)),
                "The client checks the numbers": lambda: head.states == ["connecting", LIVE],
                "The store folds it": lambda: head.folds_right,
                "The board paints what changed": lambda: PERIOD_S >= 1 / 40,
            },
        )


def _stored_is_not_older(frames: list[Frame], known: dict[str, Quote]) -> bool:
    """What was published before the question is in the answer, or something newer."""
    early = [quote for frame in frames[:5] for quote in frame.quotes]
    return all(known[quote.instrument_id].ts_event >= quote.ts_event for quote in early)


def _names_each_once(frame: Frame) -> bool:
    return len({quote.instrument_id for quote in frame.quotes}) == len(frame.quotes)


@dataclass
class OrderStory:
    """What was seen while an order lived."""

    sentence: str = ""
    answer: SubmitAnswer | None = None
    again: SubmitAnswer | None = None
    conflict: object = None
    denied: object = None
    denied_steps: tuple[str, ...] = ()
    head_seq: int = 0
    latched: object = None
    latched_count: int = -1
    count: int = -1
    life: OrderLife | None = None
    account: AccountView | None = None
    positions: list[PositionView] = field(default_factory=list)


@pytest.mark.timeout(120)
async def test_the_life_of_an_order(home: Path) -> None:
    with EngineProcess(home) as engine, engine.client() as client:
        async with attached(engine) as head:
            await head.until(lambda: bool(head.frames))
            story = await live_through(engine, client, head)
        life = story.life
        assert life is not None
        assert story.answer is not None
        assert story.account is not None
        kinds = [step.step for step in life.steps]
        page = steps_of("An order")
        assert kinds == [kind for step in page for kind in step.journal if kind != "DENY"], "the page's journal"
        assert list(life.hops) == [hop for step in page for hop in step.hops], "the page's hops"
        (fill,) = life.fills
        walk(
            "An order",
            {
                "The line is read": lambda: "Buy 10 F at market, day order" in story.sentence,
                "The intent gets one id": lambda: (
                    story.again is not None
                    and story.again.orders[0].client_order_id == "L1"
                    and isinstance(story.conflict, ConflictError)
                ),
                "The gate judges it": lambda: (
                    isinstance(story.denied, DeniedError)
                    and story.denied.denial == "MAX_QUANTITY"
                    and story.denied_steps == ("DENY",)
                ),
                "The intent is made durable": lambda: story.head_seq >= life.steps[0].seq > 0,
                "The last function before the venue looks once more": lambda: story.latched_count == 0,
                "The venue takes it": lambda: story.count == 1 and bool(life.order.venue_order_id),
                "The market executes it": lambda: life.order.status is OrderStatus.FILLED and bool(fill.fill_id),
                "The ledger posts it": lambda: _is_posted(story, life),
                "Every head is told": lambda: _was_told(head, "L1", fill.fill_id),
                "It can be asked why": lambda: life.is_verified and all(step.sentence for step in life.steps),
            },
        )


async def live_through(engine: EngineProcess, client: BlockingClient, head: Head) -> OrderStory:
    """One order from its line to its ledger entry, beside one refused, one repeated and one stopped by the latch."""
    story = OrderStory()
    story.sentence = (await asyncio.to_thread(engine.sp, "buy", "F", "10", answer="")).stderr
    story.answer = client.submit_order(command("L1"))
    head_file = HeadFile(engine.paths.journal_head("sim")).read()
    story.head_seq = head_file.seq if head_file else 0
    story.again = client.submit_order(command("L1"))
    story.conflict = refusal(client, command("L1", quantity=11))
    story.denied = refusal(client, command("L2", quantity=20_000))
    story.denied_steps = tuple(step.step for step in client.order_life("L2").steps)
    await head.until(lambda: OrderStatus.FILLED in head.states_of("L1"))
    story.count = await venue_count(engine, "L1")
    story.life = client.order_life("L1")
    story.account, story.positions = client.account(), client.positions()
    FlagFile(engine.paths.latch, WallClock()).set("set by hand", "test")
    story.latched = refusal(client, command("L3"))
    story.latched_count = await venue_count(engine, "L3")
    return story


def _is_posted(story: OrderStory, life: OrderLife) -> bool:
    (held,) = story.positions
    (fill,) = life.fills
    assert story.account is not None
    spent = Decimal(100_000) - story.account.cash
    return (
        held.quantity == fill.quantity
        and spent
        == fill.quantity * fill.price + fill.fee
        == held.quantity * (held.average_cost or 0) + story.account.fees
    )


def _was_told(head: Head, key: str, fill_id: str) -> bool:
    told = head.states_of(key)
    fills = [fill.fill_id for frame in head.frames for fill in frame.fills]
    wanted = [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.FILLED]
    return [status for status in told if status in wanted] == wanted and fills.count(fill_id) == 1


@pytest.mark.timeout(120)
async def test_the_life_of_a_crash(home: Path) -> None:
    with EngineProcess(home) as engine:
        with engine.client() as client:
            client.submit_order(command("R1", limit="1"))
        async with attached(engine) as head:
            await head.until(lambda: OrderStatus.ACCEPTED in head.states_of("R1"))
            with engine.client() as client:
                before, seq = client.account(), client.health().journal_seq
            venue = venue_pid(engine)
            await asyncio.to_thread(engine.kill)
            survivor = venue_pid(engine)
            client = await asyncio.to_thread(engine.start)
            await head.until(lambda: len(head.sessions) > 1)
            with client:
                log = client.log(after_seq=seq)
                after, order, health = client.account(), client.order("R1"), client.health()
                proof = client.verify_log()
            count = await venue_count(engine, "R1")
        kinds = [entry.kind for entry in log]
        assert kinds[:2] == [kind for step in steps_of("A crash") for kind in step.journal], "the page's journal"
        walk(
            "A crash",
            {
                "The engine is killed": lambda: survivor == venue != 0,
                "The next start is the recovery": lambda: _counts_one_kill(health, log[0].sentence),
                "The venue is asked": lambda: log[1].sentence.endswith("no fill was missed; all equal."),
                "Everything is still there": lambda: (
                    (before.cash, before.reserved) == (after.cash, after.reserved)
                    and order.status is OrderStatus.ACCEPTED
                    and count == 1
                ),
                "The head comes back by itself": lambda: head.states[-1] == LIVE and head.sessions[-1][0].seq == 1,
                "The chain proves it": lambda: proof.is_ok and proof.entries == proof.head_seq,
            },
        )


def _counts_one_kill(health: HealthView, sentence: str) -> bool:
    return health.kills_survived == 1 and sentence.endswith("after it had been killed.")


@pytest.mark.timeout(180)
async def test_the_life_of_a_batch_job(home: Path) -> None:
    with EngineProcess(home) as engine, engine.client() as client:

        def report() -> JobView:
            return next(job for job in client.send(jobs()).jobs if job.name == "report")

        before = report()
        started = client.send(run_job("report"))
        assert wait_until(lambda: report().last is not None, 60.0)
        assert wait_until(lambda: lock_holder(engine.paths.state / "jobs" / "locks" / "report.lock") is None, 60.0)
        first = report()
        last = first.last
        assert last is not None
        key = ("jobs", "run", "report", "--key", "2013-10-07")
        tries = await asyncio.gather(*(asyncio.to_thread(engine.sp, *key) for _ in range(3)))
        lines = client.send(job_log("report", 50)).lines
        shown = await asyncio.to_thread(engine.sp, "jobs", "list")
        pages = sorted(page.name for page in (engine.paths.data / "reports").glob("*.md"))
        walk(
            "A batch job",
            {
                "Something looks for what is due": lambda: started.pid not in (0, engine.pid),
                "The calendar says what is due": lambda: before.missed == 1 and first.missed == 0,
                "One process takes the lock and the run key": lambda: sum(done.returncode == 0 for done in tries) == 1,
                "It works on the stores": lambda: pages == ["2013-10-07.md", f"{last.key}.md"],
                "How it ended is a row": lambda: last.state == "DONE" and sum("done" in line for line in lines) == 2,
                "Every head can see it": lambda: first.results == ("DONE",) and "2013-10-07" in shown.stdout,
            },
        )

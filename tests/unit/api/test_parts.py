"""The small parts: rate, replays, arms, problem documents, shared bytes."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.api.arms import Arms
from stockpulse_engine.api.frames import FrameMaker, seal
from stockpulse_engine.api.limits import RateLimiter
from stockpulse_engine.api.pending import Pending
from stockpulse_engine.api.problems import problem_of
from stockpulse_engine.api.replays import Replays
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain import errors
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, InvalidValueError, UnavailableError
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.wire.codec import decode_frame, encode_packed
from stockpulse_engine.wire.rest import RequestId
from tests.fakes.fake_engine import NOW, account, depth, quote, terms

SECOND = 1_000_000_000
PAPER, LIVE = account("main"), account("real", AccountKind.LIVE)


@given(st.lists(st.integers(0, 2 * SECOND), min_size=1, max_size=300))
def test_no_second_grants_more_than_a_bucket_and_what_flowed_in(gaps: list[int]) -> None:
    clock = ManualClock()
    limiter = RateLimiter(clock, rate=10)
    granted: list[int] = []
    for gap in gaps:
        clock.advance(gap // 50)
        if limiter.take("token") == 0:
            granted.append(clock.monotonic_ns())
    for start in granted:
        assert sum(start <= at <= start + SECOND for at in granted) <= 20


def test_a_refusal_says_how_long_to_wait_and_waiting_helps() -> None:
    clock = ManualClock()
    limiter = RateLimiter(clock, rate=2)
    assert [limiter.take("a"), limiter.take("a")] == [0.0, 0.0]
    wait_s = limiter.take("a")
    assert 0 < wait_s <= 0.5
    assert limiter.take("b") == 0.0
    clock.advance(round(wait_s * SECOND))
    assert limiter.take("a") == 0.0


async def test_a_request_under_way_is_waited_for_not_repeated() -> None:
    replays, gate, runs = Replays(), asyncio.Event(), []

    async def act() -> int:
        runs.append(1)
        await gate.wait()
        return len(runs)

    body = RequestId(request_id="r")
    both = asyncio.gather(*(replays.once("x", "r", body, act) for _ in range(3)))
    await asyncio.sleep(0)
    gate.set()
    assert await both == [1, 1, 1]
    with pytest.raises(ConflictError):
        await replays.once("x", "r", RequestId(request_id="other"), act)


async def test_a_failed_request_may_be_tried_again_and_all_who_waited_hear_of_it() -> None:
    replays, answers = Replays(), [UnavailableError("not now"), None]

    async def act() -> str:
        await asyncio.sleep(0)
        error = answers.pop(0)
        if error is not None:
            raise error
        return "done"

    body = RequestId(request_id="r")
    first = await asyncio.gather(*(replays.once("x", "r", body, act) for _ in range(2)), return_exceptions=True)
    assert [type(one) for one in first] == [UnavailableError, UnavailableError]
    assert await replays.once("x", "r", body, act) == "done"


async def test_the_memory_of_requests_is_bounded() -> None:
    replays, runs = Replays(limit=3), []

    async def act() -> None:
        runs.append(1)

    for number in (1, 2, 3, 4, 1):
        await replays.once("x", str(number), RequestId(request_id=str(number)), act)
    assert len(runs) == 5


def test_many_heads_may_be_armed_for_paper_but_one_for_live() -> None:
    clock = ManualClock()
    changes: list[int] = []
    armed = {"real"}
    arms = Arms(clock, lambda: changes.append(1), is_live=armed.__contains__)
    for head in ("a", "b"):
        arms.arm(head, PAPER, 30)
    arms.arm("a", LIVE, 60)
    with pytest.raises(ConflictError, match="Head a"):
        arms.arm("b", LIVE, 60)
    arms.arm("a", LIVE, 120)
    arms.disarm("a", "real")
    arms.arm("b", LIVE, 60)
    arms.require("b", LIVE)
    arms.require("nobody", PAPER)
    with pytest.raises(ForbiddenError):
        arms.require("a", LIVE)
    assert len(changes) == 6
    armed.clear()
    with pytest.raises(ForbiddenError, match="not armed for real"):
        arms.require("b", LIVE)


@pytest.mark.covers("R11")
def test_a_head_is_armed_for_live_only_while_the_order_service_is_and_all_commands_are_one_head() -> None:
    armed: set[str] = set()
    arms = Arms(ManualClock(), lambda: None, is_live=armed.__contains__)
    with pytest.raises(ForbiddenError, match="it takes its amount"):
        arms.arm("cli-1", LIVE, 60)
    armed.add("real")
    arms.arm("cli-1", LIVE, 60)
    arms.require("cli-2", LIVE)
    with pytest.raises(ConflictError, match="Head cli"):
        arms.refuse_second_live("tui-1")
    arms.disarm_account("")
    with pytest.raises(ForbiddenError):
        arms.require("cli-2", LIVE)


def test_arming_ends_by_itself() -> None:
    clock = ManualClock()
    arms = Arms(clock, lambda: None)
    arms.arm("a", PAPER, 1)
    assert arms.next_end_ns() == clock.now_ns() + 60 * SECOND
    clock.advance(60 * SECOND - 1)
    assert arms.is_armed("a", "main")
    clock.advance(1)
    assert not arms.is_armed("a", "main")
    assert arms.views() == ()


@pytest.mark.parametrize("minutes", [0, -1, 31])
def test_paper_is_armed_for_thirty_minutes_at_most(minutes: int) -> None:
    with pytest.raises(InvalidValueError):
        Arms(ManualClock(), lambda: None).arm("a", PAPER, minutes)


def test_every_error_of_the_family_has_a_status_and_only_faults_of_ours_are_500() -> None:
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.StockPulseError):
            error = kind("m", denial="D") if kind is errors.DeniedError else kind("m")
            document = problem_of(error)
            assert document.code == kind.code
            assert (document.status == 500) == (document.detail != "m")


@given(st.text(max_size=100))
def test_no_path_of_this_machine_survives_in_a_problem(text: str) -> None:
    document = problem_of(InvalidValueError(f"{text} /home/me/secret/place.db {text}"))
    assert "/home/me" not in document.detail
    assert "/secret/" not in document.detail


def test_routes_and_ratios_survive_in_a_problem() -> None:
    said = problem_of(InvalidValueError("See /v1/orders/preview or /openapi.json, 3/4 of it.")).detail
    assert said == "See /v1/orders/preview or /openapi.json, 3/4 of it."


TOPICS = ("quotes", "quote:AAPL.XNAS", "quote:MSFT.XNAS", "depth:AAPL.XNAS", "orders", "news")


@given(st.sets(st.sampled_from(TOPICS)), st.integers(0, 40), st.integers(0, 70_000))
def test_a_sealed_frame_is_what_a_plain_encoding_would_be(topics: set[str], count: int, seq: int) -> None:
    pending = Pending()
    for number in range(count):
        pending.quotes[f"I{number}.XNAS"] = quote(f"I{number}.XNAS")
    pending.quotes["AAPL.XNAS"] = quote()
    pending.depths["AAPL.XNAS"] = depth()
    pending.orders = [Order(client_order_id=str(number), terms=terms()) for number in range(count)]
    body = FrameMaker(pending).body(frozenset(topics))
    frame = decode_frame(seal(body, seq=seq, sent_at=NOW))
    assert frame.seq == seq
    wanted = (
        set(pending.quotes)
        if "quotes" in topics
        else {"AAPL.XNAS"} & {t.partition(":")[2] for t in topics if t[:6] == "quote:"}
    )
    assert {one.instrument_id for one in frame.quotes} == wanted
    assert frame.orders == (tuple(pending.orders) if "orders" in topics else ())
    assert bool(frame.depths) == ("depth:AAPL.XNAS" in topics)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(frame), type=type(frame)) == frame


def test_a_value_two_topic_sets_want_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from stockpulse_engine.api import frames

    pending = Pending()
    pending.quotes = {f"I{number}.XNAS": quote(f"I{number}.XNAS", bid=str(Decimal(number + 1))) for number in range(50)}
    encoded: list[object] = []

    def counted(value: object) -> bytes:
        encoded.append(value)
        return encode_packed(value)

    monkeypatch.setattr(frames, "encode_packed", counted)
    maker = FrameMaker(pending)
    bodies = [
        maker.body(frozenset({"quotes"})),
        maker.body(frozenset({"quotes"})),
        maker.body(frozenset({"quotes", "depth:I1.XNAS"})),
        maker.body(frozenset({"quote:I1.XNAS"})),
    ]
    assert bodies[0] is bodies[1]
    assert sum(type(value).__name__ == "Quote" for value in encoded) == 50


def test_a_halt_takes_every_arming_away() -> None:
    changes: list[int] = []
    arms = Arms(ManualClock(), lambda: changes.append(1))
    arms.arm("a", PAPER, 30)
    arms.arm("b", PAPER, 30)
    arms.disarm_all()
    arms.disarm_all()
    assert arms.views() == ()
    assert len(changes) == 3, "told once when it happened"

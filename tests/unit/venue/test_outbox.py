"""A slow reader gets the newest of everything; reports are never lost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stockpulse_engine.domain.market import NewsItem, Quote, Trade
from stockpulse_engine.domain.orders import OrderEventKind
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.desk import AccountReport
from stockpulse_engine.venue.outbox import MarketOutbox, ReportOutbox


def quote(name: str, bid: int) -> Quote:
    return Quote(name, Decimal(bid), Decimal(bid + 1), Decimal(1), Decimal(1), bid)


def test_a_quick_reader_gets_everything_in_order() -> None:
    outbox = MarketOutbox()
    events = (quote("A.XNAS", 1), quote("A.XNAS", 2))
    batch = outbox.take(events, 5, None)
    assert batch is not None
    assert batch.events == events
    assert not batch.is_conflated
    assert outbox.take((), 6, None) is None


def test_a_slow_reader_gets_the_newest_quotes_and_all_news() -> None:
    outbox = MarketOutbox()
    trade = Trade("A.XNAS", Decimal(1), Decimal(1), 1)
    news = NewsItem("headline", ("A.XNAS",), 1)
    for bid in range(1, 100):
        outbox.keep((quote("A.XNAS", bid), quote("B.XNAS", bid), trade), None)
    outbox.keep((news,), None)
    batch = outbox.take((quote("A.XNAS", 100),), 5, None)
    assert batch is not None
    assert batch.is_conflated
    assert batch.events == (quote("A.XNAS", 99), quote("B.XNAS", 99), news, quote("A.XNAS", 100))


class Ledger:
    """Stored reports of two accounts in turn."""

    def __init__(self) -> None:
        self.stored: list[AccountReport] = []

    def make(self, count: int) -> list[AccountReport]:
        made = []
        for _ in range(count):
            seq = len(self.stored) + 1
            report = ExecutionReport(
                client_order_id="b", venue_order_id="O", kind=OrderEventKind.ACCEPT, ts_event=1, report_seq=seq
            )
            made.append(AccountReport(f"A{seq % 2}", report))
            self.stored.append(made[-1])
        return made

    def read(self, account_id: str, after_seq: int, limit: int) -> list[AccountReport]:
        chosen = [each for each in self.stored if each.report.report_seq > after_seq]
        return [each for each in chosen if not account_id or each.account_id == account_id][:limit]


@pytest.mark.parametrize(("account_id", "expected"), [("", 2 * p.PAGE + 36), ("A1", p.PAGE + 18)])
def test_missed_reports_come_first_and_nothing_is_lost_or_repeated(account_id: str, expected: int) -> None:
    ledger = Ledger()
    ledger.make(2 * p.PAGE + 7)
    outbox = ReportOutbox(account_id, 0, ledger.read)
    got: list[int] = []

    def turn(count: int) -> None:
        batch = outbox.take(ledger.make(count))
        if batch is not None:
            got.extend(report.report_seq for report in batch.reports)

    for _ in range(5):
        turn(3)
    outbox.fall_behind()
    ledger.make(11)
    turn(0)
    turn(3)
    assert not outbox.is_behind
    assert got == sorted(set(got))
    assert len(got) == expected


def test_frames_are_cut_wherever_the_bytes_were_cut() -> None:
    frames = [p.encode_frame(p.Request(number, p.GetClock())) for number in range(5)]
    reader = p.FrameReader(1000)
    cut = [bytes([byte]) for byte in b"".join(frames)]
    read = [p.decode_request(frame) for piece in cut for frame in reader.feed(piece)]
    assert [request.request_id for request in read] == [0, 1, 2, 3, 4]


def test_a_frame_that_is_announced_too_long_is_refused_at_once() -> None:
    with pytest.raises(p.FrameTooLongError):
        p.FrameReader(1000).feed(p.HEADER.pack(1001))

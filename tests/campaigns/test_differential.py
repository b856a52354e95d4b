"""S13: the ledger against an oracle in fractions that was written apart from it, over random days of executions."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest

from stockpulse_engine.domain.money import MINOR_UNIT
from stockpulse_engine.drill.campaigns.report import COMMIT, NIGHT, RELEASE, Report
from stockpulse_engine.portfolio.invariants import check_all
from stockpulse_engine.portfolio.ledger import Ledger
from tests.campaigns.oracle import Book
from tests.campaigns.volumes import VOLUME, judge
from tests.fakes.portfolio_build import fill, filled, opened

pytestmark = pytest.mark.timeout(3600)  # of a night; on a quiet machine a commit takes seconds

EVENTS = {COMMIT: 10_000, NIGHT: 1_000_000, RELEASE: 10_000_000}
A_DAY = 500
EVERY = 50
"""Executions between two comparisons: an error stays, so that none of them is missed."""
NAMES = ("AAPL.XNAS", "MSFT.XNAS", "NVDA.XNAS")
CASH = 10_000_000


@pytest.mark.covers("S13", "L2", "L4", "L5", "F37")
def test_s13_the_ledger_is_the_oracles_to_the_minor_unit() -> None:
    report = Report("S13", "executions")
    for seed in range(1, EVENTS[VOLUME] // A_DAY + 1):
        if problem := a_day(seed):
            report.failures.append(f"seed {seed}: {problem}")
        report.done += A_DAY
    judge(report)


def a_day(seed: int, count: int = A_DAY) -> str:
    """One day of executions in both; what differs, "" when nothing does."""
    rng = random.Random(seed)
    ledger, book = Ledger(), Book(Fraction(CASH))
    ledger.apply(opened(cash=str(CASH)))
    for number in range(1, count + 1):
        name = rng.choice(NAMES)
        signed = rng.choice((-1, 1)) * Decimal(rng.randint(1, 300)) / rng.choice((1, 1, 1, 1000))
        price, fee = Decimal(rng.randint(1, 50_000)) / 100, Decimal(rng.randint(0, 300)) / 100
        ledger.apply(filled(fill(f"x{number}", str(signed), str(price), instrument_id=name, fee=str(fee))))
        book.fill(name, Fraction(signed), Fraction(price), Fraction(fee))
        if number % EVERY == 0 and (problem := difference(ledger, book, number)):
            return f"after {number}: {problem}"
    check_all(ledger)
    return ""


def difference(ledger: Ledger, book: Book, fills: int) -> str:
    """What the two say differently. Costs may be rounded once for each execution, quantities and cash never."""
    ours, slack = ledger.book("main"), Fraction(MINOR_UNIT) * fills
    if Fraction(ours.cash) != book.cash:
        return f"cash {ours.cash}, {float(book.cash)} by the oracle"
    if Fraction(ours.fees) != book.fees:
        return f"fees {ours.fees}, {float(book.fees)} by the oracle"
    if abs(Fraction(ours.realized) - book.realized) > slack:
        return f"realized {ours.realized}, {float(book.realized)} by the oracle"
    for name in NAMES:
        if Fraction(ours.quantity(name)) != book.quantity(name):
            return f"{name}: {ours.quantity(name)} held, {float(book.quantity(name))} by the oracle"
    if abs(Fraction(ours.cost) - sum(map(book.cost, NAMES))) > slack:
        return f"cost {ours.cost}"
    return ""

"""What is proved by which test: known failures, invariants and requirements, and the tests that name them.

A test names what it shows by `@pytest.mark.covers("F07", "O5")`. The page `docs/reference/proofs.md` is made from these
marks; a test holds the marks to the catalogue and the catalogue to the marks.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

MOST_NAMED = 6
"""Tests named in one row of the page."""
ROOT = Path(__file__).resolve().parent.parent

FAILURES = {
    "F01": "A retry after a time-out sends the order twice",
    "F02": "A retry mints a new id, so that nobody can tell it is one",
    "F03": "Order ids collide over restarts or instances, or do not fit the broker",
    "F04": "The broker's counter of order ids goes back after a restart of its gateway",
    "F05": "A cancel is refused because the order was filled, and that is read as absence",
    "F06": "Partly filled, then canceled: one of the two parts is forgotten",
    "F07": "A network error is taken for 'there is no such order'",
    "F08": "A fill arrives before the acknowledgement, or before the call returns",
    "F09": "The same fill is delivered twice and booked twice",
    "F10": "The frame with the fill never comes while heartbeats go on",
    "F11": "A replace of a partly filled order uses the first quantity",
    "F12": "Two sells clear and the position turns short",
    "F13": "A restart invents fills, or flattens what is held",
    "F14": "A code that only informs is taken for the end of the order",
    "F15": "Late and misordered words: canceled, and then filled",
    "F16": "The kill switch fails, or leaves orders working",
    "F17": "Paper mode trades real money",
    "F18": "Two engines trade one account",
    "F19": "A scheduler fires twice",
    "F20": "The same refused order is sent for ever",
    "F21": "The broker refuses opposite sides, or a flip from long to short",
    "F22": "The socket is open and mute",
    "F23": "Reconnects or retries run into the broker's rate limit, and into a ban",
    "F24": "What watches is stopped by the fault it watches for",
    "F25": "A nightly restart of the gateway loses orders and subscriptions",
    "F26": "The token dies in mid-day and the client spins",
    "F27": "A slow consumer falls behind or is cut off",
    "F28": "An order is priced on a stale quote",
    "F29": "The disk is full",
    "F30": "The database of history does not come back after a kill",
    "F31": "A lost database connection loses orders",
    "F32": "A cache is wiped or mixed up at the start",
    "F33": "What was acknowledged was not durable",
    "F34": "A crash between the venue's yes and our record of it",
    "F35": "NaN becomes a sell, or a market order",
    "F36": "A negative price that nobody expected",
    "F37": "Rounding goes beyond the balance and leaves dust",
    "F38": "A split in mid-position: the stop stays at the old price and fires",
    "F39": "Half days and holidays",
    "F40": "Daylight saving, and local times taken for UTC",
    "F41": "The clock is off, or steps",
    "F42": "A renamed, halted or delisted symbol is thought tradable",
    "F43": "A bad deploy wakes up dead code: children beyond their parent",
    "F44": "Memory grows over hours",
    "F45": "Keys in logs",
    "F46": "A malicious package",
    "F47": "A model file that is code",
    "F48": "A language model fed with headlines that can order",
    "F49": "A local API open to any web page",
    "F50": "Untrusted text breaks or drives the terminal",
}
INVARIANTS = {
    "L1": "Every posting sums to zero in its currency; entries are only appended",
    "L2": "Cash is the sum of what moved it, at every event",
    "L3": "Equity is cash and market value; both are derived, never stored",
    "L4": "A position is the sum of its fills and of its open lots",
    "L5": "No lot is negative; the cost of the lots is the cost of the position",
    "L6": "An execution posts exactly once; busts and corrections are reversals",
    "L7": "Realised profit does not depend on how fills are cut",
    "L8": "A split with cash in lieu conserves cost exactly",
    "L9": "Reserved money is the worst case of every order that may still execute",
    "L10": "What reduces in flight is never larger than the position",
    "L11": "No float and no NaN in any row of money",
    "L12": "Replaying the journal gives the live state, at every prefix",
    "L13": "A backup and its tail give the same as the whole",
    "L14": "What we hold, what is external and what is in suspense make up what the broker holds",
    "O1": "Filled and left quantities stay within the order; an overfill is booked and flagged",
    "O2": "The average price is the exact mean of the fills",
    "O3": "Filled quantity only grows, but for busts and corrections",
    "O4": "The intent is on the disk before its first byte leaves",
    "O5": "One intent is at most one order at the venue",
    "O6": "The same key with the same body has the same answer; with another body it is refused",
    "O7": "Nothing leaves behind the latch, a read-only journal, an unclean comparison or a paper mode",
    "O8": "Cancels are never held back",
    "O9": "Children are never more than their parent",
    "O10": "Once faults stop, every order ends or says UNKNOWN with an alarm",
    "O11": "Every accepted command has one outcome that names it",
    "O12": "Sequence numbers give the order, times never do",
    "O13": "An order's account, mode and strategy never change",
    "O14": "An order at the venue that we never made is adopted, and never canceled by itself",
    "O15": "The state machine has an entry for every pair; an unknown word is UNKNOWN and an alarm",
}
REQUIREMENTS = {
    "R01": "A private Unix socket; another user is refused",
    "R02": "Every route needs a token of its role",
    "R03": "Only known Host names",
    "R04": "A foreign Origin is refused before anything happens",
    "R05": "JSON alone; no cookies, no cross-site requests",
    "R06": "Bodies, depth, rates and sockets are bounded; NaN and duplicate keys are refused",
    "R07": "Every mutation has an idempotency key",
    "R08": "Errors carry no paths, statements or stacks",
    "R09": "Another protocol version is read-only",
    "R10": "One role per route, deny by default",
    "R11": "Live orders need every condition of the arming at once",
    "R12": "A raised limit waits a minute; a lowered one acts at once; both are recorded",
    "R13": "A large order is confirmed a second time, with its size in words",
    "R14": "Halting never needs a password; resuming does need a word",
    "R20": "Secrets lie in the keyring or in an encrypted file, never in the clear",
    "R21": "No secret in arguments, logs, journals, errors, screens or exports",
    "R22": "Batch jobs use the least role",
    "R23": "Backups can be encrypted, and restoring them is tested",
    "R24": "No right to move money is ever asked for",
    "R30": "The journal's chain and its counter-signed head find every edit",
    "R31": "One command tells an order's whole story",
    "R32": "No audit, no trading",
    "R40": "Statements have parameters; stored data is read with everything else locked",
    "R41": "Paths stay where they belong; configuration is data",
    "R42": "Archives and downloads are bounded",
    "R43": "Databases are reached privately; nothing publishes a port",
    "R44": "Text from outside is stripped and rendered without markup; exports carry no formulas",
    "R50": "No code is read out of data: no pickle, no eval",
    "R71": "A broker's client never repeats a POST",
}
CAMPAIGNS = {
    "S1": "Simulated trading days with every fault",
    "S2": "The real engine killed at any moment",
    "S3": "Named failpoints of a submission, a fill, a cancel and a backup",
    "S4": "Power cuts under the journal",
    "S5": "Journals cut and with flipped bits",
    "S6": "The n-th write or read of a day fails, for every n",
    "S7": "State machines of ledger, orders, lots, gate and schedule",
    "S8": "Hostile requests at the API",
    "S10": "Every fault at every kind of broker",
    "S11": "The kill switch at any moment",
    "S12": "A restart at every event gives the same state",
    "S13": "The ledger against an oracle in fractions",
    "S14": "Calendars and clocks",
    "S16": "Services beside the engine killed, hung and slow",
    "S17": "Everything about security",
}
ABSENT = {
    "F46": "dependencies are few and named with their reason; hashes and signatures come with releases",
    "F47": "there are no models yet",
    "F48": "there is no language model yet",
}
"""What concerns nothing that is built, and why."""


CATALOGUE = {**FAILURES, **INVARIANTS, **REQUIREMENTS, **CAMPAIGNS}


class Proof(NamedTuple):
    """A test that names what it shows."""

    file: str
    name: str

    def __str__(self) -> str:
        return f"`{self.file}::{self.name}`"


def collect(tests: Path = ROOT / "tests") -> Mapping[str, tuple[Proof, ...]]:
    """Id → the tests that show it, in the order of their files."""
    found: dict[str, list[Proof]] = defaultdict(list)
    for file in sorted(tests.rglob("test_*.py")) + sorted(tests.rglob("*_contract.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for owner, node in _tests(tree):
            for mark in _marks(node):
                found[mark].append(Proof(file.relative_to(ROOT).as_posix(), f"{owner}{node.name}"))
    return {key: tuple(dict.fromkeys(proofs)) for key, proofs in found.items()}


Marked = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _tests(tree: ast.Module) -> Iterator[tuple[str, Marked]]:
    """Every function and class that may carry a mark, with the class it stands in; a module's marks are its tests'."""
    everywhere = [mark for node in tree.body if _is_pytestmark(node) for mark in ast.walk(node)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield "", node
            yield from ((f"{node.name}::", one) for one in node.body if isinstance(one, Marked))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("test"):
                node.decorator_list += [mark for mark in everywhere if isinstance(mark, ast.Call)]
            yield "", node


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(one, ast.Name) and one.id == "pytestmark" for one in node.targets
    )


def _marks(node: Marked) -> Iterator[str]:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "covers":
            yield from (str(one.value) for one in mark.args if isinstance(one, ast.Constant))


def rows(titles: Mapping[str, str], proofs: Mapping[str, tuple[Proof, ...]]) -> Iterator[tuple[str, str, str]]:
    """Id, title, and the tests or why there are none; of many the first and how many more."""
    for key, title in titles.items():
        named = proofs.get(key, ())
        shown = "<br>".join(map(str, named[:MOST_NAMED])) or f"absent: {ABSENT.get(key, 'not shown')}"
        more = len(named) - MOST_NAMED
        yield key, title, f"{shown}<br>and {more} more" if more > 0 else shown

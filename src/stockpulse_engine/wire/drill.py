"""What a drill says while it runs, one JSON document a line, and the report it leaves."""

from __future__ import annotations

from decimal import Decimal

import msgspec

OK, FAILED, SKIPPED = "ok", "failed", "skipped"
"""How one fault ended; skipped is what this machine can not do."""
EQUAL, ASKING, DIFFERS = "equal", "asking", "differs"
"""How one row of ours stands against the venue's."""


class DrillFault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of the list: its number from 1, its name for `--fault`, what it is called, what happens."""

    number: int
    name: str
    title: str
    words: str


_LISTED = (
    ("connect-refused", "connect refused", "the venue's socket is taken away and every line cut"),
    ("timeout-before-send", "time-out before send", "a submission is lost on its way; no answer comes"),
    (
        "timeout-after-accept",
        "time-out after acceptance",
        "a submission is executed; its answer and the stream's word of it are lost",
    ),
    ("reset", "reset mid-response", "the line is reset inside the answer to a submission"),
    ("half-body", "half body", "half of the answer comes, then the line ends"),
    ("garbage", "garbage 200", "the submission is done and its answer is not readable"),
    ("429", "429", "two submissions are refused as too many"),
    ("503", "503", "two submissions are refused as out of service"),
    ("504", "504 after acceptance", "the submission is done and a gateway answers that it took too long"),
    ("dead-token", "dead token", "our key is refused on every line for a while"),
    ("silent-stream", "silent stream", "the stream stays open and says nothing until all is proven"),
    ("dropped", "80 % of frames dropped", "four of five frames of the stream are lost"),
    ("duplicated", "frames duplicated", "each frame of the stream comes two to six times"),
    ("reordered", "frames reordered 30 s", "each frame comes up to the window late; others overtake"),
    ("reject", "reject", "the venue refuses an order that our gate let pass"),
    (
        "partial-cancel",
        "partial fill against cancel",
        "two orders are half executed and canceled; the rest of one executes first",
    ),
    ("fill-before-ack", "fill before ack", "an execution is told before its order's acceptance"),
    ("fill-after-cancel", "fill after cancel", "an execution comes after the proven cancel"),
    ("bust", "bust and correction", "an execution is taken back, another restated"),
    ("id-rollback", "id counter rolled back", "the venue's counters go back"),
    ("halt", "halt in mid-bracket", "trading halts with a bracket half open"),
    ("sigkill", "SIGKILL", "the engine is killed under order flow and started again"),
    ("sigstop", "SIGSTOP 30 s", "the engine stands still; the venue executes meanwhile"),
    ("disk-full", "disk full", "the journal's disk takes no more; then there is room"),
)
FAULTS: tuple[DrillFault, ...] = tuple(
    DrillFault(number=number, name=name, title=title, words=words)
    for number, (name, title, words) in enumerate(_LISTED, 1)
)
"""The faults of a drill, in their order: what heads list before the first one was run."""


class DrillEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: milliseconds since the fault began, who (us, venue, fault, check), in words."""

    at_ms: int
    who: str
    words: str


class DrillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One value, ours against the venue's."""

    label: str
    ours: str
    venue: str
    verdict: str


class FaultResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one fault. `gap_ms`: from its beginning until orders and holdings were proven true again."""

    number: int
    name: str
    title: str
    state: str
    gap_ms: int = 0
    done: str = ""
    """What was done, in words."""
    problems: tuple[str, ...] = ()
    orders: int = 0
    fills: int = 0
    duplicates: int = 0
    lost_fills: int = 0
    events: tuple[DrillEvent, ...] = ()
    rows: tuple[DrillRow, ...] = ()
    scaled: str = ""
    """What ran on another clock than the wall's; "" where everything was real."""


class KillProof(msgspec.Struct, frozen=True, kw_only=True):
    """The kill switch, tried for real: whether anything left while it was set."""

    state: str
    tried: int = 0
    """Orders that were tried while it was set."""
    left: int = 0
    """Of those, orders that reached the venue."""
    words: str = ""


class AccountCopy(msgspec.Struct, frozen=True, kw_only=True):
    """What was copied of the person's account, and what was not."""

    account_id: str
    account_type: str
    currency: str
    cash: Decimal
    positions: dict[str, Decimal] = {}
    source: str = ""
    """Where it was read: from the running engine, from the journal, or the settings of a new account."""
    left_out: tuple[str, ...] = ()


class DrillReport(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    """A whole drill."""

    version: str
    seed: int
    broker: str
    started_at: int
    took_ms: int
    account: AccountCopy
    results: tuple[FaultResult, ...]
    kill: KillProof
    recovered: int
    total: int
    duplicates: int
    lost_fills: int
    worst_gap_ms: int
    worst_gap: str
    """The fault with the worst gap."""
    orders: int
    fills: int
    journal: str
    complaints: tuple[str, ...] = ()
    """What the simulated broker found wrong with what we sent."""
    path: str = ""

    @property
    def is_good(self) -> bool:
        """Whether everything that could be tried recovered, without a duplicate or a loss."""
        tried = [one for one in self.results if one.state != SKIPPED]
        is_clean = not (self.duplicates or self.lost_fills or self.complaints) and self.journal == OK
        return bool(tried) and all(one.state == OK for one in tried) and is_clean and self.kill.state != FAILED


class DrillBegan(msgspec.Struct, frozen=True, kw_only=True, tag="began"):
    """First line."""

    seed: int
    broker: str
    account: AccountCopy
    faults: tuple[DrillFault, ...]


class FaultBegan(msgspec.Struct, frozen=True, kw_only=True, tag="fault"):
    """A fault is next."""

    number: int


class EventTold(msgspec.Struct, frozen=True, kw_only=True, tag="event"):
    """Something happened in the running fault."""

    number: int
    event: DrillEvent


class RowsTold(msgspec.Struct, frozen=True, kw_only=True, tag="rows"):
    """How the running fault stands: ours against the venue's."""

    number: int
    rows: tuple[DrillRow, ...]


class FaultEnded(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """A fault is over."""

    result: FaultResult


DrillLine = DrillBegan | FaultBegan | EventTold | RowsTold | FaultEnded | DrillReport
decode_line = msgspec.json.Decoder(DrillLine).decode
encode_line = msgspec.json.Encoder().encode


def end_line(report: DrillReport) -> str:
    """The drill in one line."""
    gap = f"worst gap {report.worst_gap_ms / 1000:.1f} s" + (f" ({report.worst_gap})" if report.worst_gap else "")
    parts = [f"recovered {report.recovered}/{report.total}", f"duplicate orders {report.duplicates}"]
    parts += [f"lost fills {report.lost_fills}"] if report.lost_fills else []
    parts += [f"complaints {len(report.complaints)}"] if report.complaints else []
    return " · ".join([*parts, gap])

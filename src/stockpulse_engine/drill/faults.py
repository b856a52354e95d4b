"""The fault vocabulary: 42 ways in which a network, a venue or a machine fails, and a plan of when they strike.

A plan is drawn from a seed and each fault draws from a stream of its own: leaving one out changes nothing about the
others, so that a failing plan can be shrunk. `force` makes a fault strike for sure, whatever its rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from enum import Enum
from random import Random


class Layer(Enum):
    """Where a fault sits."""

    NET = "net"
    """Between us and the broker."""
    VENUE = "venue"
    """At the broker itself."""
    LOCAL = "local"
    """On this machine."""


class Fault(Enum):
    """One way to fail. The value is its name in plans, reports and on the command line."""

    CONNECT_REFUSED = "connect-refused"
    DNS_FAIL = "dns-fail"
    TLS_FAIL = "tls-fail"
    TIMEOUT_BEFORE = "timeout-before-send"
    TIMEOUT_AFTER = "timeout-after-accept"
    RESET = "reset-mid-response"
    HALF_BODY = "half-body"
    GARBAGE = "garbage-200"
    THROTTLED = "429"
    BANNED = "418"
    ERROR_500 = "500"
    ERROR_502 = "502"
    ERROR_503 = "503"
    TIMEOUT_504 = "504-after-accept"
    TOKEN_DEAD = "dead-token"  # noqa: S105 - the name of a fault
    SILENCE = "silent-stream"
    DROP = "frames-dropped"
    DUPLICATE = "frames-duplicated"
    REORDER = "frames-reordered"
    SLOW_DRIP = "slow-drip"
    CLOCK_SKEW = "clock-skew"
    REJECT = "reject"
    PARTIAL = "partial-fills"
    FILL_BEFORE_ACK = "fill-before-ack"
    FILL_AFTER_CANCEL = "fill-after-cancel"
    OVERFILL = "overfill"
    BUST = "bust"
    CORRECTION = "correction"
    REPLACE_RACE = "replace-race"
    STRANGE_STATUS = "strange-status"
    ID_ROLLBACK = "id-rollback"
    VANISHED = "order-vanished"
    POSITION_LAG = "position-lag"
    HALT = "halt"
    SPLIT = "split-overnight"
    SIGKILL = "sigkill"
    SIGSTOP = "sigstop"
    EIO = "disk-error"
    ENOSPC = "disk-full"
    SLOW_FSYNC = "slow-fsync"
    CLOCK_STEP = "clock-step"
    MEMORY_LIMIT = "memory-limit"

    @property
    def words(self) -> str:
        """What happens, in one line."""
        return WORDS[self]

    @property
    def layer(self) -> Layer:
        """Where it sits."""
        return Layer.NET if self in NET else Layer.VENUE if self in VENUE else Layer.LOCAL


WORDS: Mapping[Fault, str] = {
    Fault.CONNECT_REFUSED: "nobody listens at the broker's address",
    Fault.DNS_FAIL: "the broker's name leads nowhere",
    Fault.TLS_FAIL: "the broker's certificate is not accepted, or no TLS is spoken",
    Fault.TIMEOUT_BEFORE: "the request is lost on its way, no answer comes",
    Fault.TIMEOUT_AFTER: "the request is taken and done, its answer is lost",
    Fault.RESET: "the line is reset in the middle of the answer",
    Fault.HALF_BODY: "half of the answer arrives, then the line is closed in order",
    Fault.GARBAGE: "the request is done, the answer says 200 and is not readable",
    Fault.THROTTLED: "refused as too many requests, with the time to wait",
    Fault.BANNED: "refused as banned for asking too often",
    Fault.ERROR_500: "the broker fails inside and does nothing",
    Fault.ERROR_502: "a gateway on the way gets no answer, nothing is done",
    Fault.ERROR_503: "refused as out of service",
    Fault.TIMEOUT_504: "the request is done, a gateway says that it took too long",
    Fault.TOKEN_DEAD: "our key or token is not accepted any more",
    Fault.SILENCE: "the stream stays open and says nothing",
    Fault.DROP: "frames of the stream are lost",
    Fault.DUPLICATE: "frames of the stream come up to five times more",
    Fault.REORDER: "frames of the stream come up to 30 s late and out of order",
    Fault.SLOW_DRIP: "the answer arrives a few bytes at a time",
    Fault.CLOCK_SKEW: "the broker's clock is off by minutes",
    Fault.REJECT: "the broker takes the order, then rejects it",
    Fault.PARTIAL: "an order is executed in many small pieces",
    Fault.FILL_BEFORE_ACK: "the execution is told before the order is acknowledged",
    Fault.FILL_AFTER_CANCEL: "an execution is told after the order was told to be canceled",
    Fault.OVERFILL: "more is executed than was ordered",
    Fault.BUST: "an execution is taken back",
    Fault.CORRECTION: "an execution gets another quantity or price afterwards",
    Fault.REPLACE_RACE: "the order is executed while its change is on the way",
    Fault.STRANGE_STATUS: "an order has a status that nobody documented",
    Fault.ID_ROLLBACK: "a counter of the broker goes back: numbers come a second time",
    Fault.VANISHED: "a working order is missing in the list of open orders",
    Fault.POSITION_LAG: "positions and cash are told as they were before the last executions",
    Fault.HALT: "trading of the instrument is halted",
    Fault.SPLIT: "shares are split overnight: quantities and prices of positions and orders change",
    Fault.SIGKILL: "the engine is killed and starts again",
    Fault.SIGSTOP: "the engine stands still for 30 s and goes on",
    Fault.EIO: "a write or sync to the disk fails",
    Fault.ENOSPC: "the disk takes no more",
    Fault.SLOW_FSYNC: "a sync takes five seconds",
    Fault.CLOCK_STEP: "the machine's clock is set forwards or back",
    Fault.MEMORY_LIMIT: "no more memory is given",
}
"""One line of words for each of the 42."""

_ALL = tuple(Fault)
NET = frozenset(_ALL[: _ALL.index(Fault.CLOCK_SKEW) + 1])
VENUE = frozenset(_ALL[_ALL.index(Fault.REJECT) : _ALL.index(Fault.SPLIT) + 1])
LOCAL = frozenset(_ALL[_ALL.index(Fault.SIGKILL) :])

ACCEPTED_ANYWAY = frozenset(
    {Fault.TIMEOUT_AFTER, Fault.RESET, Fault.HALF_BODY, Fault.GARBAGE, Fault.TIMEOUT_504, Fault.SLOW_DRIP}
)
"""Faults of an answer: what was asked has been done at the broker all the same."""
DEFINITE_NO = frozenset({Fault.THROTTLED, Fault.BANNED, Fault.ERROR_503, Fault.TOKEN_DEAD, Fault.REJECT})
"""Faults whose answer proves that nothing was done."""
CALM = 0.35
"""How likely a fault plays no part at all in a drawn plan: storms differ in kind, not only in strength."""


class FaultPlan:
    """When faults strike: at drawn rates, or because they were forced. The same seed and calls, the same answers."""

    def __init__(
        self, seed: int = 0, rates: Mapping[Fault, float] | None = None, *, forced: Collection[Fault] = ()
    ) -> None:
        self.seed = seed
        self.rates: dict[Fault, float] = dict(rates or {})
        self.struck: Counter[Fault] = Counter()
        """How often each has struck."""
        self._always = frozenset(forced)
        self._forced: Counter[Fault] = Counter()
        self._streams: dict[Fault, Random] = {}
        self._is_calm = False

    @classmethod
    def draw(cls, seed: int, among: Collection[Fault] = _ALL, *, most: float = 0.1) -> FaultPlan:
        """A plan whose rates come from the seed: some faults absent, the others between 0 and `most`."""
        rates: dict[Fault, float] = {}
        for fault in _ALL:
            rng = Random(f"{seed}/rate/{fault.value}")  # a stream of its own: choosing fewer changes nothing else
            is_absent, rate = rng.random() < CALM, rng.random() * most
            if fault in among and not is_absent:
                rates[fault] = rate
        return cls(seed, rates)

    def without(self, faults: Collection[Fault]) -> FaultPlan:
        """The same plan with some faults left out, from its beginning: for shrinking."""
        rates = {fault: rate for fault, rate in self.rates.items() if fault not in faults}
        return FaultPlan(self.seed, rates, forced=self._always - frozenset(faults))

    def force(self, fault: Fault, times: int = 1) -> None:
        """Let it strike the next `times` times it can."""
        self._forced[fault] += times

    def release(self, fault: Fault) -> None:
        """Force it no more."""
        self._forced.pop(fault, None)

    def calm(self) -> None:
        """The storm is over: from here on only what is forced by `force` strikes."""
        self._is_calm = True

    def strikes(self, fault: Fault) -> bool:
        """Whether it strikes now. Each call uses up one draw of this fault's stream, or one forced strike."""
        return self.first_of((fault,)) is not None

    def first_of(self, faults: Collection[Fault]) -> Fault | None:
        """The one of these that strikes now, forced ones first; None when none does. Each of them uses up one draw."""
        asked = [fault for fault in _ALL if fault in faults]
        drawn = [fault for fault in asked if self.stream(fault).random() < self.rates.get(fault, 0.0)]
        forced = next((fault for fault in asked if self._forced[fault] > 0), None)
        if forced is not None:
            self._forced[forced] -= 1
        always = () if self._is_calm else (*(fault for fault in asked if fault in self._always), *drawn)
        found = forced or next(iter(always), None)
        if found is not None:
            self.struck[found] += 1
        return found

    def stream(self, fault: Fault) -> Random:
        """The fault's own stream of randomness: how long, how often, which one."""
        found = self._streams.get(fault)
        if found is None:
            found = self._streams[fault] = Random(f"{self.seed}/{fault.value}")
        return found


def fault_named(name: str) -> Fault | None:
    """The fault of that name; None when there is none."""
    return next((fault for fault in _ALL if fault.value == name.strip().lower()), None)

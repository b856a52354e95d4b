"""A second opinion on the ledger, in fractions, written apart from it and by another way.

It keeps the plain list of facts and, when asked, works everything out from nothing: cash and cost by adding up,
realized P&L from the identity "what came in, less what went out, plus what is still tied up" rather than lot by lot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction


def to_minor_unit(value: Fraction) -> Fraction:
    """Round half-even to 1e-8."""
    return Fraction(round(value * 10**8), 10**8)


@dataclass
class Fact:
    ids: set[str]
    signed: Fraction
    price: Fraction
    fee: Fraction
    lot_id: str
    named: tuple[str, ...]


@dataclass
class Answer:
    quantity: Fraction
    cost: Fraction
    realized: Fraction
    lots: dict[str, tuple[Fraction, Fraction]]


@dataclass
class Oracle:
    """One account."""

    deposits: Fraction = Fraction(0)
    movements: set[str] = field(default_factory=set)
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    method: str = "FIFO"

    def deposit(self, movement_id: str, amount: Decimal) -> None:
        if movement_id not in self.movements:
            self.movements.add(movement_id)
            self.deposits += Fraction(amount)

    def find(self, fill_id: str) -> tuple[str, Fact] | None:
        for instrument_id, facts in self.facts.items():
            for fact in facts:
                if fill_id in fact.ids:
                    return instrument_id, fact
        return None

    def fill(self, instrument_id: str, fill_id: str, fact: Fact) -> None:
        if fill_id not in self.gone and self.find(fill_id) is None:
            self.facts.setdefault(instrument_id, []).append(fact)

    def bust(self, fill_id: str) -> None:
        found = self.find(fill_id)
        self.gone.add(fill_id)
        if found is not None:
            self.gone |= found[1].ids
            self.facts[found[0]].remove(found[1])

    def correct(self, old_id: str, new_id: str, fact: Fact) -> None:
        """Caller knows that `old_id` stands and `new_id` is new."""
        found = self.find(old_id)
        assert found is not None
        old = found[1]
        old.ids |= {new_id}
        old.signed, old.price, old.fee = fact.signed, fact.price, fact.fee

    def answer(self, instrument_id: str) -> Answer:
        """Walk the facts: units of a lot are taken by the first fact that goes the other way."""
        open_lots: list[tuple[str, Fraction, Fraction]] = []
        for fact in self.facts.get(instrument_id, []):
            left = fact.signed
            wanted = [lot for name in fact.named for lot in open_lots if lot[0] == name]
            queue = list(dict.fromkeys([*wanted, *self.in_order(open_lots)]))
            remaining = {lot[0]: lot[1] for lot in open_lots}
            for name, size, _price in queue:
                if left * size < 0:
                    taken = min(abs(left), abs(size))
                    remaining[name] = size - taken * (1 if size > 0 else -1)
                    left += taken * (1 if size > 0 else -1)
            open_lots = [(name, remaining[name], price) for name, _, price in open_lots if remaining[name] != 0]
            if left != 0:
                open_lots.append((fact.lot_id, left, fact.price))
        quantity = sum((size for _, size, _ in open_lots), Fraction(0))
        cost = sum((size * price for _, size, price in open_lots), Fraction(0))
        paid = sum((fact.signed * fact.price for fact in self.facts.get(instrument_id, [])), Fraction(0))
        in_order = self.in_order(open_lots)
        return Answer(quantity, cost, cost - paid, {name: (size, price) for name, size, price in in_order})

    def in_order(self, lots: list[tuple[str, Fraction, Fraction]]) -> list[tuple[str, Fraction, Fraction]]:
        """Lots as the account's method takes them: (name, signed size, price)."""
        if self.method == "LIFO":
            return lots[::-1]
        if self.method == "HIFO":  # the least gain first: closing at x gains (x - price) × sign, whatever x is
            return sorted(lots, key=lambda lot: -lot[2] if lot[1] > 0 else lot[2])
        return lots

    def fees(self, instrument_id: str = "") -> Fraction:
        facts = [fact for key, each in self.facts.items() if instrument_id in ("", key) for fact in each]
        return sum((to_minor_unit(fact.fee) for fact in facts), Fraction(0))

    def cash(self) -> Fraction:
        paid = sum(
            (to_minor_unit(fact.signed * fact.price) for facts in self.facts.values() for fact in facts),
            Fraction(0),
        )
        return self.deposits - paid - self.fees()

    def realized(self) -> Fraction:
        return sum((to_minor_unit(self.answer(key).realized) for key in self.facts), Fraction(0))

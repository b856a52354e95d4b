"""How much of a dividend is withheld at the source: a part of it for each country, or for one account of ours."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.instruments import country_of
from stockpulse_engine.domain.money import ZERO, parse_decimal


class Withholding:
    """Rates as they are configured: `US=0.15` for all accounts, `main/US=0.30` for one. What is not named is 0."""

    def __init__(self, rates: Iterable[str] = ()) -> None:
        self._rates: dict[tuple[str, str], Decimal] = {}
        for text in rates:
            place, _, number = text.partition("=")
            account_id, _, country = place.rpartition("/")
            rate = parse_decimal(number, field=f"withholding {text[:40]!r}") if number else Decimal(-1)
            if not 0 <= rate <= 1 or len(country) != _LETTERS:
                raise InvalidValueError(
                    f"{text[:40]!r} is no rate of withholding tax.",
                    fix="Write US=0.15, or main/US=0.30 for one account.",
                )
            self._rates[account_id, country.upper()] = rate

    def rate(self, account_id: str, instrument_id: str) -> Decimal:
        """Part of a dividend that is withheld."""
        country = country_of(instrument_id)
        return self._rates.get((account_id, country), self._rates.get(("", country), ZERO))


_LETTERS = 2

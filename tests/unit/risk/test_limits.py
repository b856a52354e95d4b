"""Limits and codes: the file says what the code says, and a wrong key or value is named."""

from __future__ import annotations

import string
import tomllib
from pathlib import Path

import pytest

from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.risk.codes import DENIALS, DenialCode
from stockpulse_engine.risk.limits import Limits, limits_from
from stockpulse_engine.risk.rows import amount, denied, money, percent, price
from tests.fakes.portfolio_build import D

FILE = Path(__file__).parents[3] / "config" / "limits.toml"


def test_the_file_holds_exactly_the_defaults() -> None:
    values = tomllib.loads(FILE.read_text())
    assert set(values) == set(Limits.__struct_fields__)
    assert limits_from(values) == Limits()


def test_single_keys_override_and_numbers_may_be_written_plain() -> None:
    limits = limits_from({"collar_fraction": 0.1, "max_order_notional": 5000, "restricted": ["GME.XNYS"]})
    assert limits.collar_fraction == D("0.1")
    assert limits.max_order_notional == 5000
    assert limits.restricted == ("GME.XNYS",)
    assert limits.max_gross == Limits().max_gross


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"colar_fraction": 1}, "Did you mean collar_fraction?"),
        ({"zzz": 1}, "Known keys"),
        ({"max_gross": "much"}, "max_gross"),
        ({"max_gross": "NaN"}, "not a positive number"),
        ({"max_gross": "inf"}, "not a positive number"),
        ({"max_open_orders": 0}, "not a positive number"),
        ({"max_open_orders": "x"}, "max_open_orders"),
        ({"daily_loss_fraction": -0.1}, "not a positive number"),
    ],
)
def test_a_wrong_limit_is_named(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        limits_from(values, source="mine.toml")
    assert said in str(caught.value)
    assert "mine.toml" in str(caught.value)


@pytest.mark.parametrize("code", list(DenialCode))
def test_every_code_has_a_title_a_sentence_and_a_fix_that_format(code: DenialCode) -> None:
    words = DENIALS[code]
    names = {name for text in (words.sentence, words.fix) for _, name, _, _ in string.Formatter().parse(text) if name}
    row = denied("x", code, nearest=D(1), **dict.fromkeys(names - {"nearest"}, "1"))
    assert "{" not in row.text + row.fix
    assert code.title
    assert code.sentence.endswith(".")
    assert code.fix.endswith((".", "{how}"))


def test_numbers_are_written_for_people() -> None:
    assert [amount(D(text)) for text in ("1200", "0.50", "1E+3", "10.0")] == ["1,200", "0.5", "1,000", "10"]
    assert [money(D(text)) for text in ("10444.95", "-1", "0.005")] == ["10,444.95", "-1.00", "0.00"]
    assert [price(D(text)) for text in ("232.1", "0.12340", "100")] == ["232.10", "0.1234", "100.00"]
    assert [percent(D(text)) for text in ("0.05", "0.2333", "0.00001", "0")] == ["5 %", "23.33 %", "< 0.01 %", "0 %"]

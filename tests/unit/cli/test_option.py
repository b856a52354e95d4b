"""`sp option`: typed terms in, one contract's worth, Greeks or implied volatility out."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from stockpulse_engine.cli.app import make_app
from stockpulse_engine.domain.errors import InvalidValueError

CONTRACT = ("--spot", "100", "--strike", "105", "--days", "45", "--rate", "4%")


def said(*words: str) -> str:
    """What the command prints; an error of ours comes through as it is."""
    done = CliRunner().invoke(make_app("option"), ["option", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_price_in_words_and_as_a_document() -> None:
    text = said("price", "put", *CONTRACT, "--vol", "25%")
    assert "american put 105, 45 days left, underlying 100" in text
    document = json.loads(said("price", "p", *CONTRACT, "--vol", "0.25", "--json"))
    assert f"price       {document['price']:.4f}" in text
    assert document["price"] == pytest.approx(6.3457, abs=1e-3)
    assert document["time_value"] == pytest.approx(document["price"] - 5)
    assert list(document) == [
        "right", "style", "spot", "strike", "years", "rate", "dividend_yield", "volatility", "price", "intrinsic",
        "time_value",
    ]  # fmt: skip


def test_the_volatility_of_a_price_gives_the_price_back() -> None:
    document = json.loads(said("iv", "put", *CONTRACT, "--price", "6.85", "--json"))
    percent = f"{100 * document['volatility']:.6f}%"
    again = json.loads(said("price", "put", *CONTRACT, "--vol", percent, "--json"))
    assert again["price"] == pytest.approx(6.85, abs=1e-6)
    assert said("iv", "put", *CONTRACT, "--price", "6.85").startswith("implied volatility  29.")


def test_greeks_say_their_units() -> None:
    text = said("greeks", "call", *CONTRACT, "--vol", "25%", "--style", "european")
    for words in ("per calendar day", "per point of volatility", "per point of the rate", "per 1.00 of the underlying"):
        assert words in text
    document = json.loads(said("greeks", "call", *CONTRACT, "--vol", "25%", "--style", "eu", "--json"))
    assert document["option"]["style"] == "european"
    assert 0 < document["delta"] < 0.5
    assert document["theta_per_day"] < 0


def test_cash_dividends_and_yield_lower_a_call() -> None:
    plain, paid, yielding = (
        json.loads(said("price", "call", *CONTRACT, "--vol", "0.3", "--json", *more))["price"]
        for more in ((), ("--dividend", "1.5@10", "--dividend", "1.5@40"), ("--yield", "8%"))
    )
    assert paid < plain - 0.5
    assert yielding < plain


def test_an_expiry_is_a_day_to_come() -> None:
    document = json.loads(
        said("price", "call", "--spot", "1", "--strike", "1", "--vol", "1", "--expiry", "2200-01-15", "--json")
    )
    assert document["years"] > 100


@pytest.mark.parametrize(
    ("words", "message"),
    [(("price", "cull", *CONTRACT, "--vol", "0.2"), "no right"), (("price", "call", *CONTRACT, "--vol", "lots"), "no number"),
     (("price", "call", *CONTRACT, "--vol", "nan"), "no number"), (("price", "call", *CONTRACT, "--vol", "0.2", "--style", "asian"), "no style"),
     (("price", "call", *CONTRACT, "--vol", "0.2", "--expiry", "2200-01-01"), "said once"),
     (("price", "call", "--spot", "1", "--strike", "1", "--vol", "1"), "said once"),
     (("price", "call", "--spot", "1", "--strike", "1", "--vol", "1", "--expiry", "soon"), "no date"),
     (("price", "call", "--spot", "1", "--strike", "1", "--vol", "1", "--expiry", "2020-01-01"), "expired"),
     (("price", "call", "--spot", "0", "--strike", "1", "--vol", "1", "--days", "3"), "above zero"),
     (("price", "call", *CONTRACT, "--vol", "0.2", "--dividend", "1.5"), "no number"),
     (("iv", "put", *CONTRACT, "--price", "4.99"), "arbitrage"), (("iv", "call", *CONTRACT, "--price", "100"), "arbitrage"),
     (("iv", "call", *CONTRACT, "--price", "0"), "small volatility")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_the_way_out(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message) as error:
        said(*words)
    assert error.value.fix

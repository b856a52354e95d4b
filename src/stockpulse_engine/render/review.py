"""The review of a session as a Markdown page, for `sp day` and for the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from stockpulse_engine.domain.orders import OrderType
from stockpulse_engine.domain.views import DayOrder, DayRefusal, DayReview

WAY = ("gate", "fsync", "sent", "ack")
"""The hops of every order that was sent and answered."""
NOT_MEASURED = (
    "—: not measured; the engine ended before the venue's first word, or the order went along with its entry."
)


def hop_words(hops: Mapping[str, int], show: Callable[[int], str]) -> list[str]:
    """Each hop with its time; one of the way to the venue's first word that nobody measured is a dash."""
    way = WAY if "ack" in hops else ()
    names = (*way, *(name for name in hops if name not in way))
    return [f"{name} {show(hops[name]) if name in hops else '—'}" for name in names]


def review_page(review: DayReview, time_of: Callable[[int], str]) -> str:
    """The review as a Markdown page; `time_of` writes market times."""
    result = review.equity_now - review.equity_open
    summary = (
        f"Equity {review.equity_open:,.2f} → {review.equity_now:,.2f} ({result:+,.2f}). "
        f"Realized {review.realized:+,.2f}, fees {review.fees:,.2f}, spread {review.spread_cost:,.2f}, "
        f"slippage {review.slippage:+,.2f}. Kills survived: {review.kills_survived}."
    )
    lines = [
        f"# {review.session_date}, account {review.account_id}",
        "",
        summary,
        "",
        "## Orders",
        "",
    ]
    if review.orders:
        lines += [
            "| time | order | state | filled | average | arrival mid | spread | slippage | fees | best | worst | ms |",
            "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
            *(_order_line(order, time_of) for order in review.orders),
        ]
        if any("ack" in order.hops and set(WAY) - set(order.hops) for order in review.orders):
            lines += ["", NOT_MEASURED]
    else:
        lines.append("No order was sent.")
    lines += ["", "## Refused", ""]
    lines += [_refusal_line(refusal, time_of) for refusal in review.refusals] or ["Nothing was refused."]
    return "\n".join(lines) + "\n"


def _refusal_line(refusal: DayRefusal, time_of: Callable[[int], str]) -> str:
    when, name = time_of(refusal.ts_event), _cell(refusal.instrument_id)
    return f"- {when} {name} `{_cell(refusal.code)}` {_cell(refusal.sentence)}"


def _order_line(day: DayOrder, time_of: Callable[[int], str]) -> str:
    order, terms = day.order, day.order.terms
    price = "market" if terms.order_type is OrderType.MARKET else f"{terms.limit_price or terms.stop_price}"
    cells = (
        time_of(order.created_at),
        f"{terms.side.value} {terms.quantity.normalize():f} {_cell(terms.instrument_id)} {price}",
        "UNKNOWN" if order.is_unknown else order.status.value,
        f"{order.filled_quantity.normalize():f}",
        _number(order.average_price, 4),
        _number(day.arrival_mid, 4),
        _number(day.spread_cost),
        _number(day.slippage),
        _number(day.fees),
        _number(day.best_excursion),
        _number(day.worst_excursion),
        ", ".join(_cell(words) for words in hop_words(day.hops, _milliseconds)),
    )
    return "| " + " | ".join(cells) + " |"


def _milliseconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.1f}"


def _number(value: Decimal | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _cell(text: str) -> str:
    """External text that can not break the table or the page."""
    return text.replace("|", "/").replace("`", "'").replace("\n", " ")

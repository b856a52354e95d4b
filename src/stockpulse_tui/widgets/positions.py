"""The positions pane: what is held, what it made today and since, how it ends at its stop, and the cash beside it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from textual.message import Message

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.money import round_to_tick
from stockpulse_engine.domain.views import PositionView
from stockpulse_engine.render.format import for_copy, format_age, format_percent, format_price, format_quantity
from stockpulse_engine.render.span import Line, Span, fit
from stockpulse_engine.render.table import Row
from stockpulse_tui.cell import Cell
from stockpulse_tui.comparing_words import difference_words, open_differences
from stockpulse_tui.explain_book import POSITION_FORMULAS, position_inputs
from stockpulse_tui.order_words import DEFAULT_TICK
from stockpulse_tui.painter import cells
from stockpulse_tui.position_rows import COMPACT, SORTS, cash_line, columns, row_of, sorted_positions, total_row
from stockpulse_tui.tickets import open_line
from stockpulse_tui.widgets.flatten_one import FlattenWord
from stockpulse_tui.widgets.list_pane import TablePane
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.store import Changes

TALL = 9
"""Body rows from which totals and cash have rows of their own."""
LEAST_SCALE = Decimal("0.25")
"""A full weight bar stands for at least this share of equity."""
MOST = 3
"""Differences to the broker that are named; of more it is said how many."""
FIRST_STOP = Decimal("0.02")
"""Distance of a newly proposed stop from the mark."""


class PositionPicked(Message):
    """The cursor is on another position; `is_opened` when Enter asked for its lots."""

    def __init__(self, instrument_id: str, *, is_opened: bool = False) -> None:
        self.instrument_id = instrument_id
        self.is_opened = is_opened
        super().__init__()


class Positions(FlattenWord, TablePane):
    """The positions pane."""

    context = Context.POSITIONS
    title = "Positions"
    keeps_gone = goes_stale = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.sort, self.is_reversed = "value", False
        self.positions: list[PositionView] = []

    def on_mount(self) -> None:
        """Take in what is known already."""
        self.reload()

    def reload(self) -> None:
        """Read the positions again."""
        self.positions = sorted_positions(self.store.positions.values(), self.sort, is_reversed=self.is_reversed)
        self.take_keys([f"{p.account_id}/{p.instrument_id}" for p in self.positions])

    def on_store(self, changes: Changes) -> None:
        """Positions and balances."""
        if changes.touches("positions", "accounts"):
            self.reload()
            self.redraw()

    def on_second(self) -> None:
        """The age of the last comparison moves on."""
        self.redraw()

    @property
    def current(self) -> PositionView | None:
        """The position under the cursor."""
        return self.positions[self.at] if self.at < len(self.positions) and not self.gone else None

    def selected(self) -> None:
        """Lots and the desk's instrument follow the cursor."""
        position = self.current
        self.post_message(PositionPicked(position.instrument_id if position else ""))
        if position is not None and self.is_front and self.has_focus:
            self.instrument_id = position.instrument_id
            self.shell.pick_instrument(self.instrument_id)

    def find_text(self, key: str) -> str:
        """Positions are found by their symbol."""
        return key.partition("/")[2]

    def _tick(self, instrument_id: str) -> Decimal:
        instrument = self.store.instruments.get(instrument_id)
        return instrument.tick_size if instrument is not None else DEFAULT_TICK

    # -- painting

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Table, totals, cash, and what differs from the broker."""
        if not self.positions:
            return self._empty(width, height)
        now, scale, glyphs = self.shell.status.market_ns(), self._scale(), self.shell.glyphs
        is_tall = height >= TALL
        below = self._below(width) if is_tall else self._differences(width)[:1]
        used = min(height - len(below), len(self.positions) + 3) if is_tall else height - len(below)

        def row(place: int) -> Row:
            position = self.positions[place]
            return row_of(position, self._tick(position.instrument_id), scale, now, glyphs)

        totals = total_row(self.positions) if is_tall else None
        gap = 2 if width >= COMPACT else 1
        return [*self.table(columns(), row, (width, used), gap=gap, totals=totals), *below][:height]

    def _scale(self) -> Decimal:
        return max([LEAST_SCALE, *(p.weight for p in self.positions if p.weight is not None)])

    def _below(self, width: int) -> list[Line]:
        account = self.store.account
        if account is None:
            return []
        return [cash_line(account, width), *self._differences(width)]

    def _differences(self, width: int) -> list[Line]:
        """What the broker shows otherwise, both numbers, on a ground of its own; nothing of the past."""
        account = self.store.account
        if account is None or self.shell.rewind.is_past:
            return []
        waiting = open_differences(account.suspense)
        key = self.shell.keymap.key_of("suspense.explain", self.context)
        told = [f"{difference_words(one)} — {key} explains" for one in waiting]
        stated = {f"{one.instrument_id or 'cash'}:" for one in account.suspense}
        told += [text for text in account.differences if not any(text.startswith(one) for one in stated)]
        more = [f"and {len(told) - MOST} more: sp reconcile"] if len(told) > MOST else []
        return [
            fit((Span(f" ! {cells(clean_line(text, 200))}", "warn", "warn_bg", bold=True),), width, bg="warn_bg")
            for text in (*told[:MOST], *more)
        ]

    def _empty(self, width: int, height: int) -> list[Line]:
        if not self.store.seq:
            return empty_state("…", "Waiting for the engine", self.shell.status.words, (width, height))
        account = self.store.account
        if self.shell.rewind.is_past:
            why = "Every position was flat." if account is not None else "No account was open then."
            return empty_state("·", "Nothing was held", why, (width, height))
        lines = empty_state("·", "Nothing is held", "Every position is flat.", (width, height), (("b", "buy"),))
        if account is not None and height >= TALL:
            lines = [*lines, (), *self._below(width)]
        return lines

    def title_left(self) -> Line:
        """How many; how they are sorted."""
        bg = self.title_bg
        return (
            Span(str(len(self.positions)), "text", bg),
            Span(f"   by {self.sort}" if self.size.width >= COMPACT else "", "muted", bg),
        )

    def title_right(self) -> Line:
        """Whether the books match the broker's, and since when that is known."""
        bg, account = self.title_bg, self.store.account
        if account is None or self.stale_words(bg):
            return self.stale_words(bg)
        parts: list[Span] = []
        if account.stale_marks:
            parts.append(Span(f"{account.stale_marks} stale marks  ", "warn", bg))
        if self.size.height > TALL and self.size.width >= COMPACT and account.equity:
            gross = format_percent(account.gross_exposure / account.equity, places=0, signed=False)
            net = format_percent(account.net_exposure / account.equity, places=0)
            parts.append(Span(f"gross {gross}  net {net}   ", "muted", bg))
        if self.shell.rewind.is_past:
            return (*parts, Span("from the journal, as it stood", "muted", bg))
        if count := max(len(account.differences), len(open_differences(account.suspense))):
            return (*parts, Span(f"! differs from broker: {count}", "warn", bg, bold=True))
        if not account.reconciled_wall:
            return (*parts, Span("? not compared with the broker yet", "warn", bg))
        age = format_age(max(0, self.shell.clock.now_ns() - account.reconciled_wall))
        # What is UNKNOWN may have changed the holdings since.
        word, token = ("matched", "warn") if self.store.unknown_orders() else ("matches", "up")
        return (*parts, Span(f"{word} broker {age} ago", token, bg))

    def do_list_sort(self) -> None:
        """Sort by the next column."""
        names = list(SORTS)
        self.sort, self.is_reversed = names[(names.index(self.sort) + 1) % len(names)], False
        self._show_sorted()

    def do_list_reverse(self) -> None:
        """The other way round."""
        self.is_reversed = not self.is_reversed
        self._show_sorted()

    def _show_sorted(self) -> None:
        self.reload()
        self.redraw()
        self.shell.notify_line(f"sorted by {self.sort}{', reversed' if self.is_reversed else ''}")

    # -- acting

    def _nothing_here(self) -> str:
        """Why no position is meant."""
        if not self.gone:
            return "nothing is held"
        return f"{symbol_of(self.find_text(self.gone))} is flat: nothing was done. j or k puts the cursor on a row"

    def way_out(self) -> tuple[PositionView, str, str] | None:
        """The position under the cursor, the side that closes it, its symbol."""
        position = self.current
        if position is None:
            self.shell.notify_line(self._nothing_here(), "warn" if self.gone else "info")
            return None
        side = "sell" if position.quantity > 0 else "buy"
        return position, side, symbol_of(position.instrument_id)

    def do_position_close(self) -> None:
        """A ticket that closes the position; the ticked lots of it when there are any."""
        found = self.way_out()
        if found is not None:
            position, side, symbol = found
            ticked = self._ticked(position.instrument_id)
            open_line(self.shell, ticked or f"{side} {symbol} all")

    def _ticked(self, instrument_id: str) -> str:
        from stockpulse_tui.widgets.lots import Lots

        lots = self.shell.view.panes.get("lots")
        return lots.ticked_line() if isinstance(lots, Lots) and lots.instrument_id == instrument_id else ""

    def do_position_close_half(self) -> None:
        """A ticket that closes half."""
        found = self.way_out()
        if found is not None:
            open_line(self.shell, f"{found[1]} {found[2]} half")

    def do_position_reverse(self) -> None:
        """A ticket that turns it to the other side."""
        found = self.way_out()
        if found is not None:
            quantity = for_copy(format_quantity(abs(found[0].quantity) * 2)).replace(",", "")
            open_line(self.shell, f"{found[1]} {found[2]} {quantity}")

    def do_position_stop(self) -> None:
        """A ticket with a protective stop, two percent from the mark until changed."""
        found = self.way_out()
        if found is None:
            return
        position, side, symbol = found
        if position.mark is None:
            self.shell.notify_line("no mark is known: type the stop's price in a ticket", "warn")
            return
        tick = self._tick(position.instrument_id)
        away = -FIRST_STOP if position.quantity > 0 else FIRST_STOP
        price = round_to_tick(position.mark * (1 + away), tick, up=position.quantity < 0)
        text = for_copy(format_price(price, tick)).replace(",", "")
        open_line(self.shell, f"{side} {symbol} all stp {text} gtc")

    def do_trading_flatten(self) -> None:
        """Ask for a word: the symbol closes this position, FLATTEN closes everything."""
        if self.gone and self.shell.command is None:
            self.shell.notify_line(self._nothing_here(), "warn")
            return
        self.ask_flatten(self.current)

    def do_position_lots(self) -> None:
        """The lots of the position, on the positions screen when they are not in sight."""
        position = self.current
        if position is None:
            self.shell.notify_line(self._nothing_here(), "warn" if self.gone else "info")
            return
        shell = self.shell
        if "lots" in shell.view.panes:
            self.post_message(PositionPicked(position.instrument_id, is_opened=True))
            return
        key = self.key
        shell.show_view("screen.positions", then=lambda: self._open_there(key))

    def _open_there(self, key: str) -> None:
        pane = self.shell.view.panes.get("positions")
        if isinstance(pane, Positions):
            pane.select_key(key)

    def do_lots_tick(self) -> None:
        """Tick in the lots beside it; where they are not in sight it is said where they are."""
        from stockpulse_tui.widgets.lots import Lots

        lots = self.shell.view.panes.get("lots")
        if isinstance(lots, Lots) and lots.display:
            lots.do_lots_tick()
        else:
            key = self.shell.keymap.key_of("position.lots", self.context)
            self.shell.notify_line(f"{key} shows the lots: there they are ticked")

    def do_row_open(self) -> None:
        """The lots."""
        self.do_position_lots()

    def cell(self) -> Cell | None:
        """The cell under the cursor, the value until one was chosen."""
        position = self.current
        if position is None:
            return None
        names = [column.title for column in columns()]
        row_cells = row_of(position, self._tick(position.instrument_id), LEAST_SCALE, 0).cells
        row = {name: for_copy(one.text) for name, one in zip(names, row_cells, strict=True)}
        row["weight"] = for_copy(format_percent(position.weight, signed=False))
        name = self.column_name or "value"
        return Cell(
            name=name,
            value=row[name],
            instrument_id=position.instrument_id,
            source=f"ledger, marked by {clean_line(position.mark_source, 40)}",
            formula=POSITION_FORMULAS.get(name, ""),
            inputs=position_inputs(name, position, self.store.account, self.store.orders.values()),
            ts_event=position.mark_ts,
            row=row,
        )

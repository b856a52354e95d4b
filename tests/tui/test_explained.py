"""`?`: each explained number is computed again from the inputs printed beside it, by the formula printed with it."""

from __future__ import annotations

import ast
import operator
import re
from decimal import Decimal

import pytest
from msgspec.structs import replace

from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_tui.cell import Cell
from stockpulse_tui.explain_book import ACCOUNT_FORMULAS, ORDER_FORMULAS, POSITION_FORMULAS, account_cells
from stockpulse_tui.widgets.list_pane import TablePane
from tests.fakes.fake_link import T0
from tests.tui.book_head import book_head, rest
from tests.tui.harness import Head
from tests.tui.test_orders import to_row

WORDS = {"position": {"qty", "mark", "term", "fees"}, "order": {"age", "queue", "filled"}}
"""Explained in words: their formula is no arithmetic of other numbers."""
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def recomputed(cell: Cell) -> Decimal:
    """The formula's value for the inputs, nothing else."""
    text = cell.formula.partition(";")[0]
    values: dict[str, Decimal] = {}
    for place, name in enumerate(sorted(cell.inputs, key=len, reverse=True)):
        text = text.replace(name, f"_{place}_")
        values[f"_{place}_"] = number(cell.inputs[name])
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text.replace("×", "*").replace("−", "-"))
    return evaluate(ast.parse(text.strip(), mode="eval").body, values)


def evaluate(node: ast.expr, values: dict[str, Decimal]) -> Decimal:
    """Sums, products, `abs` and `max` in decimals."""
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](evaluate(node.left, values), evaluate(node.right, values))  # type: ignore[no-any-return] # those four
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        found = [evaluate(argument, values) for argument in node.args]
        return abs(found[0]) if node.func.id == "abs" else max(found)
    if isinstance(node, ast.Name):
        return values[node.id]
    assert isinstance(node, ast.Constant), ast.dump(node)
    return Decimal(str(node.value))


def number(text: str) -> Decimal:
    """What is printed, as a number; 0 for what is none."""
    found = re.match(r"[-+−]?[\d,]+(\.\d+)?", text)
    return Decimal(found.group().replace(",", "").replace("−", "-")) if found else Decimal(0)


def agrees(cell: Cell) -> bool:
    """Whether the shown value is the recomputed one, rounded as shown."""
    value = recomputed(cell) * (100 if "%" in cell.value else 1)
    shown = number(cell.value)
    step = Decimal(1).scaleb(int(shown.as_tuple().exponent))
    return abs(value - shown) <= step / 2 + Decimal("1e-9")


async def walk(head: Head, pane: TablePane) -> list[Cell]:
    """The cells of the row under the cursor, one by one, as `l` goes through them."""
    found: list[Cell] = []
    for _ in range(20):
        await head.press("l")
        cell = pane.cell()
        assert cell is not None
        if found and cell.name == found[0].name:
            return found
        found.append(cell)
    raise AssertionError("the row never ends")


def its_stop(position_id: str, quantity: int, stop: str) -> Order:
    """A protective stop of a long position."""
    terms = OrderTerms(
        account_id="main",
        instrument_id=position_id,
        side=Side.SELL,
        quantity=Decimal(quantity),
        order_type=OrderType.STOP,
        stop_price=Decimal(stop),
    )
    return Order(
        client_order_id="CSTOP",
        terms=terms,
        status=OrderStatus.ACCEPTED,
        created_at=T0,
        updated_at=T0,
        role=OrderRole.STOP,
    )


async def test_each_number_of_a_position_is_recomputed_from_what_is_printed() -> None:
    async with book_head((200, 60), screen="4") as (head, _):
        pane = head.app.view.panes["positions"]
        assert isinstance(pane, TablePane)
        held = head.app.store.positions["main", "NVDA.XNAS"]
        worth = held.quantity * Decimal("148.90")
        cost = held.quantity * Decimal("150.10")
        full = replace(
            held,
            average_cost=Decimal("150.10"),
            mark=Decimal("148.90"),
            value=worth,
            unrealized=worth - cost,
            realized=Decimal("12.40"),
            day_base=Decimal(-20),
            day_pnl=worth - cost + Decimal("12.40") + 20,
            weight=round(worth / head.app.store.account.equity, 6),  # type: ignore[union-attr] # it is known
            stop_price=Decimal("146.00"),
            at_stop=(Decimal("146.00") - Decimal("148.90")) * 30,
        )
        stop = its_stop("NVDA.XNAS", 30, "146.00")
        head.link.send(head.link.market.delta(positions=(full,), orders=(stop,)))
        await head.settle()
        pane.select_key("main/NVDA.XNAS")
        cells = {cell.name: cell for cell in await walk(head, pane)}
        assert set(POSITION_FORMULAS) <= {*cells, "instrument"}
        for name in set(POSITION_FORMULAS) - WORDS["position"]:
            assert agrees(cells[name]), cells[name]


async def test_each_number_of_an_order_is_recomputed_from_what_is_printed() -> None:
    async with book_head((200, 60), screen="5") as (head, _):
        await to_row(head, "C02NVDA")
        pane = head.app.view.panes["orders"]
        assert isinstance(pane, TablePane)
        cells = {cell.name: cell for cell in await walk(head, pane)}
        for name in set(ORDER_FORMULAS) - WORDS["order"]:
            assert agrees(cells[name]), cells[name]
        assert cells["filled"].inputs["filled"] == "32"


async def test_each_number_of_the_header_is_recomputed_from_what_is_printed() -> None:
    async with book_head() as (head, _):
        view = head.app.store.account
        assert view is not None
        whole = replace(
            view,
            cash=view.equity - view.market_value,
            day_pnl=view.equity - view.equity_open - 500,
            paid_in=Decimal(500),
            loss_limit=Decimal(3000),
            loss_left=max(Decimal(0), 3000 + view.equity - view.equity_open - 500),
        )
        cells = account_cells(whole, T0)
        assert set(cells) == set(ACCOUNT_FORMULAS)
        for cell in cells.values():
            assert agrees(cell), cell


async def test_the_window_shows_value_source_age_formula_and_inputs() -> None:
    async with book_head(screen="4") as (head, _):
        await head.press("l", "l", "l", "l", "l", "question_mark")
        text = head.text()
        for word in ("shown", "source", "ledger, marked by", "age", "formula", "inputs"):
            assert word in text


@pytest.mark.parametrize("name", sorted(ACCOUNT_FORMULAS))
async def test_numbers_of_the_header_are_explained_by_name(name: str) -> None:
    async with book_head() as (head, _):
        head.app.dispatch.run_line(f"EXPLAIN {name}")
        await rest(head)
        assert f"{name} of main" in head.text()
        assert "ledger and the marks" in head.text()


async def test_a_click_on_a_number_of_the_header_explains_it() -> None:
    async with book_head() as (head, _):
        at = head.rows()[0].index("gross")
        await head.pilot.click("#header", offset=(at + 2, 0))
        await rest(head)
        assert "sum of |value| / equity" in head.text()


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_nothing_of_an_explanation_is_cut(width: int) -> None:
    async with book_head((width, 40)) as (head, _):
        for name, formula in ACCOUNT_FORMULAS.items():
            head.app.dispatch.run_line(f"EXPLAIN {name}")
            await rest(head)
            said = " ".join(head.text().split())
            assert all(word in said for word in formula.replace(";", " ").split()), (name, said)
            await head.press("escape")

"""What a trader tried to send and the gate refused is put on record; what was only looked at, or staged, is not."""

from __future__ import annotations

from tests.tui.desk_head import desk_head, until
from tests.tui.test_ticket_window import previewed, write


async def test_an_armed_enter_on_a_denied_order_is_on_record_and_nothing_is_sent() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        await write(head, "5000 lmt 231.40")
        await previewed(head)
        assert desk.recorded == [], "it was only looked at"
        await head.press("enter")
        await until(head, lambda: len(desk.recorded) == 1)
        await head.press("enter")
        await until(head, lambda: len(desk.recorded) == 2)
        first, second = desk.recorded
        assert str(first.terms.quantity) == "5000"
        assert not first.is_staged
        assert first.client_order_id != second.client_order_id, "each try is one"
        assert desk.submitted == []


async def test_a_safe_enter_on_a_denied_order_leaves_no_trace() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        await write(head, "5000 lmt 231.40")
        await previewed(head)
        await head.press("enter")
        assert "NOT SENT" in head.text()
        assert (desk.recorded, desk.submitted) == ([], [])

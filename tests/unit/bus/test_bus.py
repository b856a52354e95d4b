"""Who is told what, when handlers come and go while something is published."""

from __future__ import annotations

from stockpulse_engine.bus.bus import Bus


def bus() -> Bus:
    """A bus on which no handler may fail."""

    def fail(value: object, error: Exception) -> None:
        raise AssertionError(value) from error

    return Bus(fail)


def test_handlers_hear_their_type_in_order_of_subscription() -> None:
    """Exactly the type, each once."""
    heard: list[str] = []
    here = bus()
    here.subscribe(int, lambda value: heard.append(f"a{value}"))
    here.subscribe(int, lambda value: heard.append(f"b{value}"))
    here.subscribe(str, heard.append)
    here.publish(1)
    here.publish(True)  # a bool is an int to Python, and another type here
    assert heard == ["a1", "b1"]


def test_who_comes_or_goes_meanwhile_changes_the_next_publication() -> None:
    """The one under way reaches those who listened when it began."""
    heard: list[str] = []
    here = bus()

    def first(value: int) -> None:
        heard.append(f"first{value}")
        leave_second()
        here.subscribe(int, lambda value: heard.append(f"late{value}"))

    leave_first = here.subscribe(int, first)
    leave_second = here.subscribe(int, lambda value: heard.append(f"second{value}"))
    here.publish(1)
    assert heard == ["first1", "second1"]
    leave_first()
    leave_first()
    here.publish(2)
    assert heard[2:] == ["late2"]


def test_the_same_handler_twice_is_told_twice_and_leaves_one_at_a_time() -> None:
    """Each subscription is its own."""
    heard: list[int] = []
    here = bus()
    leave = here.subscribe(int, heard.append)
    here.subscribe(int, heard.append)
    here.publish(1)
    leave()
    here.publish(2)
    assert heard == [1, 1, 2]

"""What the gateway's numbers mean. What is not in the table means nothing by itself: the order is asked for.

`ib_async` takes some of these for warnings (110 and 321 end an order) and ends orders over others (10349 does not), so
nothing of its judgement is used.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

GLOBAL: Final = -1
"""Instead of the number of a request: the gateway speaks of itself."""


class Meaning(Enum):
    """What to do about a message."""

    NOTICE = "NOTICE"
    """Nothing: the order, or the link, is as it was."""
    REFUSED = "REFUSED"
    """The order does not exist and never will under this number."""
    CANCELED = "CANCELED"
    """The order is over; its status says the same."""
    CANCEL_REFUSED = "CANCEL_REFUSED"
    CHANGE_REFUSED = "CHANGE_REFUSED"
    """The order stays as it was."""
    LINK_LOST = "LINK_LOST"
    """The gateway has lost the broker; what it tells is what it remembers."""
    LINK_BACK = "LINK_BACK"
    """It has the broker again; what happened meanwhile is asked for, whatever it says of data kept or lost."""
    CLIENT_IN_USE = "CLIENT_IN_USE"
    """Our client id is taken, often for some seconds by our own session that just ended: the same id again."""
    LINE_ENDS = "LINE_ENDS"
    """This connection ends."""
    FARM = "FARM"
    """A data server is gone or back: nothing about orders."""
    DOUBT = "DOUBT"
    """Ask what became of the order."""


_REFUSED: Final = frozenset(
    {
        103, 106, 107, 109, 110, 111, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128,
        129, 130, 131, 132, 133, 134, 140, 141, 142, 143, 144, 145, 146, 147, 148, 151, 152, 153, 154, 155, 157, 158,
        159, 160, 163, 166, 168, 200, 201, 203, 321, 382, 383, 384, 385, 387, 388, 389, 391, 392, 403, 434, 436, 437,
        438, 439, 440, 441, 443, 444, 445, 446, 447, 460, 461, 10005, 10020, 10026, 10052, 10243,
    }
)  # fmt: skip
_NOTICES: Final = frozenset({165, 399, 404, 492, 2109, 2119, 2137, 2161, 10167, 10349})
_FARMS: Final = frozenset({2100, 2103, 2104, 2105, 2106, 2107, 2108, 2110, 2119, 2148, 2157, 2158})
_TABLE: Final = {
    **dict.fromkeys(_REFUSED, Meaning.REFUSED),
    **dict.fromkeys(_FARMS, Meaning.FARM),
    **dict.fromkeys(_NOTICES, Meaning.NOTICE),
    202: Meaning.CANCELED,
    **dict.fromkeys((135, 136, 161, 10147, 10148), Meaning.CANCEL_REFUSED),
    **dict.fromkeys((104, 105, 329), Meaning.CHANGE_REFUSED),
    1100: Meaning.LINK_LOST,
    1101: Meaning.LINK_BACK,
    1102: Meaning.LINK_BACK,
    326: Meaning.CLIENT_IN_USE,
    **dict.fromkeys((501, 502, 503, 504, 507, 1300), Meaning.LINE_ENDS),
}
DUPLICATE: Final = 103


def meaning_of(code: int) -> Meaning:
    """What a number means; DOUBT where nobody has told us."""
    return _TABLE.get(code, Meaning.DOUBT)

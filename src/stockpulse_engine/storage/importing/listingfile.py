"""The listings that were imported, as they lie beside the store; read without what an import needs."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.listings import Listing


def listings_file(history: Path) -> Path:
    """Where a store keeps them."""
    return history / "importing" / "listings.json"


def read_listings(file: Path) -> tuple[Listing, ...]:
    """What map files said; nothing where none was imported.

    Raises:
        InvalidValueError: the file is damaged.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=tuple[Listing, ...])
    except FileNotFoundError:
        return ()
    except msgspec.MsgspecError as error:
        raise InvalidValueError(
            f"{file} is damaged: which company a ticker meant is not known.", fix="Delete it and import the map file."
        ) from error

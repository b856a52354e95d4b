"""Opening credentials of brokers on the screen: the passphrase is typed unseen and goes to the engine alone."""

from __future__ import annotations

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.client.calls import unlock_brokers
from stockpulse_engine.domain.brokers import BrokerView
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_tui.handlers import Handler


class BrokerHandler(Handler):
    """`UNLOCK` and its answer."""

    _names: tuple[str, ...] = ()

    def do_broker_unlock(self) -> None:
        """Ask for the passphrase; without names connections of practice money are opened."""
        words = self.shell.command.arguments if self.shell.command else ()
        self._names = tuple(word.lower() for word in words)
        what = ", ".join(clean_line(one, 24) for one in self._names) or "practice money"
        self.shell.windows.ask("broker.unlock", f"passphrase to open {what}:", is_hidden=True)

    def entered_broker_unlock(self, text: str) -> None:
        """It was typed."""
        self.shell.in_background(self._unlock(self._names, text), is_intent=True)

    async def _unlock(self, names: tuple[str, ...], passphrase: str) -> None:
        shell = self.shell
        try:
            # A LIVE connection is opened by naming it: that is what somebody typed here.
            views: list[BrokerView] = await shell.link.commands.send(
                unlock_brokers(names, passphrase, with_live=bool(names))
            )
        except StockPulseError as error:
            shell.notify_line(str(error), "danger")
            return
        opened = ", ".join(f"{one.name} {one.mode.value}" for one in views if one.state == "joined")
        shell.notify_line(f"joined: {clean_line(opened, 100)}" if opened else "nothing was opened", "warn")

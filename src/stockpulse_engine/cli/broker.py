"""`sp broker`: connections to brokers. Secrets come from a hidden prompt or standard input, never from an argument."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.cli.link import engine, paths
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_pairs, emit_table, say
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import ForbiddenError, InvalidValueError, StockPulseError, UnavailableError

if TYPE_CHECKING:
    from stockpulse_engine.bootstrap.brokersetup import BrokerSetup
    from stockpulse_engine.domain.brokers import BrokerCheck, BrokerConfig, BrokerView

broker_app = typer.Typer(help="Brokers: add, list, look at, test, unlock, lock, remove.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The connection's name, as `sp broker list` tells it.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Connections.")]
Stdin = Annotated[
    bool,
    typer.Option("--stdin", help='Read the secrets from standard input as JSON: {"key_id": "…", "passphrase": "…"}.'),
]
WHERE = {"broker": "at the broker", "engine": "in the engine", "nowhere": "not offered"}
MAX_STDIN = 16 * 1024


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How you call it, as alpaca-paper.")],
    kind: Annotated[str, typer.Option("--kind", metavar="paper|live", help="Whose money orders there move.")],
    adapter: Annotated[
        str, typer.Option("--adapter", metavar="NAME", help="Which broker; `sp broker show`.")
    ] = "alpaca",
    account: Annotated[str, typer.Option("--account", metavar="NUMBER", help="The broker's number of it.")] = "",
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Another address than the adapter's own.")] = "",
    stream_url: Annotated[str, typer.Option("--stream-url", metavar="URL", help="The same for its stream.")] = "",
    port: Annotated[int, typer.Option("--port", metavar="N", help="Where a gateway on this machine listens.")] = 0,
    client_id: Annotated[int, typer.Option("--client-id", metavar="N", help="As whom we speak to a gateway.")] = 1,
    currency: Annotated[str, typer.Option("--currency", metavar="USD", help="Of the account.")] = "USD",
    in_file: Annotated[
        bool, typer.Option("--in-file", help="Keep secrets in the encrypted file although the system has a keyring.")
    ] = False,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Do not ask the broker first.")] = False,
    from_stdin: Stdin = False,
    as_json: JsonFlag = False,
) -> None:
    """Add a connection: asks for its secrets, looks whether the broker takes them, sends no order.

    Example: sp broker add alpaca-paper --kind paper
    """
    from stockpulse_engine.bootstrap.brokersetup import BrokerSetup, kind_of
    from stockpulse_engine.domain.accounts import AccountKind
    from stockpulse_engine.domain.brokers import BrokerConfig

    setup, money = BrokerSetup(paths()), kind_of(kind)
    if money is None:
        raise InvalidValueError(f"{kind[:16]!r} is no kind.", fix="Use --kind paper or --kind live.")
    if money is AccountKind.LIVE and not account:
        raise InvalidValueError(
            "A LIVE connection names its account: its last letters are typed to arm it.", fix="Add --account NUMBER."
        )
    asked = setup.questions(adapter)
    config = BrokerConfig(
        name=name,
        adapter=adapter,
        kind=money,
        account=account,
        url=url,
        stream_url=stream_url,
        port=port,
        client_id=client_id,
        currency=currency,
    )
    given, passphrase = _given(setup, asked, from_stdin=from_stdin, in_file=in_file)
    checks: list[BrokerCheck] = []
    if unchecked:
        setup.keep(config, given, passphrase, in_file=in_file)
    else:
        checks = setup.add(config, given, passphrase, in_file=in_file)
    _added(setup, config, checks, as_json=as_json)


def _added(setup: BrokerSetup, config: BrokerConfig, checks: list[BrokerCheck], *, as_json: bool) -> None:
    view = next(one for one in setup.views() if one.name == config.name)
    if as_json:
        emit_json({"broker": view, "checks": checks})
        return
    _show_checks(checks)
    emit(f"{config.name}  {config.kind.value}  added; its credentials lie in the {view.place}")
    live = " --live" if config.kind.value == "LIVE" else ""
    say(f"Next: `sp engine start --world live`, then `sp broker unlock {config.name}{live}`.")


def list_brokers(as_json: JsonFlag = False) -> None:
    """Every connection: PAPER or LIVE, locked or joined, and where its credentials lie.

    Example: sp broker list
    """
    views = _views()
    if as_json:
        emit_json(views)
    elif not views:
        emit("No broker is configured; the paper venue needs none. `sp broker add NAME --kind paper` makes one.")
    else:
        rows = [
            [one.name, one.mode.value, one.adapter, one.state, _link(one), ", ".join(one.accounts) or "·", one.place]
            for one in views
        ]
        headings = ("name", "money", "adapter", "state", "link", "accounts", "credentials")
        emit_table(headings, rows, left=(0, 1, 2, 3, 4, 5, 6))


def show(name: Name, as_json: JsonFlag = False) -> None:
    """What a connection can do: what lives at the broker, what the engine does and ends with it, what was never tried.

    Example: sp broker show alpaca
    """
    from stockpulse_engine.bootstrap.brokersetup import BrokerSetup

    row, matrix = BrokerSetup(paths()).matrix(name)
    if as_json:
        emit_json(
            {"adapter": row.name, "title": row.title, "matrix": matrix, "untried": row.untried, "advice": row.advice}
        )
        return
    emit_pairs(
        [("broker", row.title), ("speaks to", row.words), ("secrets", ", ".join(one.question for one in row.secrets))]
    )
    emit("")
    emit_table(("what", "where", ""), [[one.feature, WHERE[one.where], one.words] for one in matrix], left=(0, 1, 2))
    emit("")
    for words in row.untried:
        emit(f"Never tried: {words}")
    emit(row.advice)


def try_out(name: Name, from_stdin: Stdin = False, as_json: JsonFlag = False) -> None:
    """Connect, account, clock, open orders, stream; no order is sent. Exit code 6 when a step fails.

    Example: sp broker test alpaca-paper
    """
    from stockpulse_engine.bootstrap.brokersetup import BrokerSetup

    setup = BrokerSetup(paths())
    setup.find(name)
    checks = setup.test(name, _passphrase(setup, from_stdin=from_stdin))
    if as_json:
        emit_json(checks)
    else:
        _show_checks(checks)
    if failed := [one for one in checks if not one.is_ok]:
        raise UnavailableError(f"{name}: {failed[0].step}: {failed[0].words}.")


def remove(
    name: Name,
    sure: Annotated[bool, typer.Option("--sure", help="Also when the broker cannot be asked for open orders.")] = False,
    from_stdin: Stdin = False,
) -> None:
    """Remove a connection and its credentials; refused while orders are open there.

    Example: sp broker remove alpaca-paper
    """
    from stockpulse_engine.bootstrap.brokersetup import BrokerSetup

    setup = BrokerSetup(paths())
    setup.find(name)
    if any(one.name == name and one.state == "joined" for one in _views()):
        raise InvalidValueError(f"{name} is joined.", fix=f"Lock it first: `sp broker lock {name}`.")
    setup.remove(name, _passphrase(setup, from_stdin=from_stdin), is_sure=sure)
    emit(f"{name}  removed, its credentials too")


def unlock(
    names: Names = None,
    live: Annotated[bool, typer.Option("--live", help="Allow connections that move LIVE money.")] = False,
    from_stdin: Stdin = False,
    as_json: JsonFlag = False,
) -> None:
    """Open credentials for this run of the engine and join the brokers; without names those of practice money.

    Example: sp broker unlock alpaca-paper
    """
    from stockpulse_engine.bootstrap.brokersetup import BrokerSetup
    from stockpulse_engine.client import calls

    client = engine(is_started=False)
    known: list[BrokerView] = client.send(calls.brokers())
    if any(one.state == "not in this world" for one in known):  # said before anything is typed
        raise ForbiddenError(
            "Brokers are joined in world live alone.", fix="Run `sp engine restart --world live`, then unlock."
        )
    passphrase = _passphrase(BrokerSetup(paths()), from_stdin=from_stdin)
    _show(client.send(calls.unlock_brokers(tuple(names or ()), passphrase, with_live=live)), as_json)


def lock(names: Names = None, as_json: JsonFlag = False) -> None:
    """Give brokers up and let the engine forget their credentials, all without names; refused while orders work there.

    Example: sp broker lock
    """
    from stockpulse_engine.client import calls

    _show(engine(is_started=False).send(calls.lock_brokers(tuple(names or ()))), as_json)


def _show(views: list[BrokerView], as_json: bool) -> None:
    if as_json:
        emit_json(views)
    else:
        emit_table(("name", "money", "state"), [[one.name, one.mode.value, one.state] for one in views], left=(0, 1, 2))


def _views() -> list[BrokerView]:
    """As the running engine tells; as the files tell without one."""
    from stockpulse_engine.bootstrap.brokersetup import BrokerSetup
    from stockpulse_engine.client import calls

    offline = BrokerSetup(paths()).views()
    if lock_holder(paths().lock) is None:
        return offline
    try:
        found: list[BrokerView] = engine(is_started=False).send(calls.brokers())
    except StockPulseError:
        return offline
    return found


def _link(view: BrokerView) -> str:
    if view.state != "joined":
        return "·"
    return "up" if view.is_connected else "down"


def _show_checks(checks: list[BrokerCheck]) -> None:
    for one in checks:
        emit(f"{'ok' if one.is_ok else '!!'}  {one.step}: {one.words}")


def _given(
    setup: BrokerSetup, asked: Mapping[str, str], *, from_stdin: bool, in_file: bool
) -> tuple[dict[str, str], str]:
    """The secrets and the vault's passphrase, from standard input or asked for."""
    needs = bool(asked) and (in_file or setup.needs_passphrase)
    if from_stdin:
        told = _read_stdin()
        return {secret: told.get(secret, "") for secret in asked}, told.get("passphrase", "")
    given = {secret: _ask(question) for secret, question in asked.items()}
    if not needs:
        return given, ""
    if setup.has_file:
        return given, _ask("Passphrase of the vault")
    say("The system has no keyring: the secrets go into an encrypted file, with a passphrase of 10 letters or more.")
    first = _ask("New passphrase")
    if first != _ask("Again"):
        raise InvalidValueError("The two are not the same.", fix="Type them again.")
    return given, first


def _passphrase(setup: BrokerSetup, *, from_stdin: bool) -> str:
    if not setup.needs_passphrase:
        return ""
    return _read_stdin().get("passphrase", "") if from_stdin else _ask("Passphrase of the vault")


def _ask(question: str) -> str:
    """A hidden answer from the terminal."""
    if not sys.stdin.isatty():
        raise InvalidValueError("Secrets are typed at a terminal.", fix="Or give them with --stdin, as JSON.")
    from getpass import getpass

    return getpass(f"{question}: ").strip()


def _read_stdin() -> dict[str, str]:
    """Secrets as JSON; what is wrong with it is said without repeating any of it."""
    data = sys.stdin.buffer.read(MAX_STDIN + 1)
    try:
        return msgspec.json.decode(data, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidValueError(
            "Standard input is not a JSON map of texts.", fix='Write {"key_id": "…", "secret_key": "…"}.'
        ) from None


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    for command in (add, show, remove, unlock, lock):
        add_command(broker_app, command)
    add_command(broker_app, try_out, name="test")
    add_command(broker_app, list_brokers, name="list")
    app.add_typer(broker_app, name="broker")

"""Write docs/reference from the code: commands, keys, settings, errors, codes, states, order language, studies, API.

What can be generated is generated, so that the reference can not say what the code does not do; a test makes it again
and compares. Usage: python scripts/make_docs.py [--out DIR]
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import typer
from msgspec import structs

import stockpulse_engine
from stockpulse_engine.actions.orderline import GRAMMAR, OrderContext, ParsedOrder, parse_order_line
from stockpulse_engine.actions.registry import ACTIONS, Action, Context
from stockpulse_engine.adapters.matrix import AT_BROKER, IN_ENGINE, capability_rows
from stockpulse_engine.adapters.matrix import NOWHERE as NOWHERE_ELSE
from stockpulse_engine.adapters.registry import ADAPTERS
from stockpulse_engine.api.app import HANDLERS, describe
from stockpulse_engine.api.problems import problem_of
from stockpulse_engine.api.roles import allowed
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.cli.app import SUBJECTS, make_app
from stockpulse_engine.cli.errors import EXIT_CODES
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.order_machine import transition_rows
from stockpulse_engine.domain.orders import OrderEventKind, OrderStatus
from stockpulse_engine.indicators.own.catalog import ALIASES
from stockpulse_engine.indicators.registry import list_studies
from stockpulse_engine.indicators.studies import StudyInfo
from stockpulse_engine.risk.catalog import CONTROLS
from stockpulse_engine.risk.codes import DENIALS
from stockpulse_engine.settings import describe as describe_settings
from stockpulse_engine.settings import load_settings
from stockpulse_engine.wire.version import PROTOCOL_VERSION, VERSION_HEADER

ROOT = Path(__file__).resolve().parent.parent
MADE = "*Made from the code by `make docs`; do not edit.*"
STUDY_LIST = ROOT / "src" / "stockpulse_engine" / "actions" / "studylist.py"
NOWHERE = Paths(*[Path("/nonexistent") / part for part in ("config", "data", "state", "run")])
"""A home that nobody has: the reference shows defaults, not somebody's settings."""


def page(title: str, introduction: str, *parts: str) -> str:
    """One page: title, what it is, its parts."""
    filled = textwrap.fill(introduction, 120, break_long_words=False, break_on_hyphens=False)
    return "\n\n".join([f"# {title}", MADE, filled, *parts]) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    """Text as it is typed; "" stays empty."""
    if "`" in text:
        return f"`` {text} ``"
    return f"`{text}`" if text else ""


# --- command line -------------------------------------------------------------------------------------------


def command_tree() -> dict[str, Any]:
    """Words after `sp` → command, groups opened (`engine start`); a group that works by itself is there too."""
    return dict(_commands(typer.main.get_command(make_app()), ""))


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        children = getattr(command, "commands", {})
        if not children or command.invoke_without_command:
            yield f"{prefix}{name}", command
        if children:
            yield from _commands(command, f"{prefix}{name} ")


def make_cli() -> str:
    """Every command with its arguments, options and examples."""
    commands = command_tree()
    rank = {name: place for place, name in enumerate(name for names in SUBJECTS.values() for name in names)}
    ordered = sorted(commands, key=lambda words: rank.get(words.split()[0], len(rank)))
    contents = table(
        ("command", "what it does"), [(f"[`sp {w}`](#sp-{_anchor(w)})", _help(commands[w])[0]) for w in ordered]
    )
    return page(
        "Command line",
        "`sp` alone opens the terminal. `sp --home DIR …` keeps everything under DIR; `--json` prints stable JSON on "
        "stdout, talk goes to stderr, and [exit codes](exit-codes.md) say how it went. "
        "`sp --install-completion` teaches your shell the words below.",
        contents,
        *[_command_part(words, commands[words]) for words in ordered],
    )


def _anchor(words: str) -> str:
    return words.replace(" ", "-")


def _help(command: Any) -> tuple[str, tuple[str, ...]]:
    """First paragraph of the help in one line, and the examples."""
    text, _, examples = (command.callback.__doc__ if not command.help else command.help).partition("\b\nExamples:\n")
    if not examples:
        lines = [line.strip() for line in (command.callback.__doc__ or "").splitlines()]
        examples = "\n".join(line.removeprefix("Example: ") for line in lines if line.startswith("Example: "))
    return " ".join(text.split()), tuple(line.strip() for line in examples.splitlines() if line.strip())


def _command_part(words: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    text, examples = _help(command)
    usage = " ".join([f"sp {words}", *(["[OPTIONS]"] if options else []), *map(_argument, arguments)])
    rows = [(code(_argument(p)), p.help or "", "") for p in arguments]
    rows += [(code(_option(p)), p.help or "", _default(p)) for p in options]
    parts = [f"## sp {words}", text, f"```\n{usage}\n```"]
    if rows:
        parts.append(table(("argument or option", "meaning", "default"), rows))
    if examples:
        parts.append("```sh\n" + "\n".join(examples) + "\n```")
    return "\n\n".join(parts)


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name.upper()).strip("[]")
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return f"{', '.join(parameter.opts)}{value}"


def _default(parameter: Any) -> str:
    if parameter.is_flag or parameter.default in ("", 0, [], None):
        return ""
    return code(str(parameter.default))


def make_exit_codes() -> str:
    """What a script may rely on."""
    return page(
        "Exit codes",
        "Every command ends with one of these. Errors are said on stderr, with the fix.",
        table(("code", "meaning"), [(str(number), words) for number, words in EXIT_CODES]),
    )


# --- keys and actions ---------------------------------------------------------------------------------------


def make_keys() -> str:
    """Every action: its keys by place, its codes, its shell twin."""
    parts = [_keys_part(context) for context in Context]
    twins = [_twin(action) for action in ACTIONS if action.cli or action.codes]
    return page(
        "Keys, codes and their shell twins",
        "One registry of actions feeds keys, palette, footer, help and this page. A key of a pane works while the "
        "pane has the focus; global keys work everywhere but in an entry field. Rebind any of them by its id: "
        '`keymap = { "order.buy" = "b" }` under `[ui]` in your `stockpulse.toml`.',
        *parts,
        "## Codes and commands\n\nTyped after `:`, instrument and code in either order.\n\n"
        + table(("code", "syntax", "shell", "what it does", "role"), twins),
    )


def _keys_part(context: Context) -> str:
    name = "Everywhere" if context is Context.GLOBAL else context.value.capitalize()
    rows = [
        (" ".join(code(key) for key in action.keys[context]), action.title, action.help, code(action.id))
        for action in ACTIONS
        if action.keys.get(context)
    ]
    return f"## {name}\n\n{table(('key', 'action', 'what it does', 'id'), rows)}"


def _twin(action: Action) -> tuple[str, ...]:
    shell = action.cli_line().replace("AAPL", "SYMBOL") if action.cli else ""
    return " ".join(map(code, action.codes)), code(action.syntax), code(shell), action.help, action.role.value


# --- settings, errors, denials ------------------------------------------------------------------------------


def make_config() -> str:
    """Every setting with its default and meaning."""
    sections: dict[str, list[tuple[str, str, str]]] = {}
    for row in describe_settings(load_settings(NOWHERE, {})):
        section, _, name = row.key.partition(".")
        sections.setdefault(section, []).append((code(name), code(row.default), row.doc))
    parts = [f"## {name}\n\n{table(('setting', 'default', 'meaning'), rows)}" for name, rows in sections.items()]
    return page(
        "Settings",
        "Later wins: the documented defaults (`config/stockpulse.toml`, `config/limits.toml`), your files of the same "
        "names in the configuration directory (`sp config path`), then environment variables such as "
        "`STOCKPULSE__UI__THEME=light`. `limits` have a file of their own, `limits.toml`, without a section head. "
        "`sp config show` says where each value comes from, `sp config check` finds mistakes.",
        *parts,
    )


def error_kinds() -> list[type[StockPulseError]]:
    """Every kind of error we raise on purpose, wherever it is defined, by exit code."""
    for module in pkgutil.walk_packages(stockpulse_engine.__path__, "stockpulse_engine."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: list[type[StockPulseError]] = []
    waiting = [StockPulseError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    ours = [kind for kind in found if kind.__module__.startswith("stockpulse_engine.")]
    return sorted(ours, key=lambda kind: (kind.exit_code, kind.code, kind.__name__))


def make_errors() -> str:
    """Titles, codes, HTTP statuses and exit codes."""
    rows = [
        (kind.title, code(kind.code), str(_status(kind)), str(kind.exit_code), _first_line(kind))
        for kind in error_kinds()
    ]
    return page(
        "Errors",
        "Every error has a title, a message that names the thing, and a fix. Over the API it is a problem document "
        "(`application/problem+json`) with `code`, `detail` and `fix`; on the command line its exit code is below. "
        "Refusals of the gate carry a [denial code](denial-codes.md) besides.",
        table(("title", "code", "HTTP", "exit", "meaning"), rows),
    )


def _status(kind: type[StockPulseError]) -> int:
    error = kind.__new__(kind)
    error.__dict__.update(message="", fix="", denial="")
    return problem_of(error).status


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()


def make_denials() -> str:
    """Every reason the gate may refuse an order."""
    rows = [(code(one.value), words.title, words.sentence, words.fix) for one, words in DENIALS.items()]
    controls = [
        (
            str(one.number) if one.number else "",
            one.title,
            ", ".join(one.checks),
            ", ".join(map(code, one.limits)),
            ", ".join(code(each.value) for each in one.codes),
        )
        for one in CONTROLS
    ]
    return page(
        "Denial codes",
        "Why the pre-trade gate refuses an order: the code is what journal, API and scripts see; names in braces are "
        "filled with the numbers of the order. Limits are set in [limits.toml](config.md#limits), and changed "
        "[while the engine runs](../guide/limits.md).",
        "## Controls\n\nEvery order passes all of them; a check whose inputs are not known denies.\n\n"
        + table(("no.", "control", "checks", "limits", "denials"), controls),
        "## Codes\n\n" + table(("code", "title", "sentence", "fix"), rows),
    )


# --- orders -------------------------------------------------------------------------------------------------


def make_states() -> str:
    """The transition table, a row per event and status."""
    rows = list(transition_rows())
    cells = {(kind, status): result for status, kind, _, result in rows}
    causes = {kind: cause for _, kind, cause, _ in rows}
    parts = []
    for kind in OrderEventKind:
        found = [(code(status.value), cells[kind.value, status.value]) for status in OrderStatus]
        who = "by us" if causes[kind.value] == "us" else "by the venue"
        parts.append(f"### {kind.value}\n\nCaused {who}.\n\n{table(('status before', 'what follows'), found)}")
    statuses = ", ".join(code(status.value) for status in OrderStatus)
    return page(
        "Order states",
        f"An order's status is the last proven one: {statuses}. `UNKNOWN` is a flag beside it: the venue gave no "
        "definite answer, the order counts in full against every limit, and nothing is sent again. Every event has a "
        "result in every status; the same table runs in the engine.",
        "## Events",
        *parts,
    )


EXAMPLES = (
    "buy AAPL 100",
    "buy AAPL 100 lmt 231.40",
    "buy AAPL $10k mid",
    "AAPL buy 2k bid-1t gtc",
    "buy AAPL risk 0.1% lmt mid +2% -1%",
    "buy AAPL 100 mid take 236.75 stop 229.79",
    "sell AAPL all @ 231.40 gtc",
    "sell AAPL half",
    "sell AAPL 20 stp 229.79",
    "sell AAPL 20 stplmt 229.79 229.50 gtc",
    "buy AAPL 100 lmt 232 ioc",
    "sell AAPL all trail 2% gtc",
    "sell AAPL 20 traillmt 2.50 0.10",
    "sell AAPL all oco 236.75 229.79 gtc",
    "buy AAPL 100 lmt 231.40 -1%",
    "buy AAPL 100 lmt 231.40 gtd fri",
    "buy AAPL 100 lmt 232 fok",
    "sell AAPL 20 mkt if SPY < 480",
    "sell AAPL 20 mkt at 15:55",
    "buy AAPL 100 lmt 230 if SPY > 520 and AAPL bid <= 230 gtc",
    "buy AAPL 100 moc",
    "buy AAPL 100 lmt 232 ext",
    "sell AAPL 5 mkt reduce",
)


def make_language() -> str:
    """The grammar, and what the reader makes of examples."""
    return page(
        "Order language",
        "One line says a whole order: in the ticket, after `:` and after `sp buy` or `sp sell`. Words stand in any "
        "order after side and symbol. Rounding never costs more than was written, and is named.",
        "## Grammar\n\n"
        + table(("part", "forms", "meaning"), [(part, code(forms), text) for part, forms, text in GRAMMAR]),
        "## Examples\n\nWith AAPL at 232.11 bid and 232.12 asked, 60 held and an equity of 100,000 USD.\n\n"
        + table(("line", "means", "rounded"), [(code(line), *_meaning(line)) for line in EXAMPLES]),
    )


def _meaning(line: str) -> tuple[str, str]:
    parsed = parse_order_line(line, _context())
    if not isinstance(parsed, ParsedOrder):
        raise SystemExit(f"The example {line!r} is wrong: {parsed[0]}")
    return parsed.sentence, "; ".join(parsed.notes)


def _context() -> OrderContext:
    apple = Instrument(
        instrument_id="AAPL.XNAS",
        name="Apple Inc",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
        lot_size=Decimal(1),
    )
    fund = structs.replace(apple, instrument_id="SPY.ARCX", name="S&P 500 fund", asset_class=AssetClass.ETF)
    quote = Quote(
        "AAPL.XNAS", Decimal("232.11"), Decimal("232.12"), Decimal(1240), Decimal(860), 1, last=Decimal("232.10")
    )
    return OrderContext(
        account_id="main",
        resolve={"AAPL": apple, "AAPL.XNAS": apple, "SPY": fund}.get,
        now_ns=1_710_172_800_000_000_000,
        quote=lambda _: quote,
        position=lambda _: Decimal(60),
        equity=Decimal(100_000),
    )


# --- studies and API ----------------------------------------------------------------------------------------


def make_studies() -> str:
    """Every study by name: TA-Lib's group by group, then ours."""
    studies = list_studies()
    theirs, ours = [one for one in studies if not one.is_own], [one for one in studies if one.is_own]
    groups = sorted({study.group for study in theirs})
    aliases = ", ".join(f"`{name.lower()}` is `{meant.lower()}`" for name, meant in sorted(ALIASES.items()))
    return page(
        "Studies",
        f"All {len(theirs)} functions of TA-Lib, by name, and {len(ours)} of ours: `i` on the chart, or "
        "`sp chart AAPL --study 'rsi 14'`. Parameters in brackets may be left out; give them in order "
        "(`bbands 20 2 2`) or by name (`macd fastperiod=8`). Streams give the same values as the batch, bit for bit. "
        f"Other names that are taken: {aliases}.",
        *(_study_table(group, [study for study in theirs if study.group == group]) for group in groups),
        "## Our own\n\nWhat TA-Lib lacks, or has without a session to begin with (`vwap`); "
        "[how they are reckoned](indicators.md). A study marked *moves* changes what it said of past bars.\n\n"
        + _study_table("", ours),
    )


def make_study_list() -> str:
    """The studies as the heads know them without asking: a module of the actions."""
    lines = "\n".join(f"{study.syntax}  {' '.join(study.title.split())}" for study in list_studies())
    aliases = "\n".join(f"{alias.lower()}={name.lower()}" for alias, name in sorted(ALIASES.items()))
    return (
        '"""Every study: how it is written and what it is. Made from the registry by `make docs`; do not edit."""\n\n'
        "# ruff: noqa: E501 - a line of data is as long as it is\n"
        f'from __future__ import annotations\n\nSTUDIES = """\n{lines}\n"""\n\nALIASES = """\n{aliases}\n"""\n'
    )


def _study_table(group: str, studies: Sequence[StudyInfo]) -> str:
    rows = table(("write", "study", "reads", "gives", "drawn"), map(_study_row, studies))
    return f"## {group}\n\n{rows}" if group else rows


def _study_row(study: StudyInfo) -> tuple[str, ...]:
    place = "over the price" if study.is_overlay else "pattern" if study.is_pattern else "own pane"
    place += ", moves" if study.repaints else ""
    return code(study.syntax), study.title, ", ".join(study.inputs), ", ".join(study.outputs), place


def make_openapi() -> str:
    """Every route with its role."""
    rows = sorted(_routes(), key=lambda row: (row[1], row[0]))
    return page(
        "API",
        "The engine listens on a Unix socket of its own (0600, the peer's user is checked) and speaks HTTP/1.1 with "
        "JSON, and one WebSocket per head. A request carries `Authorization: Bearer TOKEN` (the token files lie in the "
        f"state directory, one per role) and, to change anything, `{VERSION_HEADER}: {PROTOCOL_VERSION}`. The same "
        "document is served at `/openapi.json` and stands beside this page as [openapi.json](openapi.json).",
        table(("method", "path", "role", "what it does"), rows),
    )


def _routes() -> Iterator[tuple[str, str, str, str]]:
    for handler in HANDLERS:
        rule = allowed(handler.fn)
        role = rule.role.file_name if rule else ""
        methods = sorted(getattr(handler, "http_methods", None) or ["WebSocket"])
        words = (handler.fn.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()
        for path in sorted(handler.paths):
            yield ", ".join(code(str(method)) for method in methods), code(path.replace(":str", "")), role, words


def make_openapi_json() -> str:
    """The document itself, as the engine serves it."""
    return msgspec.json.format(msgspec.json.encode(describe()), indent=2).decode() + "\n"


def make_brokers() -> str:
    """What each broker does itself, what the engine does for it and ends with, and what was never tried."""
    where = {AT_BROKER: "at the broker", IN_ENGINE: "**in the engine**", NOWHERE_ELSE: "not offered"}
    parts = []
    for row in ADAPTERS.values():
        matrix = [(one.feature, where[one.where], one.words) for one in capability_rows(row.capabilities(row.name))]
        secrets = ", ".join(one.question for one in row.secrets) or "none here: trust is a login elsewhere"
        hosts = "; ".join(f"{kind.value} {', '.join(names)}" for kind, names in row.hosts.items())
        parts += [
            f"## {row.title} (`{row.name}`)",
            f"Speaks to {row.words}. Hosts: {hosts}. Secrets: {secrets}.",
            table(("what", "where it lives", ""), matrix),
            f"**Credentials.** {row.advice}",
            "**Never tried against the real service.** " + " ".join(row.untried),
        ]
    introduction = (
        "What a connection can do. What lives in the engine does nothing while the engine is down; what lives at the "
        "broker goes on. `sp broker show NAME` prints the same."
    )
    return page("Brokers", introduction, *parts)


def make_proofs() -> str:
    """Which test shows what, by the marks on the tests."""
    sys.path.insert(0, str(ROOT))  # run as a script, it does not see its neighbours
    from scripts import proofs

    shown = proofs.collect()
    parts = []
    for title, titles in (
        ("Failures that really happened to others", proofs.FAILURES),
        ("Invariants of ledger and orders", proofs.INVARIANTS),
        ("Requirements of security", proofs.REQUIREMENTS),
        ("Campaigns", proofs.CAMPAIGNS),
    ):
        parts += [f"## {title}", table(("", "what", "shown by"), proofs.rows(titles, shown))]
    introduction = (
        "What must not happen, and the tests that show that it does not. A test names what it shows by "
        '`@pytest.mark.covers("F07")`; this page is made from these marks, and a test holds it to them.'
    )
    return page("Proofs", introduction, *parts)


PAGES: dict[str, Callable[[], str]] = {
    "brokers.md": make_brokers,
    "cli.md": make_cli,
    "keys.md": make_keys,
    "config.md": make_config,
    "errors.md": make_errors,
    "denial-codes.md": make_denials,
    "exit-codes.md": make_exit_codes,
    "order-states.md": make_states,
    "proofs.md": make_proofs,
    "order-language.md": make_language,
    "studies.md": make_studies,
    "openapi.md": make_openapi,
    "openapi.json": make_openapi_json,
}
"""File → what makes it."""


def write_pages(target: Path) -> None:
    """Write every page into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (target / name).write_text(make(), encoding="utf-8")


def main() -> None:
    """Write the reference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reference")
    target = parser.parse_args().out
    write_pages(target)
    STUDY_LIST.write_text(make_study_list(), encoding="utf-8")
    print(f"{len(PAGES)} pages in {target.name}/, and {STUDY_LIST.name}")


if __name__ == "__main__":
    main()

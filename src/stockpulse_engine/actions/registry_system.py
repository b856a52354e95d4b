"""Actions on the account, the record, the engine and the palette itself."""

from __future__ import annotations

from stockpulse_engine.actions.registry_types import Action, Context, Role, Scope

_PAL = Context.PALETTE

SYSTEM = (
    Action(
        id="account.show",
        title="account",
        help="Say what the account holds: cash, equity, buying power, reservations.",
        group="Account",
        cli="account",
    ),
    Action(
        id="order.show",
        title="order",
        help="Show one order with its fills.",
        group="Orders",
        cli="order ORDER",
    ),
    Action(
        id="log.show",
        title="log",
        help="Read the journal, and verify its chain.",
        group="System",
        cli="log",
    ),
    Action(
        id="history.bars",
        title="bars",
        help="Stored bars with their source: raw, or adjusted for splits and dividends; as of any moment.",
        group="History",
        cli="bars INSTRUMENT",
    ),
    Action(
        id="history.ticks",
        title="ticks",
        help="Stored prints and quotes in the source's own order.",
        group="History",
        cli="ticks INSTRUMENT",
    ),
    Action(
        id="history.actions",
        title="actions",
        help="Stored splits, dividends, renames and delistings.",
        group="History",
        cli="actions INSTRUMENT",
    ),
    Action(
        id="history.coverage",
        title="coverage",
        help="What is stored of which instrument, from where, and what is missing.",
        group="History",
        cli="coverage INSTRUMENT",
    ),
    Action(
        id="store.show",
        title="store",
        help="The copy of history and books on a PostgreSQL: how far it is, moving, and proof that it is equal.",
        group="History",
        cli="store status",
    ),
    Action(
        id="history.import",
        title="import",
        help="Take files of bars, ticks, closes and corporate actions into the history, each row checked.",
        group="History",
        cli="import PATH",
    ),
    Action(
        id="config.show",
        title="config",
        help="Show or check the settings and say where each comes from.",
        group="System",
        cli="config show",
    ),
    Action(
        id="home.backup",
        title="backup",
        help="Write a consistent backup of this home, history included; `sp backup verify` checks one.",
        group="System",
        cli="backup FILE",
        role=Role.ADMIN,
        scope=Scope.ENGINE,
    ),
    Action(
        id="home.restore",
        title="restore",
        help="Restore a backup into an empty home.",
        group="System",
        cli="restore FILE",
        role=Role.ADMIN,
        scope=Scope.ENGINE,
    ),
    Action(
        id="home.doctor",
        title="doctor",
        help="Say what is wrong with this installation, and the fix.",
        group="System",
        cli="doctor",
    ),
    Action(
        id="watchdog.status",
        title="watchdog",
        help="Say what watches the engine, what it does when that hangs or dies, and what it has said.",
        group="System",
        cli="watchdog",
    ),
    Action(
        id="demo.run",
        title="demo",
        help="Tell a ten-minute story in a throw-away home: news, a halt, a bracket, a crash and back.",
        group="System",
        cli="demo",
    ),
    Action(
        id="engine.control",
        title="engine",
        help="Start, stop, restart or look at the engine; on the command line, start it again when it is gone.",
        group="System",
        codes=("ENGINE",),
        cli="engine status",
        role=Role.ADMIN,
        scope=Scope.ENGINE,
    ),
)

PALETTE = (
    Action(
        id="palette.go",
        title="go",
        help="Do the marked entry, or the line as typed.",
        group="Command line",
        keys={_PAL: ("Enter",)},
    ),
    Action(
        id="palette.complete",
        title="complete",
        help="Take over the ghost text.",
        group="Command line",
        keys={_PAL: ("Tab", "Right")},
    ),
    Action(
        id="palette.down",
        title="next",
        help="Mark the next entry.",
        group="Command line",
        keys={_PAL: ("Down", "Ctrl+N")},
    ),
    Action(
        id="palette.up",
        title="previous",
        help="Mark the previous entry; on an empty line, the last line typed.",
        group="Command line",
        keys={_PAL: ("Up",)},
    ),
    Action(
        id="palette.close",
        title="close",
        help="Close the command line.",
        group="Command line",
        keys={_PAL: ("Esc",)},
    ),
)

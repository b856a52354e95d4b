"""Actions of the SQL screen: its statement, its answer, what can be selected from."""

from __future__ import annotations

from stockpulse_engine.actions.registry_types import Action, Context

_S, _R = Context.SQL, Context.RESULT

SQL = (
    Action(
        id="history.sql",
        title="sql",
        help="Ask the stored history in SQL; it reads and never writes.",
        group="History",
        codes=("SQL",),
        syntax="SQL [statement]",
        keys={Context.GLOBAL: ("F6",)},
        cli="sql STATEMENT",
    ),
    Action(
        id="sql.run",
        title="run",
        help="Run the statement.",
        group="SQL",
        keys={_S: ("Enter",), _R: ("r",)},
    ),
    Action(
        id="sql.cancel",
        title="end it",
        help="End the statement that is running.",
        group="SQL",
        keys={_S: ("Ctrl+C",), _R: ("Ctrl+C",)},
    ),
    Action(
        id="sql.newline",
        title="new line",
        help="Break the line; Enter runs the statement.",
        group="SQL",
        keys={_S: ("Ctrl+J",)},
    ),
    Action(
        id="sql.earlier",
        title="earlier",
        help="One line up; on the first line, the statement before.",
        group="SQL",
        keys={_S: ("Up",)},
    ),
    Action(
        id="sql.later",
        title="later",
        help="One line down; on the last line, the statement after.",
        group="SQL",
        keys={_S: ("Down",)},
    ),
    Action(
        id="sql.views",
        title="views",
        help="Show what can be selected from; Enter there puts a name into the statement.",
        group="SQL",
        keys={_S: ("F3",), _R: ("F3",)},
    ),
    Action(
        id="sql.edit",
        title="statement",
        help="Go back to the statement.",
        group="SQL",
        keys={_R: ("e", "i")},
    ),
    Action(
        id="sql.plot",
        title="plot",
        help="Draw the column of numbers under the cursor over time, or show the rows again.",
        group="SQL",
        keys={_R: ("p",)},
    ),
    Action(
        id="sql.export",
        title="write file",
        help="Write the rows to a file: .csv, .json or .parquet.",
        group="SQL",
        codes=("EXPORT",),
        syntax="EXPORT file",
        keys={_R: ("x",)},
    ),
    Action(
        id="watch.universe",
        title="universe",
        help="Add the members of a universe to the group, those that are traded here.",
        group="Watchlist",
        codes=("UNIVERSE",),
        syntax="UNIVERSE name",
        cli="universe show NAME",
    ),
)

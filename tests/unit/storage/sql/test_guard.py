"""Only one SELECT, or the EXPLAIN of one, gets past the guard."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.storage.sql.guard import MAX_STATEMENT, check_statement

READS = (
    "select 1",
    "FROM bars",
    "with a as (select 1) select * from a",
    "values (1)",
    "describe bars",
    "summarize select 1",
    "show tables",
    "table bars",
    "select 'copy x to y; drop table z'",
    "select 1 -- drop table x",
    "select 1;",
)
WRITES = (
    "copy (select 1) to '/tmp/x.csv'",
    "copy t from 'x.csv'",
    "attach 'x.db'",
    "detach x",
    "export database 'x'",
    "import database 'x'",
    "pragma database_list",
    "install httpfs",
    "load httpfs",
    "set threads=1",
    "reset threads",
    "use x",
    "call pragma_version()",
    "checkpoint",
    "vacuum",
    "analyze",
    "create table t(i int)",
    "create view v as select 1",
    "insert into t values(1)",
    "update t set i=1",
    "delete from t",
    "drop table t",
    "alter table t add column j int",
    "comment on table t is 'x'",
    "merge into t using t on (true) when matched then delete",
    "prepare p as select 1",
    "execute p",
    "begin",
    "create secret s (type s3)",
)


@pytest.mark.parametrize("text", READS)
def test_what_reads_is_run(text: str) -> None:
    statement, is_explain = check_statement(text)
    assert statement == text.rstrip(";")
    assert not is_explain


@pytest.mark.parametrize("text", WRITES)
def test_what_writes_or_changes_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        check_statement(text)
    assert "SELECT" in caught.value.fix


@pytest.mark.parametrize("text", WRITES)
@pytest.mark.parametrize(
    "lead", ["explain ", "explain analyze ", "/* x */ explain analyze /* y */ ", "EXPLAIN (ANALYZE) "]
)
def test_explaining_is_no_way_around(lead: str, text: str) -> None:
    with pytest.raises(InvalidValueError):
        check_statement(lead + text)


@pytest.mark.parametrize("lead", ["explain ", "EXPLAIN ANALYZE ", "-- why\nexplain /* so */ analyze "])
def test_a_select_can_be_explained(lead: str) -> None:
    assert check_statement(f"{lead}select 1")[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no statement"),
        ("select 1; select 2", "2 statements"),
        ("selec 1", "selec"),
        ("select '" + "x" * MAX_STATEMENT + "'", "100,000"),
    ],
)
def test_what_can_not_be_run_says_why(text: str, says: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        check_statement(text)
    assert says in caught.value.message
    assert caught.value.fix

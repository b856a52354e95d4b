"""The shape of the code in numbers: sizes, names, docstrings, and no unfinished business.

Run by `make check`; exit 1 and one line per finding where something is out of shape.
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("src", "tests", "scripts")

FILE_MOST, FILE_P95, FILE_MEDIAN = 600, 400, 150
FUNCTION_MOST, FUNCTION_P95, FUNCTION_MEDIAN = 70, 30, 7
APP_MOST = 300
BANNED_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
UNFINISHED = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b|\bNotImplementedError\b")
UNREASONED = re.compile(r"#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type:\s*ignore(\[[\w, -]+\])?)\s*$")


class Function(NamedTuple):
    """A function's place and its length without decorators and docstring."""

    place: str
    lines: int


class Source(NamedTuple):
    """One file, parsed."""

    path: Path
    name: str
    text: str
    tree: ast.Module


def read_sources(root: Path, broken: list[str]) -> Iterator[Source]:
    """Every Python file under src, tests and scripts; what does not parse goes to `broken`."""
    for path in (path for place in PLACES for path in sorted((root / place).rglob("*.py"))):
        name = str(path.relative_to(root))
        text = path.read_text(encoding="utf-8")
        try:
            yield Source(path, name, text, ast.parse(text))
        except SyntaxError as error:
            broken.append(f"{name}:{error.lineno}: {error.msg}")


def functions(source: Source) -> Iterator[Function]:
    """Every function in a file, inner ones included."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(f"{source.name}:{node.lineno} {node.name}", _length(node))


def findings(files: list[Source]) -> Iterator[str]:
    """Everything out of shape, a line each."""
    for source in files:
        yield from _of_file(source)
        yield from _of_lines(source)
        if source.name.startswith("src/"):
            yield from _of_docstrings(source)
        for function in functions(source):
            if function.lines > FUNCTION_MOST:
                yield f"{function.place}: {function.lines} lines, most {FUNCTION_MOST}"
    ours = [source for source in files if source.name.startswith("src/")]
    yield from _spread("files", (source.text.count("\n") for source in ours), FILE_MEDIAN, FILE_P95)
    lengths = (function.lines for source in ours for function in functions(source))
    yield from _spread("functions", lengths, FUNCTION_MEDIAN, FUNCTION_P95)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return lines


def _of_file(source: Source) -> Iterator[str]:
    most = APP_MOST if source.path.name == "app.py" else FILE_MOST
    lines = source.text.count("\n")
    if lines > most:
        yield f"{source.name}: {lines} lines, most {most}"
    if BANNED_NAMES & {source.path.stem, source.path.parent.name}:
        yield f"{source.name}: the name says nothing; name what it does"
    if source.text.strip() and ast.get_docstring(source.tree) is None:
        yield f"{source.name}: no module docstring"


def _of_lines(source: Source) -> Iterator[str]:
    if source.path == Path(__file__):
        return  # the patterns themselves
    for number, line in enumerate(source.text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield f"{source.name}:{number}: unfinished: {line.strip()[:80]}"
        if UNREASONED.search(line):
            yield f"{source.name}:{number}: an exception without its reason: {line.strip()[-60:]}"


def _of_docstrings(source: Source) -> Iterator[str]:
    for owner, node in _public(source.tree, ""):
        if ast.get_docstring(node) is None:
            yield f"{source.name}:{node.lineno}: {owner}{node.name} has no docstring"


def _public(
    tree: ast.Module | ast.ClassDef, owner: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not any(ast.unparse(mark).endswith((".setter", "overload", "override")) for mark in node.decorator_list):
            yield owner, node
        if isinstance(node, ast.ClassDef):
            yield from _public(node, f"{node.name}.")


def _spread(what: str, values: Iterable[int], median: int, p95: int) -> Iterator[str]:
    ordered = sorted(values)
    if not ordered:
        return
    middle, high = statistics.median(ordered), ordered[int(len(ordered) * 0.95) - 1]
    if middle > median:
        yield f"src: {what} have {middle:g} lines in the median, aim {median}"
    if high > p95:
        yield f"src: 95 % of {what} have up to {high} lines, aim {p95}"


def main() -> int:
    """Print what is out of shape; 1 when there is something."""
    broken: list[str] = []
    files = list(read_sources(ROOT, broken))
    found = [*broken, *findings(files)]
    for line in found:
        print(line)
    print(f"shape: {len(files)} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Running a study's graph: over whole columns at once, then on from bar to bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.indicators.own.lines import Line, Node, Price, Step, Values

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

Place = tuple[int, int]
"""A node's number in the order of computing, and which of its outputs."""


class Graph:
    """The nodes behind some lines, each once, in an order in which every input is made before it is read."""

    def __init__(self, outputs: Sequence[Line]) -> None:
        self._nodes: list[Node] = []
        self._numbers: dict[int, int] = {}
        self._outputs = [self._place(line) for line in outputs]
        self._inputs = [tuple(self._place(line) for line in node.inputs) for node in self._nodes]

    def run(self, names: Sequence[str], series: Mapping[str, FloatArray]) -> tuple[list[FloatArray], Live]:
        """The outputs over whole columns, and the study after them, to be carried on with the series in `names`."""
        made: list[Sequence[FloatArray]] = []
        steps: list[Step] = []
        for node, inputs in zip(self._nodes, self._inputs, strict=True):
            given = (
                [series[node.name]] if isinstance(node, Price) else [made[number][index] for number, index in inputs]
            )
            columns, step = node.start(given)
            made.append(columns)
            steps.append(step)
        fed = [node.name if isinstance(node, Price) else "" for node in self._nodes]
        live = Live(names, list(zip(fed, self._inputs, steps, strict=True)), self._outputs)
        return [made[number][index] for number, index in self._outputs], live

    def _place(self, line: Line) -> Place:
        return self._number(line.node), line.index

    def _number(self, node: Node) -> int:
        known = self._numbers.get(id(node))
        if known is not None:
            return known
        for line in node.inputs:
            self._number(line.node)
        self._nodes.append(node)
        self._numbers[id(node)] = len(self._nodes) - 1
        return len(self._nodes) - 1


class Live:
    """A graph after some bars, with the same `update` and `peek` as a handle of TA-Lib has."""

    def __init__(
        self, names: Sequence[str], steps: Sequence[tuple[str, tuple[Place, ...], Step]], outputs: Sequence[Place]
    ) -> None:
        self._names = names
        self._steps = steps
        self._outputs = outputs

    def update(self, *values: float) -> Values:
        """Take one bar: the series the study reads, in its order."""
        row = dict(zip(self._names, values, strict=True))
        made: list[Values] = []
        for name, inputs, step in self._steps:
            made.append((row[name],) if name else step.take([made[number][index] for number, index in inputs]))
        return tuple(made[number][index] for number, index in self._outputs)

    def peek(self, *values: float) -> Values:
        """The outputs if the next bar were this one."""
        row = dict(zip(self._names, values, strict=True))
        made: list[Values] = []
        for name, inputs, step in self._steps:
            made.append((row[name],) if name else step.peek([made[number][index] for number, index in inputs]))
        return tuple(made[number][index] for number, index in self._outputs)

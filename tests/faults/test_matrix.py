from __future__ import annotations

import pytest

from tests.faults.matrix import ASYNC, FAULTS, STYLES, Fault, problem_of, run_cell

BLOCKING = [style for style in STYLES if style not in ASYNC]
CELLS = [
    (fault, style)
    for number, fault in enumerate(FAULTS)
    for style in (BLOCKING[number % len(BLOCKING)], ASYNC[number % len(ASYNC)])
]
"""Each fault in a blocking style and in one on an event loop, all styles in turn."""


@pytest.mark.parametrize(("fault", "style"), CELLS, ids=lambda value: getattr(value, "name", value))
def test_cell(fault: Fault, style: str) -> None:
    """`python -m tests.faults` runs all styles."""
    assert problem_of(fault, style, run_cell(fault, style)) == ""

from __future__ import annotations

import pytest

from tests.faults.matrix import FAULTS, Fault, problem_of, run_cell


@pytest.mark.parametrize("style", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_cell(fault: Fault, style: str) -> None:
    """`python -m tests.faults` runs the other styles too."""
    assert problem_of(fault, style, run_cell(fault, style)) == ""

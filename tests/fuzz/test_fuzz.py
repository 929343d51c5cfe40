"""A short run of the fuzzing, and all that it has found; `python -m tests.fuzz` looks for more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import grounded, interactions, targets
from tests.fuzz.corpus import CORPUS

TARGETS = {**targets.TARGETS, **grounded.TARGETS, **interactions.TARGETS}
KEPT = [(name, index) for name, kept in CORPUS.items() for index in range(len(kept))]


@pytest.mark.parametrize(("name", "index"), KEPT)
def test_what_was_found_stays_mended(name, index):
    TARGETS[name].run(CORPUS[name][index])


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "agents"])  # which take long
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_odd_input_raises_typed_errors_at_most(name, data):
    TARGETS[name].run(data.draw(TARGETS[name].inputs))

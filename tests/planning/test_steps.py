"""Requests of several steps."""

from __future__ import annotations

import pytest

from langchain_codeexec.planning.rules.steps import steps


@pytest.mark.parametrize(
    ("text", "computing", "others"),
    [
        ("Compute 6 * 7, then order that many lamps.", ("Compute 6 * 7",), ("order that many lamps.",)),
        (
            "Look up the stock, calculate what is missing, and place an order.",
            ("calculate what is missing",),
            ("Look up the stock", "place an order."),
        ),
        ("Get both prices and plot them.", ("plot them.",), ("Get both prices",)),
        ("What is 17 * 23?", (), ("What is 17 * 23?",)),
        ("compute " * 100, (), ()),
        ("", (), ()),
    ],
)
def test_steps(text: str, computing: tuple, others: tuple) -> None:
    found = steps(text)
    assert (found.computing, found.others) == (computing, others)

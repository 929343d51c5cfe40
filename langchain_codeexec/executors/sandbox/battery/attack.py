"""What an attack is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.executors.sandbox.battery.scene import Scene

    Evidence: TypeAlias = Callable[[Scene, ExecutionResult], bool]

__all__ = ["PROOF", "Attack", "printed_proof"]

PROOF = "breached"
"""Printed by programs that can tell by themselves that they have got what they wanted."""


def printed_proof(scene: Scene, result: ExecutionResult) -> bool:  # noqa: ARG001 -- one signature for all evidence
    """Whether the program says that it has succeeded."""
    return PROOF in result.stdout


@dataclass(frozen=True)
class Attack:
    """A program that tries to get something it must not have.

    Attributes:
        name: What it tries.
        code: The program; `scene` is a dict that tells it where things are, `PROOF` what to print.
        seen: Whether it has succeeded, judged from outside where that is possible.
        earlier: A program that is run before, in a run of its own.
        control: Who succeeds with it in a plain subprocess: `anybody`, `root`, or `nobody` where that would
            harm the machine or depends on how its kernel was built.
        timeout: Seconds it is given.
    """

    name: str
    code: str
    seen: Evidence = printed_proof
    earlier: str = ""
    control: str = "anybody"
    timeout: float = 10.0

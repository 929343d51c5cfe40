"""The runs of executions in what LangChain's tracers have collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.tracers.schemas import Run


def executions(runs: list[Run], above: str = "") -> Iterator[tuple[str, Run]]:
    """The runs of executions, each with the name of the run it is below."""
    for run in runs:
        if run.name == "code_interpreter":
            yield above, run
        yield from executions(run.child_runs, run.name)

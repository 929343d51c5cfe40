"""`doctor --sandbox`: attacks of all kinds against every mode of the sandbox, on this machine."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from langchain_codeexec.cli.terminal import spinner
from langchain_codeexec.executors.sandbox.battery.report import MODES_HERE, report_of_mode
from langchain_codeexec.records.visible import visible

__all__ = ["has_breaches", "sandbox_report", "shown_sandbox_report"]


def sandbox_report() -> dict[str, Any]:
    """What became of the attacks, by mode; see `report_of_mode`.

    Raises:
        ExecutorError: The sandbox failed.
    """
    report = {}
    for mode in MODES_HERE:
        with spinner(f"attacking the sandbox ({mode})"):
            report[mode] = report_of_mode(mode)
    return report


def has_breaches(report: dict[str, Any]) -> bool:
    """Whether a mode did not hold something that it should."""
    return any(set(found["breaches"]) - set(found["known"]) for found in report.values())


def shown_sandbox_report(report: dict[str, Any]) -> RenderableType:
    """The report for the console."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for mode, found in report.items():
        unknown = [name for name in found["breaches"] if name not in found["known"]]
        good = None if found["missing"] else not unknown
        mark = {True: Text("✓", "green"), False: Text("✗", "red"), None: Text("·", "dim")}[good]
        table.add_row(mark, mode, Text(visible(_in_words(found, unknown))))
    taken = next((mode for mode, found in report.items() if not found["missing"]), None)
    line = (
        f"LocalSandbox takes {taken} here. The attacks were run as {_who()}."
        if taken
        else "LocalSandbox refuses to run anything here."
    )
    return Group(Text("Sandbox", "bold"), table, Text(line))


def _who() -> str:
    """Whom the attacks were run as; another may be able to do more."""
    return "root" if os.geteuid() == 0 else "an ordinary user"


def _in_words(found: dict[str, Any], unknown: list[str]) -> str:
    if found["missing"]:
        return f"not to be had: {found['missing']}"
    held = found["attacks"] - len(found["breaches"])
    words = f"{held} of {found['attacks']} attacks held"
    if found["known"]:
        words += f"; known not to be held in this mode: {', '.join(found['known'])}"
    if unknown:
        words += f"; NOT HELD: {', '.join(unknown)}. Please report this."
    return words

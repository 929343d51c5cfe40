"""`doctor --sandbox`: attacks of all kinds against every mode of the sandbox, on this machine.

Which of the optional libraries are there.

`doctor`: what is configured, what would be used, what is missing.
"""

import json
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, metadata, version
from importlib.util import find_spec
from typing import Annotated, Any, Final

import typer
from packaging.requirements import Requirement
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from langchain_codeexec.cli.configuration import VARIABLES, read_configuration
from langchain_codeexec.cli.output import FAILED, MISUSED, Debug, own_version, reported, results, spinner
from langchain_codeexec.errors import ExecutorError
from langchain_codeexec.executions import ExecutionRequest
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.executors.default import ALLOW_UNSAFE, DefaultExecutor
from langchain_codeexec.records.terminal import visible
from langchain_codeexec.sandbox.battery.running import MODES_HERE, report_of_mode

__all__ = ["Extra", "doctor", "extras", "has_breaches", "sandbox_report", "shown_sandbox_report"]


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


Extra = dict[str, str | None]
"""Version of each library of an extra; `None` for one that is missing or too old."""

_OWN_NAME: Final = "langchain-codeexec"


def extras() -> dict[str, Extra]:
    """The extras of this package with their libraries, as its metadata declares them."""
    try:
        declared = metadata(_OWN_NAME)
    except PackageNotFoundError:
        return {}
    names = declared.get_all("Provides-Extra") or []
    requirements = declared.get_all("Requires-Dist") or []
    return {name: dict(_libraries(requirements, name)) for name in names if name != "all"}


def _libraries(requirements: list[str], extra: str) -> Iterator[tuple[str, str | None]]:
    for requirement in map(Requirement, requirements):
        is_own = re.sub(r"[-_.]+", "-", requirement.name).lower() == _OWN_NAME
        if requirement.marker is None or is_own:
            continue
        if requirement.marker.evaluate({"extra": extra}) and not requirement.marker.evaluate({"extra": ""}):
            yield requirement.name, _installed(requirement)


def _installed(requirement: Requirement) -> str | None:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return None
    return found if requirement.specifier.contains(found, prereleases=True) else None


_NONE = f"none: code runs as you, with your files and network, because {ALLOW_UNSAFE} allows it"
_PROBE = ExecutionRequest("print(6 * 7)", timeout=20.0)


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox", help="Attack the sandbox in every mode this system allows, and nothing else."
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Show what is configured, what would be used and what is missing; no value of a secret is shown."""
    with reported(debug=debug):
        if sandbox:
            _attack(as_json=as_json)
            return
        with spinner("looking around"):
            report = _report()
        if as_json:
            typer.echo(json.dumps(report, indent=2))
        else:
            results().print(_shown(report))
    if not report["offline"]["ready"]:
        raise typer.Exit(MISUSED)


def _attack(*, as_json: bool) -> None:
    report = sandbox_report()
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        results().print(shown_sandbox_report(report))
    if has_breaches(report):
        raise typer.Exit(FAILED)


def _report() -> dict[str, Any]:
    offline, sandbox = _offline()
    return {
        "version": own_version(),
        "python": platform.python_version(),
        "platform": platform.system(),
        "offline": offline,
        "live": asdict(read_configuration()),
        "sandbox": sandbox,
        "environment": {name: bool(os.environ.get(name)) for name in VARIABLES},
        "extras": extras(),
    }


def _offline() -> tuple[dict[str, Any], str]:
    """Whether the emulator could answer, found out by running a program; and how that was isolated."""
    executor = DefaultExecutor()
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    trouble = _trouble(executor)
    mode = "" if trouble else executor.isolation()
    isolated = f"LocalSandbox isolates programs here ({mode}); `doctor --sandbox` attacks it"
    sandbox = "no program could be run" if trouble else isolated if mode else _NONE
    if missing:
        remedy = f"{' and '.join(missing)} missing: pip install 'langchain-codeexec[emulator]'"
        return {"ready": False, "detail": remedy}, sandbox
    if trouble:
        return {"ready": False, "detail": trouble}, sandbox
    return {"ready": True, "detail": "the emulator can answer and run code (no language model)"}, sandbox


def _trouble(executor: CodeExecutor) -> str:
    """Why programs cannot be run; empty if they can."""
    try:
        result = executor.run(_PROBE)
    except ExecutorError as error:
        return f"code cannot be run here: {error}"
    return "" if result.stdout == "42\n" else f"a program that should print 42 did not: {result.output}"


# -- on the console ------------------------------------------------------------------------------------


def _shown(report: dict[str, Any]) -> RenderableType:
    live = report["live"]
    facts = _rows()
    _row(facts, report["offline"]["ready"], "offline", report["offline"]["detail"])
    _row(facts, live["ready"], "--live", _live(live))
    _row(facts, None, "service", f"{live['service'] or 'none'} ({live['why']})")
    _row(facts, None, "credentials", live["credentials"] or "none found")
    _row(facts, None, "sandbox", report["sandbox"])
    environment = _rows()
    for name, is_set in report["environment"].items():
        _row(environment, is_set or None, name, "set" if is_set else "not set")
    libraries = _rows()
    for extra, versions in report["extras"].items():
        _row(libraries, None not in versions.values(), extra, _libraries_doctor(extra, versions))
    title = f"langchain-codeexec {report['version']}, Python {report['python']}, {report['platform']}"
    parts: list[RenderableType] = [
        Text(title, "bold"),
        "",
        facts,
        "",
        Text("Environment", "bold"),
        environment,
    ]
    return Group(*parts, "", Text("Extras", "bold"), libraries)


def _live(live: dict[str, Any]) -> str:
    return "could be used; whether the service accepts it was not tried" if live["ready"] else live["remedy"]


def _libraries_doctor(extra: str, versions: dict[str, str | None]) -> str:
    listed = ", ".join(f"{name} {found or 'missing or too old'}" for name, found in versions.items())
    return listed if None not in versions.values() else f"{listed}; pip install 'langchain-codeexec[{extra}]'"


def _rows() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _row(table: Table, good: bool | None, name: str, detail: str) -> None:
    mark = {True: Text("✓", "green"), False: Text("✗", "red"), None: Text("·", "dim")}[good]
    table.add_row(mark, name, Text(visible(detail)))

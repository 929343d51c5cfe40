"""`doctor`: what is configured, what would be used and what is missing; whether the sandbox holds here."""

import json
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from packaging.requirements import Requirement
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from langchain_codeexec import __version__, records
from langchain_codeexec.cli import options
from langchain_codeexec.cli.output import FAILED, MISUSED, in_flags, reported, results, spinner
from langchain_codeexec.errors import ConfigurationError, ExecutorError
from langchain_codeexec.executions import ExecutionRequest
from langchain_codeexec.gemini.endpoints import (
    BASE_URL_VARIABLES,
    FLAG_VARIABLES,
    KEY_VARIABLES,
    ResolvedEndpoint,
    resolve_endpoint,
)

__all__ = ["VARIABLES", "doctor", "read_configuration"]


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox", help="Attack the sandbox in every mode this system allows, and nothing else."
        ),
    ] = False,
    debug: options.Debug = False,
) -> None:
    """Show what is configured, what would be used and what is missing; no value of a secret is shown."""
    with reported(debug=debug, as_json=as_json):
        report = _attacks() if sandbox else _report()
        if as_json:
            typer.echo(json.dumps(report, indent=2))
        else:
            results().print(_render_attacks(report) if sandbox else _render(report))
    if sandbox and any(set(mode["breaches"]) - set(mode["known"]) for mode in report.values()):
        raise typer.Exit(FAILED)
    if not sandbox and not report["offline"]["ready"]:
        raise typer.Exit(MISUSED)


# -- the configuration ---------------------------------------------------------------------------------

VARIABLES: Final = (
    *KEY_VARIABLES,
    *FLAG_VARIABLES,
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_APPLICATION_CREDENTIALS",
    *BASE_URL_VARIABLES.values(),
)
"""All that has a say in which service is used and how it is paid."""

_SERVICES: Final = {"vertex": "Vertex AI", "developer": "Gemini Developer API"}
_KINDS: Final = {
    "service_account": "service account key",
    "authorized_user": "gcloud sign-in",
    "external_account": "workload identity federation",
    "impersonated_service_account": "impersonated service account",
}
_SIGN_IN: Final = (
    "no credentials in the usual places; run `gcloud auth application-default login`, or set "
    "GOOGLE_API_KEY (a machine on Google Cloud may have credentials of its own)"
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What `--live` would use."""

    service: str | None  # name of the service; `None` if none is configured
    why: str  # why this service, or why none
    credentials: str | None  # kind of the credentials; `None` if there are none
    ready: bool  # whether a request could be sent
    remedy: str = ""  # what is missing and how to get it; empty if nothing is


def read_configuration(environ: Mapping[str, str]) -> Configuration:
    """Find out what `--live` would use; nothing is sent.

    Whether the service accepts the credentials is not known, and the metadata server of a machine on Google
    Cloud is not asked.
    """
    kind, project, problem = _default_credentials(environ)
    try:
        resolved = resolve_endpoint(
            environ=environ, default_project=lambda: project or _gcloud_project(environ)
        )
    except ConfigurationError as error:
        return Configuration(None, "not configured", None, ready=False, remedy=_redacted(error, environ))
    service, why = _SERVICES[resolved.endpoint.kind], _reason(resolved, environ)
    if resolved.api_key is not None:
        name = next(name for name in KEY_VARIABLES if environ.get(name))
        return Configuration(service, why, f"API key ({name})", ready=True)
    if not resolved.needs_credentials:
        return Configuration(service, why, "none needed: the base URL is not Google's", ready=True)
    remedy = "" if kind else problem or _SIGN_IN
    return Configuration(service, why, kind, ready=kind is not None, remedy=remedy)


def _reason(resolved: ResolvedEndpoint, environ: Mapping[str, str]) -> str:
    flag = next((name for name in FLAG_VARIABLES if environ.get(name, "").strip()), None)
    kind = resolved.endpoint.kind
    if flag:
        why = f"{flag} says so"
    elif kind == "vertex":
        why = "GOOGLE_CLOUD_PROJECT is set and no API key"
    else:
        why = "an API key is set" if any(map(environ.get, KEY_VARIABLES)) else "the default"
    base_url = BASE_URL_VARIABLES[kind]
    return f"{why}, at {base_url}" if environ.get(base_url) else why


def _default_credentials(environ: Mapping[str, str]) -> tuple[str | None, str | None, str]:
    """Kind and project of the application default credentials, or what is wrong with them."""
    variable = environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    path = Path(variable) if variable else _gcloud_file(environ)
    if not variable and not path.is_file():
        return None, None, ""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        where = "the file GOOGLE_APPLICATION_CREDENTIALS names" if variable else "gcloud's credentials file"
        return None, None, f"{where} cannot be read as credentials; sign in again or correct the variable"
    project = content.get("project_id")
    kind = _KINDS.get(content["type"], "credentials of another kind")
    return kind, project if isinstance(project, str) else None, ""


def _gcloud_project(environ: Mapping[str, str]) -> str | None:
    """The project of gcloud's configuration, which google-auth takes where gcloud's credentials name none."""
    if environ.get("GOOGLE_APPLICATION_CREDENTIALS") or not _gcloud_file(environ).is_file():
        return None
    from google.auth._cloud_sdk import get_project_id  # noqa: PLC0415 -- rarely needed; asks gcloud as google-auth does

    project: str | None = get_project_id()  # type: ignore[no-untyped-call]  # google-auth annotates little
    return project


def _gcloud_file(environ: Mapping[str, str]) -> Path:
    """Where gcloud keeps the application default credentials (source: google-auth's documentation)."""
    if configured := environ.get("CLOUDSDK_CONFIG"):
        folder = Path(configured)
    elif roaming := environ.get("APPDATA"):
        folder = Path(roaming) / "gcloud"
    else:
        folder = Path(environ.get("HOME") or Path.home()) / ".config" / "gcloud"
    return folder / "application_default_credentials.json"


def _redacted(error: Exception, environ: Mapping[str, str]) -> str:
    """An error's text without the values of the variables it may quote."""
    text = str(error)
    for name in VARIABLES:
        if value := environ.get(name):
            text = text.replace(repr(value), f"${name}")
    return text


# -- the whole report ----------------------------------------------------------------------------------

_PACKAGE: Final = "langchain-codeexec"
_PROBE: Final = ExecutionRequest("print(6 * 7)", timeout=20.0)


def _report() -> dict[str, Any]:
    with spinner("looking around"):
        offline, sandbox = _offline()
        return {
            "version": __version__,
            "python": platform.python_version(),
            "platform": platform.system(),
            "offline": offline,
            "live": asdict(read_configuration(os.environ)),
            "sandbox": sandbox,
            "environment": {name: bool(os.environ.get(name)) for name in VARIABLES},
            "extras": _extras(),
        }


def _offline() -> tuple[dict[str, Any], str]:
    """Whether the emulator could answer, found out by running a program; and how that was isolated."""
    from langchain_codeexec.executors.default import ALLOW_UNSAFE, DefaultExecutor  # noqa: PLC0415 -- `--help` runs no code

    executor = DefaultExecutor()
    try:
        result = executor.run(_PROBE)
        failed = result.stdout != "42\n"
        problem = f"a program that should print 42 did not: {result.output}" if failed else ""
    except ExecutorError as error:
        problem = f"code cannot be run here: {error}"
    mode = "" if problem else executor.isolation()
    unsafe = f"none: code runs as you, with your files and network, because {ALLOW_UNSAFE} allows it"
    isolated = f"LocalSandbox isolates programs here ({mode}); `doctor --sandbox` attacks it"
    sandbox = "no program could be run" if problem else isolated if mode else unsafe
    if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        problem = f"{' and '.join(missing)} missing: pip install '{_PACKAGE}[emulator]'"
    detail = problem or "the emulator can answer and run code (no language model)"
    return {"ready": not problem, "detail": detail}, sandbox


def _extras() -> dict[str, dict[str, str | None]]:
    """By extra of this package, the version of each library; `None` for one that is missing or too old."""
    try:
        package = metadata(_PACKAGE)
    except PackageNotFoundError:
        return {}
    names = package.get_all("Provides-Extra") or []
    requirements = [Requirement(text) for text in package.get_all("Requires-Dist") or []]
    return {name: dict(_libraries(requirements, name)) for name in names if name != "all"}


def _libraries(requirements: list[Requirement], extra: str) -> Iterator[tuple[str, str | None]]:
    for requirement in requirements:
        this_package = re.sub(r"[-_.]+", "-", requirement.name).lower() == _PACKAGE
        if requirement.marker is None or this_package:
            continue
        if requirement.marker.evaluate({"extra": extra}) and not requirement.marker.evaluate({"extra": ""}):
            yield requirement.name, _installed(requirement)


def _installed(requirement: Requirement) -> str | None:
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return None
    return installed if requirement.specifier.contains(installed, prereleases=True) else None


def _render(report: dict[str, Any]) -> RenderableType:
    live = report["live"]
    usable = "could be used; whether the service accepts it was not tried"
    facts = [
        (report["offline"]["ready"], "offline", report["offline"]["detail"]),
        (live["ready"], "--live", usable if live["ready"] else in_flags(live["remedy"])),
        (None, "service", f"{live['service'] or 'none'} ({live['why']})"),
        (None, "credentials", live["credentials"] or "none found"),
        (None, "sandbox", report["sandbox"]),
    ]
    environment = [
        (is_set or None, name, "set" if is_set else "not set")
        for name, is_set in report["environment"].items()
    ]
    extras = [_render_extra(extra, versions) for extra, versions in report["extras"].items()]
    title = f"{_PACKAGE} {report['version']}, Python {report['python']}, {report['platform']}"
    parts: list[RenderableType] = [Text(title, "bold"), "", _table(facts), "", Text("Environment", "bold")]
    return Group(*parts, _table(environment), "", Text("Extras", "bold"), _table(extras))


def _render_extra(extra: str, versions: Mapping[str, str | None]) -> tuple[bool, str, str]:
    missing = ", ".join(name for name, installed in versions.items() if installed is None)
    lines = [
        ", ".join(f"{name} {installed}" for name, installed in versions.items() if installed is not None),
        f"missing or too old: {missing}; pip install '{_PACKAGE}[{extra}]'" if missing else "",
    ]
    return not missing, extra, "\n".join(filter(None, lines))


def _table(rows: Sequence[tuple[bool | None, str, str]]) -> Table:
    """Rows of whether it is good, a name and a detail."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    marks = {True: Text("✓", "green"), False: Text("✗", "red"), None: Text("·", "dim")}
    for good, name, detail in rows:
        table.add_row(marks[good], name, Text(records.sections.visible(detail)))
    return table


# -- attacks on the sandbox ----------------------------------------------------------------------------


def _attacks() -> dict[str, Any]:
    """What became of the attacks, by mode; see `report_of_mode`."""
    from langchain_codeexec.sandbox.battery import MODES_HERE, report_of_mode  # noqa: PLC0415 -- as above

    report = {}
    for mode in MODES_HERE:
        with spinner(f"attacking the sandbox ({mode})"):
            report[mode] = report_of_mode(mode)
    return report


def _render_attacks(report: dict[str, Any]) -> RenderableType:
    from langchain_codeexec.sandbox.modes import REMEDIES  # noqa: PLC0415 -- as above

    rows = [_mode_row(mode, findings) for mode, findings in report.items()]
    mode = next((mode for mode, findings in report.items() if not findings["missing"]), None)
    user = "root" if hasattr(os, "geteuid") and os.geteuid() == 0 else "an ordinary user"
    line = (
        f"LocalSandbox takes {mode} here. The attacks were run as {user}."
        if mode
        else f"LocalSandbox refuses to run anything here. {REMEDIES}"
    )
    return Group(Text("Sandbox", "bold"), _table(rows), Text(line))


def _mode_row(mode: str, findings: dict[str, Any]) -> tuple[bool | None, str, str]:
    if findings["missing"]:
        return None, mode, f"not to be had: {findings['missing']}"
    unknown = [name for name in findings["breaches"] if name not in findings["known"]]
    held = findings["attacks"] - len(findings["breaches"])
    text = f"{held} of {findings['attacks']} attacks held"
    if findings["known"]:
        text += f"; known not to be held in this mode: {', '.join(findings['known'])}"
    if unknown:
        text += f"; NOT HELD: {', '.join(unknown)}. Please report this."
    return not unknown, mode, text

"""Rules that decide by a program's text whether it may run: allowed, asked about, or denied."""

from __future__ import annotations

import builtins
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from langchain_codeexec.control.program import ParsedProgram, Use, normal_path
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import ExecutionRequest

__all__ = ["Decision", "ExecutionPolicy", "Finding", "PolicyDecision", "Rule"]

Decision: TypeAlias = Literal["allow", "ask", "deny"]
"""From the mildest to the strictest."""
Rule: TypeAlias = Callable[[ParsedProgram], Decision | None]
"""A rule of one's own; `None` where it has nothing to say."""

_DECISIONS: Final[tuple[Decision, ...]] = get_args(Decision)
_PYTHON: Final = "PYTHON"
_MOST_SHOWN: Final = 8
"""Findings that a reason names."""
_NETWORK: Final = frozenset(
    (
        "socket _socket ssl _ssl socketserver select selectors asyncio.open_connection asyncio.start_server "
        "asyncio.streams asyncio.open_unix_connection http.client http.server urllib.request urllib.robotparser "
        "ftplib smtplib imaplib poplib nntplib telnetlib xmlrpc webbrowser wsgiref requests httpx aiohttp urllib3 "
        "httplib2 websocket websockets pycurl paramiko fabric boto3 botocore grpc zmq pika kafka redis pymongo "
        "psycopg psycopg2 pymysql sqlalchemy fsspec s3fs gcsfs google.cloud google.genai google.auth "
        "googleapiclient openai anthropic langchain huggingface_hub yfinance selenium playwright scrapy dns "
        "pip ensurepip nltk.download logging.handlers"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found.

    Attributes:
        decision: What it says.
        rule: The rule: `names['os']`, `dynamic`, `max_lines`, a function's name, or `default`.
        what: What it found: a name, a path, a size.
        line: The line; 0 for the program as a whole.
    """

    decision: Decision
    rule: str
    what: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.what} ({self.rule})" if self.what else f"{where}{self.rule}"


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """What a policy says of a program.

    Attributes:
        decision: The strictest of what its rules say.
        findings: What led to it, by line; none where the program is allowed.
    """

    decision: Decision
    findings: tuple[Finding, ...] = ()

    @property
    def rules(self) -> list[str]:
        """The rules that led to it."""
        return list(dict.fromkeys(finding.rule for finding in self.findings))

    @property
    def reason(self) -> str:
        """Its findings in words; empty where the program is allowed."""
        left_out = len(self.findings) - _MOST_SHOWN
        shown = "; ".join(map(str, self.findings[:_MOST_SHOWN]))
        return f"{shown}; and {left_out} more" if left_out > 0 else shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPolicy:
    """Says by a program's text whether it may run.

    The program is parsed, and never run. Of all that it uses, each thing is judged by the row that names it most
    closely, and by `default` where none does; the strictest of these decisions holds.

    **It is no sandbox.** A text shows what a program means to do, and can hide what it does: an object's methods
    are not known, and libraries open files and connections of their own. What cannot be told from the text is
    judged by `dynamic` and `unparsed`, and what code can reach at all is a matter of the executor.

    Attributes:
        names: Decisions by dotted names, as written in full (`os.system` however it was imported): of modules, of
            what lies in them, of builtins, of tools that programs can call. A name holds for all that lies below
            it unless a longer one is there; `builtins` for all builtins. A module that is passed on, or imported
            by `*`, counts as all that lies below it.
        reads: Decisions by path of files that are opened to be read (by `open`, `pathlib`, archives, `sqlite3`,
            readers of pandas and polars, and numpy's). A folder holds for all that is in it: `.` is the working
            directory, `..` what lies above, `/` the rest. A path that is computed counts as every path.
        writes: The same for files that are opened to be written.
        network: Of modules that connect to elsewhere, unless `names` has them.
        dynamic: Of what only a run would show: `eval`, `getattr` and imports of computed names, pickles, names
            like `__subclasses__`. `names` can decide for each, by the name in the finding.
        unparsed: Of what is no Python that can be parsed, by the version that runs this.
        default: Of names and files that no row covers. The language without its builtins needs none.
        max_bytes: The most UTF-8 bytes; a larger program is not parsed.
        max_lines: The most lines.
        max_nodes: The most nodes of the syntax tree.
        too_large: Of a program that has more.
        rules: Functions of the parsed program, which give a decision or `None`, and always the same for the same
            program: it is judged again after somebody has answered.

    Raises:
        ConfigurationError: A decision is none of `allow`, `ask`, `deny`, a rule is no function, or a limit is
            not above zero.

    Examples:
        >>> policy = ExecutionPolicy(network="deny", names={"subprocess": "deny", "os": "ask", "os.path": "allow"})
        >>> policy.check("from os import path; import socket").reason
        'line 1: socket (network)'
    """

    names: Mapping[str, Decision] = field(default_factory=dict)
    reads: Mapping[str, Decision] = field(default_factory=dict)
    writes: Mapping[str, Decision] = field(default_factory=dict)
    network: Decision | None = None
    dynamic: Decision = "ask"
    unparsed: Decision = "deny"
    default: Decision = "allow"
    max_bytes: int = 100_000
    max_lines: int | None = None
    max_nodes: int | None = None
    too_large: Literal["ask", "deny"] = "deny"
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        tables = {"names": self.names, "reads": self.reads, "writes": self.writes}
        for name, table in tables.items():
            if not isinstance(table, Mapping):
                raise ConfigurationError(f"{name} is a mapping of decisions, not {table!r:.100}")
            for row, decision in table.items():
                _check(f"{name}[{row!r}]", decision)
            rows = {row if name == "names" else normal_path(row): table[row] for row in table}
            object.__setattr__(self, name, rows)
        for name in ("dynamic", "unparsed", "default"):
            _check(name, getattr(self, name))
        if self.network is not None:
            _check("network", self.network)
        if self.too_large not in ("ask", "deny"):
            raise ConfigurationError(f"too_large is ask or deny, not {self.too_large!r}")
        for name in ("max_bytes", "max_lines", "max_nodes"):
            limit = getattr(self, name)
            is_none = limit is None and name != "max_bytes"
            if not is_none and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
                raise ConfigurationError(f"{name} must be a whole number above zero, not {limit!r}")
        if not isinstance(self.rules, tuple | list) or not all(map(callable, self.rules)):
            raise ConfigurationError(f"rules is a tuple of functions of a program, not {self.rules!r:.100}")
        object.__setattr__(self, "rules", tuple(self.rules))

    def check(self, program: ExecutionRequest | str, earlier: Iterable[str] = ()) -> PolicyDecision:
        """Judge a program.

        Args:
            program: The program, or its source text. A language other than Python is `unparsed`.
            earlier: Source texts of programs before it in its session, whose names it can use.

        Raises:
            ConfigurationError: A rule of one's own gives something else than a decision.
        """
        findings = list(self._findings(ExecutionRequest.of(program), earlier))
        decision = _strictest(finding.decision for finding in findings)
        if decision == "allow":
            return PolicyDecision(decision)
        first: dict[tuple[str, str], Finding] = {}
        for finding in sorted(findings, key=lambda one: one.line):
            if finding.decision == decision:
                first.setdefault((finding.rule, finding.what), finding)
        return PolicyDecision(decision, tuple(first.values()))

    def _findings(self, request: ExecutionRequest, earlier: Iterable[str]) -> Iterator[Finding]:
        code = request.code
        size = len(code.encode(errors="surrogatepass"))
        if size > self.max_bytes:
            yield Finding(self.too_large, "max_bytes", f"{size} bytes, and {self.max_bytes} are the limit")
            return
        if request.language.upper() != _PYTHON:
            yield Finding(self.unparsed, "unparsed", f"it is {request.language}, and not Python")
            return
        program = ParsedProgram.parse(code, earlier)
        sizes = {"max_lines": code.count("\n") + 1, "max_nodes": program.nodes if self.max_nodes else 0}
        for rule, count in sizes.items():
            if (limit := getattr(self, rule)) and count > limit:
                yield Finding(self.too_large, rule, f"{count} {rule[4:]}, and {limit} are the limit")
        for use in program.uses:
            yield from self._judged(use)
        for function in self.rules:
            name = str(getattr(function, "__name__", function))
            if (decision := function(program)) is not None:
                _check(f"what the rule {name} gives", decision)
                yield Finding(decision, name)

    def _judged(self, use: Use) -> Iterator[Finding]:
        """What is found of something that a program uses."""
        match use.kind:
            case "unparsed":
                yield Finding(self.unparsed, "unparsed", use.name, use.line)
            case "dynamic":
                what = use.name.removeprefix("builtins.")
                row = next((row for row in (use.name, what) if row in self.names), None)
                if row is None:
                    yield Finding(self.dynamic, "dynamic", what, use.line)
            case "read" | "write":
                table, what = f"{use.kind}s", use.name or "a file whose name is computed"
                yield from self._by_row(use, table, what, _places(use.name))
            case _:
                yield from self._by_row(use, "names", use.name.removeprefix("builtins."), _names(use.name))

    def _by_row(self, use: Use, table: str, what: str, closest: Iterable[str]) -> Iterator[Finding]:
        rows: Mapping[str, Decision] = getattr(self, table)
        row = next((row for row in closest if row in rows), None)
        if row is not None:
            yield Finding(rows[row], f"{table}[{row!r}]", what, use.line)
        elif self.network and use.kind == "name" and _connects(use):
            yield Finding(self.network, "network", what, use.line)
        elif use.kind != "possible":
            yield Finding(self.default, "default", what, use.line)
        if use.is_whole:
            for below, decision in rows.items():
                if _is_below(use, below):
                    yield Finding(decision, f"{table}[{below!r}]", f"{what}, which may be {below}", use.line)


def _connects(use: Use) -> bool:
    """Whether a name is that of a module that connects to elsewhere, or may be."""
    below = any(entry.startswith(f"{use.name}.") for entry in _NETWORK) if use.is_whole else False
    return below or not _NETWORK.isdisjoint(_names(use.name))


def _is_below(use: Use, row: str) -> bool:
    """Whether what a row names lies below what is used as a whole."""
    if use.kind in ("read", "write"):
        return True  # its path is computed
    return f"{row}.".startswith(f"{use.name}.") or (use.name == "builtins" and hasattr(builtins, row))


def _names(name: str) -> Iterator[str]:
    """The rows that a name is found in, the closest first."""
    if name.startswith("builtins."):
        yield name
        yield name.removeprefix("builtins.")
        yield "builtins"
        return
    while name:
        yield name
        name = name.rpartition(".")[0]


def _places(path: str) -> Iterator[str]:
    """The rows that a path is found in, the closest first."""
    place = ""
    while path and path != place:
        place = path
        yield place
        path = posixpath.dirname(place) or ("." if posixpath.basename(place) != ".." else place)


def _strictest(decisions: Iterable[Decision]) -> Decision:
    strictest: Decision = "allow"
    for decision in decisions:
        if _DECISIONS.index(decision) > _DECISIONS.index(strictest):
            strictest = decision
    return strictest


def _check(name: str, decision: Any) -> None:
    if decision not in _DECISIONS:
        raise ConfigurationError(f"{name} is one of {', '.join(_DECISIONS)}, not {decision!r}")

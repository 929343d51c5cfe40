"""Secrets and personal data in code and in what it printed, replaced before anything is stored or traced.

A redactor is any callable that is given a text and gives it back with its secrets replaced, and the kinds of what
it replaced. `Redactor` is one made of rules, each in the shape of a detector of `langchain.agents.middleware.pii`.
Code and results are redacted, which arrive whole in streams too. Prose, which streams cut anywhere, is not:
that is what `PIIMiddleware` is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias, TypeVar, cast

from langchain_core.messages import AIMessage

from langchain_codeexec.errors import ConfigurationError, MissingDependencyError
from langchain_codeexec.executions import CodeExecution, InlineFile
from langchain_codeexec.messages.code_blocks import CodeBlock, CodeCall, blocks_with_code
from langchain_codeexec.messages.signatures import without_signatures

__all__ = [
    "SECRETS",
    "Detector",
    "Redact",
    "Redaction",
    "Redactor",
    "checked_redactor",
    "kinds_in",
    "personal_data",
    "redact_message",
]

Json = dict[str, Any]
Redact: TypeAlias = Callable[[str], tuple[str, Collection[str]]]
"""Gives a text redacted, and the kinds of what was replaced."""
Detector: TypeAlias = Callable[[str], Sequence[Mapping[str, Any]]]
"""Gives the places of a text to replace: each with `type`, and `start` and `end` as indices of characters."""
Message = TypeVar("Message", bound=AIMessage)

_REDACTED: Final = "redacted"
"""Key in a block's `extras`: the kinds of what was replaced in it. It never goes over the wire."""
_KEPT: Final = frozenset({"type", "id", "tool_call_id", "index", "name", "language", "extras"})
"""Keys of a code block that hold nothing a program or a model wrote."""


class Redactor:
    """Replaces what detectors find by `[REDACTED_KIND]`.

    Args:
        *detectors: Rules: functions of a text, such as those of `SECRETS` and `personal_data()`, and every
            detector of `langchain.agents.middleware.pii`. By default `SECRETS`.

    Examples:
        >>> Redactor()("key = 'AKIAIOSFODNN7EXAMPLE'")
        ("key = '[REDACTED_AWS_ACCESS_KEY]'", ('aws_access_key',))

    Raises:
        ConfigurationError: A detector is no function.
    """

    def __init__(self, *detectors: Detector) -> None:
        for detector in detectors:
            if not callable(detector):
                raise ConfigurationError(
                    f"a detector is a function of a text, not {detector!r:.100}; several are given one by one, as "
                    "in Redactor(*SECRETS, *personal_data())"
                )
        self._detectors = detectors or SECRETS

    def __repr__(self) -> str:
        return f"Redactor{self._detectors!r}"

    def __call__(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text redacted, and the kinds of what was replaced, sorted."""
        found = [match for detect in self._detectors for match in detect(text)]
        pieces: list[str] = []
        end = 0
        for match in sorted(found, key=lambda match: (match["start"], -match["end"])):
            if match["start"] >= end:
                pieces += text[end : match["start"]], f"[REDACTED_{match['type'].upper()}]"
            end = max(end, match["end"])
        return "".join([*pieces, text[end:]]), tuple(sorted({match["type"] for match in found}))


class SecretDetector:
    """Finds the secrets of one kind by a pattern: the group `secret` of it, or all that it matches."""

    def __init__(self, kind: str, pattern: str) -> None:
        self.kind = kind
        self._pattern = re.compile(pattern, re.DOTALL)
        self._group = "secret" if "secret" in self._pattern.groupindex else 0

    def __call__(self, text: str) -> list[dict[str, Any]]:
        """Where the secrets are."""
        spans = (match.span(self._group) for match in self._pattern.finditer(text))
        return [{"type": self.kind, "start": start, "end": end} for start, end in spans]

    def __repr__(self) -> str:
        return f"SecretDetector({self.kind!r})"


_PATTERNS: Final[Mapping[str, str]] = {
    "private_key": r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)",
    "google_api_key": r"\bAIza[\w-]{35}(?![\w-])|\bAQ\.A[\w-]{30,200}",
    "google_oauth_token": r"\bya29\.[\w.-]{20,2048}|\b1//0[\w-]{30,200}|\bGOCSPX-[\w-]{28}",
    "aws_access_key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "aws_secret_key": r"(?i:aws_?secret_?(?:access_?)?key\W{1,8})(?P<secret>[A-Za-z0-9/+=]{40})(?![A-Za-z0-9/+=])",
    "azure_key": r"\b(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{40,88}={0,2})",
    "github_token": r"\b(?:gh[pousr]_[A-Za-z0-9_.-]{36,520}|github_pat_\w{22,255})",
    "gitlab_token": r"\bgl(?:pat|dt|rt|oas|cbt|ptt|ft|agent)-[\w.-]{20,300}",
    "openai_key": r"\bsk-(?!ant-)[\w-]{20,250}",
    "anthropic_key": r"\bsk-ant-[\w-]{20,250}",
    "huggingface_token": r"\bhf_[A-Za-z0-9]{30,60}\b",
    "langsmith_key": r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}\b",
    "slack_token": r"\bx(?:ox[abeoprs]|app)-[\w-]{10,400}|https://hooks\.slack\.com/services/[\w/]{20,100}",
    "stripe_key": r"\b(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,250}",
    "sendgrid_key": r"\bSG\.[\w-]{16,32}\.[\w-]{30,64}",
    "npm_token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "pypi_token": r"\bpypi-AgE[\w-]{50,300}",
    "jwt": r"\beyJ[\w-]{8,4096}\.eyJ[\w-]{8,16384}\.[\w-]{0,4096}",
    "bearer_token": r"(?i:\bauthorization\W{1,8}(?:bearer|basic)\s{1,4})(?P<secret>[\w.~+/=-]{8,8192})",
    "password": (
        r"(?i:(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,30}://[^\s:/@'\"]{0,200}:)(?P<secret>[^\s@/'\"]{1,200})(?=@)"
    ),
    "password_setting": r"(?i:[;\s'\"](?:password|pwd)\s{0,3}=\s{0,3})(?P<secret>[^\s;'\"]{1,200})(?=;)",
}
"""By the formats that their issuers document, or, for what has none of its own, by what stands before it: in URLs,
connection strings, headers. Repetitions are bounded, so that no text takes long."""

SECRETS: Final[tuple[Detector, ...]] = tuple(SecretDetector(*each) for each in _PATTERNS.items())
"""Detectors of keys, tokens, private keys and the passwords of connection strings."""


def personal_data() -> tuple[Detector, ...]:
    """LangChain's detectors of e-mail addresses, card numbers (by their checksum) and IP addresses.

    Raises:
        MissingDependencyError: `langchain` is not installed.
    """
    try:
        from langchain.agents.middleware.pii import (  # noqa: PLC0415 -- an extra
            detect_credit_card,
            detect_email,
            detect_ip,
        )
    except ImportError as error:
        raise MissingDependencyError("langchain", "agents") from error
    return detect_email, detect_credit_card, detect_ip


def checked_redactor(redact: Any) -> Redact | None:
    """The redactor of a setting.

    Raises:
        ConfigurationError: It is none.
    """
    if redact is not None and not callable(redact):
        raise ConfigurationError(
            f"redact is a function of a text, such as Redactor(), not {redact!r:.100}: it gives the text with its "
            "secrets replaced, and their kinds"
        )
    return cast("Redact | None", redact)


class Redaction:
    """Redacts the parts of one whole, and remembers what was found.

    Args:
        redact: A redactor; `None` leaves everything as it is.

    Attributes:
        kinds: Of what was replaced, each once, in the order found.
    """

    def __init__(self, redact: Redact | None) -> None:
        self._redact = redact
        self.kinds: list[str] = []

    def __bool__(self) -> bool:
        return self._redact is not None

    def text(self, text: str) -> str:
        """A text, redacted.

        Raises:
            ConfigurationError: The redactor does not give a text and kinds.
        """
        if self._redact is None:
            return text
        given: Any = self._redact(text)
        if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str)):  # noqa: PLR2004
            raise ConfigurationError(f"redact must give a text and kinds as a tuple, not {given!r:.20}")
        redacted: str = given[0]
        kinds: Collection[str] = given[1]
        self.kinds += [kind for kind in kinds if kind not in self.kinds]
        return redacted

    def value(self, value: Any) -> Any:
        """JSON with all its texts redacted, keys excepted."""
        if self._redact is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.value(each) for key, each in value.items()}
        return [self.value(each) for each in value] if isinstance(value, list | tuple) else value

    def code(self, block: CodeBlock) -> CodeBlock:
        """Code or a result, redacted."""
        if self._redact is None:
            return block
        if isinstance(block, CodeCall):
            return replace(block, code=self.text(block.code))
        return replace(block, output=self.text(block.output))

    def files(self, files: Iterable[InlineFile]) -> tuple[InlineFile, ...]:
        """Files with their names redacted; what is in them stays what it is."""
        return tuple(replace(file, name=self.text(file.name)) for file in files)

    def execution(self, execution: CodeExecution) -> CodeExecution:
        """The record of a run, redacted; images stay what they are."""
        if self._redact is None:
            return execution
        calls = [
            replace(
                call,
                args=self.value(call.args),
                result=self.value(call.result),
                error=self.value(call.error),
                artifact=self.value(call.artifact),
                remark=self.text(call.remark),
            )
            for call in execution.calls
        ]
        return replace(
            execution,
            code=self.text(execution.code),
            output=self.value(execution.output),
            images=self.files(execution.images),
            tried=tuple(map(self.text, execution.tried)),
            calls=tuple(calls),
            review=self.value(execution.review),
        )


def redact_message(message: Message, redact: Redact | None) -> Message:
    """Redact the blocks of an answer, or a chunk of one, that hold code or results; in place.

    A block that was changed says what was found in it (`extras["redacted"]`) and loses its thought signature,
    which is of another text. The service asks for signatures of function calls alone.
    """
    if redact is None or not isinstance(message.content, list):
        return message
    for number, (block, codes) in enumerate(blocks_with_code(message)):
        if codes and isinstance(block, dict):
            redaction = Redaction(redact)
            redacted = _redacted_block(block, redaction)
            if redaction.kinds:
                [redacted] = without_signatures([redacted])
                redacted["extras"] = {**redacted.get("extras", {}), _REDACTED: redaction.kinds}
                message.content[number] = redacted
    return message


def _redacted_block(block: Json, redaction: Redaction) -> Json:
    extras = block.get("extras")
    redacted = {key: value if key in _KEPT else redaction.value(value) for key, value in block.items()}
    if isinstance(extras, dict) and "part" in extras:  # what the block cannot express of its part
        redacted["extras"] = {**extras, "part": redaction.value(extras["part"])}
    return redacted


def kinds_in(block: Any) -> list[str]:
    """The kinds of what was replaced in a block."""
    extras = block.get("extras") if isinstance(block, dict) else None
    kinds = extras.get(_REDACTED) if isinstance(extras, dict) else None
    return kinds if isinstance(kinds, list) else []

"""Headers that go with every request."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from langchain_codeexec.errors import ConfigurationError

__all__ = ["request_headers"]

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def request_headers(own: Mapping[str, str]) -> dict[str, str]:
    """This package's headers and the caller's, names in lower case; the caller's win.

    Raises:
        ConfigurationError: A name or value cannot be sent; the message does not show the value.
    """
    headers = {"content-type": "application/json", "user-agent": _product(), "x-goog-api-client": _product()}
    if not isinstance(own, Mapping):
        raise ConfigurationError(f"headers must be a mapping of names to values, not {type(own).__name__}")
    for name, value in own.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigurationError(f"headers: {name!r} is not a header name")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise ConfigurationError(f"headers: the value of {name!r} must be one line of ASCII text")
        headers[name.lower()] = value
    return headers


@cache
def _product() -> str:
    try:
        release = version("langchain-codeexec")
    except PackageNotFoundError:  # run from a source tree that is not installed
        release = "unknown"
    return f"langchain-codeexec/{release} gl-python/{platform.python_version()}"

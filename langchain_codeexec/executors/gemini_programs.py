"""The programs that `GeminiExecutor` sends, and the check that what ran is what was sent.

A program goes as it stands, or behind lines that put its files under their names and repeat its session's earlier
programs; its files go as parts of the request, their types in the service's spelling.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from langchain_codeexec.errors import ExecutionRequestError
from langchain_codeexec.executions import ExecutionRequest, InlineFile
from langchain_codeexec.executors.base import source_bytes
from langchain_codeexec.executors.files import files_of
from langchain_codeexec.gemini.input_files import CODE_INPUT_TYPES, input_file_name
from langchain_codeexec.gemini.wire import Part

__all__ = [
    "UNREADABLE",
    "Program",
    "part_from_file",
    "program_from_requests",
    "same_program",
    "syntax_tree",
]

UNREADABLE: Final = (SyntaxError, ValueError, MemoryError, RecursionError, SystemError)
"""What `ast.parse` raises; the last one where Python 3.11 loses count of its depth in deep nesting."""

_SUFFIXES: Final[Mapping[str, str]] = {
    **{mime_type: suffix for suffix, mime_type in CODE_INPUT_TYPES.items()},
    "application/csv": ".csv",
    "application/javascript": ".js",
    "application/typescript": ".ts",
    "application/xml": ".xml",
    "image/jpg": ".jpeg",
    "text/x-c++": ".cpp",
    "text/x-java-source": ".java",
}


def part_from_file(file: InlineFile) -> Part:
    """The part that carries a file.

    Raises:
        ExecutionRequestError: The service takes no such file.
    """
    mime_type = CODE_INPUT_TYPES[_suffix(file)]
    return {"inlineData": {"mimeType": mime_type, "data": b64encode(file.data).decode("ascii")}}


def _suffix(file: InlineFile) -> str:
    """The suffix that the service gives a file: its MIME type decides, else the suffix of its name."""
    by_type = _SUFFIXES.get(file.mime_type.partition(";")[0].strip().lower())
    by_name = PurePath(file.name).suffix.lower().replace(".jpg", ".jpeg")
    suffix = by_type or by_name
    if suffix not in CODE_INPUT_TYPES:
        raise ExecutionRequestError(
            f"Gemini's sandbox takes no file like {file.name or 'this'} ({file.mime_type or 'no MIME type'}), "
            f"only {', '.join(CODE_INPUT_TYPES)}: convert it, or run the program in another executor"
        )
    return suffix


_NAMING: Final = """\
def _name_input_files(names):
    from pathlib import Path
    data = {path.stem: path.read_bytes() for path in sorted(Path().glob("input_file_*"))}
    for index, name in names.items():
        Path(name).write_bytes(data[f"input_file_{index}"])
"""
"""Puts files where a program expects them. Reading all before writing any lets two files swap their names."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is sent."""

    code: str
    files: tuple[InlineFile, ...]  # the files, in the order in which the service numbers them
    marker: str = ""  # printed before the program itself begins; empty if nothing is before it


def program_from_requests(requests: Sequence[ExecutionRequest]) -> Program:
    """The program that runs requests one after the other; a single one is sent as it stands where it can be.

    Raises:
        ExecutionRequestError: A file has a name or a type that cannot be sent, or the code is no text.
    """
    _check_text(requests[-1])
    files: list[InlineFile] = []
    pieces: list[str] = []
    marker = ""
    for number, request in enumerate(requests, 1):
        named = dict(enumerate(files_of(request).values(), len(files)))
        files += named.values()
        renamed = {
            index: file.name
            for index, file in named.items()
            if file.name != input_file_name(index, CODE_INPUT_TYPES[_suffix(file)])
        }
        if renamed:
            pieces += [] if _NAMING in pieces else [_NAMING]
            pieces.append(f"_name_input_files({renamed!r})")
        if number == len(requests) > 1:
            marker = _marker(pieces)
            pieces.append(f"print({marker!r})")
        pieces.append(request.code)
    return Program(_joined(pieces), tuple(files), marker)


def same_program(given: str, ran: str) -> bool:
    """Whether two sources are one program: the same but for layout and comments.

    Examples:
        >>> same_program("x=1  # one", "x = 1"), same_program("x = 1", "x = 2")
        (True, False)
    """
    if given.split() == ran.split() == []:
        return True
    tree = syntax_tree(given)
    if tree is None:
        return _lines(given) == _lines(ran)
    ran_tree = syntax_tree(ran)
    return ran_tree is not None and ast.dump(tree) == ast.dump(ran_tree)


def _check_text(request: ExecutionRequest) -> None:
    try:
        source_bytes(request).decode()
    except UnicodeDecodeError as error:
        raise ExecutionRequestError(f"the code is not valid Unicode text: {error}") from error


def _lines(code: str) -> list[str]:
    return [line.rstrip() for line in code.strip().splitlines()]


def syntax_tree(code: str) -> ast.Module | None:
    """The syntax tree of a program; `None` where it is no Python, or nested too deeply to be read."""
    try:
        with warnings.catch_warnings():  # what the compiler thinks of the code is told where it runs
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except UNREADABLE:
        return None


def _marker(pieces: Sequence[str]) -> str:
    """A line that no program prints by accident, the same for the same programs."""
    digest = hashlib.sha256("\0".join(pieces).encode()).hexdigest()
    return f"--- {digest[:32]} ---"


def _joined(pieces: Sequence[str]) -> str:
    """Sources as one. `from __future__` must stand before everything else, so it moves there."""
    if len(pieces) == 1:
        return pieces[0]
    split = [_without_futures(piece) for piece in pieces]
    futures = dict.fromkeys(future for imports, _ in split for future in imports)
    return "\n".join([*futures, *(body for _, body in split)])


def _without_futures(code: str) -> tuple[list[str], str]:
    """The `from __future__` imports of a source, and the source with `pass` in their places."""
    tree = syntax_tree(code) if "__future__" in code else None
    if tree is None:
        return [], code
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    source = code.encode()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in reversed(imports):
        first = starts[node.lineno - 1] + node.col_offset
        last = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        source = source[:first] + b"pass" + source[last:]
    return [ast.unparse(node) for node in imports], source.decode()

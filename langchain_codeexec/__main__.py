"""The entry point of the command line: `langchain-codeexec` and `python -m langchain_codeexec`."""

from __future__ import annotations

import io
import os
import sys

__all__ = ["main"]

_FAILED = 1
_USAGE_ERROR = 2
_INTERRUPTED = 130
_LIBRARIES = frozenset({"typer", "rich"})


def main() -> int:
    """Run the command line.

    Returns:
        2 where its libraries are missing, 1 where what it prints cannot be written, 130 where it is interrupted
        as it starts; otherwise it leaves with the command's own exit code.
    """
    sys.stdin = sys.stdin or io.StringIO()  # of a service or a closed pipe
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a sign the terminal cannot show is no reason to stop
    try:
        from langchain_codeexec.cli.app import app  # noqa: PLC0415 -- its libraries are optional
        from langchain_codeexec.cli.output import OUTPUT_ERRORS  # noqa: PLC0415 -- as above
    except ImportError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _LIBRARIES:
            raise
        sys.stderr.write(
            f"The command line needs {library}, which is not installed. Install it with:\n"
            "    pip install 'langchain-codeexec[cli]'\n"
        )
        return _USAGE_ERROR
    except KeyboardInterrupt:
        return _INTERRUPTED
    try:
        app(prog_name="langchain-codeexec")
    except OSError as error:
        if error.errno not in OUTPUT_ERRORS:
            raise
        sys.stderr.write(f"The output cannot be written: {error.strerror}.\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest as it ends
        return _FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`show`: a conversation or a run that was kept, on the terminal, as a web page and as a notebook."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from langchain_codeexec import control, records
from langchain_codeexec.cli import options
from langchain_codeexec.cli.output import check_documents, reported, results, write_documents
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError

__all__ = ["show"]

_SQLITE: Final = b"SQLite format 3\x00"


def show(  # noqa: PLR0913 -- a parameter for each option
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Messages or a graph's state as JSON, a file of `SqliteSaver`; - reads JSON from a pipe.",
        ),
    ],
    *,
    thread: Annotated[
        str | None, typer.Option("--thread", metavar="ID", help="Which thread of the checkpoints.")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(
            metavar="IN,OUT",
            help="What a million tokens cost in and out, to show what was spent; `published` looks it up.",
        ),
    ] = None,
    html: options.Html = None,
    notebook: options.Notebook = None,
    debug: options.Debug = False,
) -> None:
    """Show a conversation or an agent's run: print it, or write it as a page that loads nothing."""
    with reported(debug=debug):
        check_documents(html, notebook)
        prices = _prices(price)
        messages = records.messages_in(_read(source, thread))
        if html or notebook:
            write_documents(messages, html, notebook, prices)
        else:
            results().print(records.render(messages, prices=prices), crop=False)


def _prices(price: str | None) -> Any:
    if price is None:
        return None
    if price == "published":
        return control.published_prices()
    read, _, written = price.partition(",")
    return {"*": {"prompt": read, "candidates": written}}


def _read(source: str, thread: str | None) -> Any:
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        if content.startswith(_SQLITE):
            return _checkpoint(Path(source), thread)
        if thread is not None:
            raise typer.BadParameter("only a file of checkpoints has threads", param_hint="--thread")
        return json.loads(content)
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{source} is neither JSON nor a file of `SqliteSaver`: {error}") from error


def _checkpoint(path: Path, thread: str | None) -> Any:
    """The last checkpoint of a thread, the only one if none is named. The file is only read."""
    try:
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer  # noqa: PLC0415 -- an optional library
        from langgraph.checkpoint.sqlite import SqliteSaver  # noqa: PLC0415 -- as above
    except ModuleNotFoundError as error:
        raise MissingDependencyError("langgraph-checkpoint-sqlite", "examples") from error
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, check_same_thread=False)) as connection:
        try:
            rows = connection.execute("SELECT DISTINCT thread_id FROM checkpoints ORDER BY 1")
            threads = [str(row[0]) for row in rows]
        except sqlite3.DatabaseError as error:
            raise ConfigurationError(f"{path} has no checkpoints of LangGraph: {error}") from error
        if thread not in threads and (thread is not None or len(threads) != 1):
            named = ", ".join(threads[:20]) or "none"
            raise ConfigurationError(f"name a thread that {path} has with --thread; it has: {named}")
        saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        return saver.get_tuple({"configurable": {"thread_id": thread or threads[0]}})

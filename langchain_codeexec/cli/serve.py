"""Servers that run until they are told to stop, and what is said of them then.

`serve`: the emulator for other programs.
"""

import signal
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import typer
from rich.markup import escape
from rich.text import Text

import langchain_codeexec.emulator
from langchain_codeexec.cli.model import chosen_brain
from langchain_codeexec.cli.output import DEFAULT_MODEL, Debug, Port, reported, results, stderr
from langchain_codeexec.emulator.page import PREFIX
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.records.terminal import visible

if TYPE_CHECKING:
    from langchain_codeexec.emulator.app import ServerOptions

__all__ = ["LOOPBACK", "point_clients_at", "serve", "tell_unfinished", "until_interrupted"]

LOOPBACK: Final = "127.0.0.1"
"""Where proxies and players listen, for nobody but this machine."""


class _Planned(Protocol):
    def assert_finished(self) -> None: ...


def until_interrupted(serve: Callable[[], None], host: str, port: int) -> None:
    """Serve until Ctrl-C, or until the process is asked to end (SIGTERM, as `kill` and containers do).

    Args:
        serve: Listens and answers in this thread.
        host: Where it listens, for the error.
        port: The same.

    Raises:
        ConfigurationError: It cannot listen there.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve()
    except KeyboardInterrupt:
        stderr().print("[dim]Stopped.[/]")
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}. Choose another address; "
            "--port 0 takes a free port."
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def tell_unfinished(plan: _Planned) -> None:
    """Say what of a script or a cassette was not used, and which requests it had no answer for."""
    try:
        plan.assert_finished()
    except AssertionError as unfinished:
        stderr().print(Text(visible(str(unfinished)), "yellow"), soft_wrap=True)


def point_clients_at(url: str, told: str) -> None:
    """Say what listens, and how clients of any kind get there.

    Args:
        url: Its base URL.
        told: What it does.
    """
    console = results()
    console.print(f"[bold green]{escape(told)} on {url}[/]  (Ctrl-C stops it)", soft_wrap=True)
    console.print("Point clients there: base_url, or, where they read it from the environment,")
    console.print(f"    export GOOGLE_GEMINI_BASE_URL={url} GOOGLE_VERTEX_BASE_URL={url}", soft_wrap=True)


_HINTS = """\
[bold]langchain-codeexec[/]
ChatGeminiCodeExecution(
    model="{model}", vertexai=False, api_key="any",
    base_url="{url}",
)

[bold]google-genai[/]
genai.Client(api_key="any", http_options={{"base_url": "{url}"}})

[bold]curl[/]
curl -H 'x-goog-api-key: any' -H 'content-type: application/json' -d '{{
    "contents": [{{"parts": [{{"text": "Sum of the first 50 primes?"}}]}}],
    "tools": [{{"codeExecution": {{}}}}]}}' \\
  {url}/v1beta/models/{model}:generateContent
"""


class _Libraries(StrEnum):
    GEMINI = "gemini"
    ALL = "all"


def serve(  # noqa: PLR0913 -- a parameter for each option
    *,
    port: Port = 8765,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = LOOPBACK,
    script: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Answer with the steps of this YAML file, instead of by rules."),
    ] = None,
    brain: Annotated[
        str | None,
        typer.Option(
            metavar="PROVIDER:MODEL",
            help="Let a chat model answer, such as ollama:qwen3; its LangChain package must be installed.",
        ),
    ] = None,
    libraries: Annotated[
        _Libraries,
        typer.Option(
            help="What programs can import: what Gemini's environment has, or all that is installed."
        ),
    ] = _Libraries.GEMINI,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAULT",
            help="A fault to answer with, such as quota, 503, cut or latency:seconds=2,rate=0.1; may be repeated.",
        ),
    ] = None,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Allow an address that other machines reach: whoever does can run code on this one.",
        ),
    ] = False,
    allow_unsafe_code: Annotated[
        bool,
        typer.Option(
            "--allow-unsafe-code",
            help="Run code without isolation, as you and with your files, where this system allows no sandbox.",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Run the emulator until Ctrl-C, for clients of any kind."""
    if script and brain:
        raise typer.BadParameter("either a script or a model answers: leave --script or --brain away")
    options: ServerOptions = {
        "host": host,
        "port": port,
        "allow_remote": allow_remote,
        "faults": fault or (),
        "libraries": "all" if libraries is _Libraries.ALL else "gemini",
    }
    if allow_unsafe_code:
        options["allow_unsafe_code"] = True
    with reported(debug=debug):
        chosen = chosen_brain(script, brain)
        announce = partial(_announce, told=chosen.told)
        until_interrupted(
            partial(langchain_codeexec.emulator.serve, chosen.brain, announce=announce, **options), host, port
        )
    if chosen.script:
        tell_unfinished(chosen.script)


def _announce(url: str, *, told: str) -> None:
    console = results()
    console.print(f"[bold green]Gemini emulator on {url}[/]  (Ctrl-C stops it)")
    console.print(told, markup=False)
    console.print(f"What comes in is shown on {url}{PREFIX}/")
    console.print("The code runs on this machine; `doctor` tells how it is isolated.\n")
    console.print(_HINTS.format(url=url, model=DEFAULT_MODEL), soft_wrap=True)

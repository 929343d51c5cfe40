"""`serve`: the emulator for other programs, and what it shares with the other servers that run until Ctrl-C."""

import signal
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

import langchain_codeexec.emulator
from langchain_codeexec.cli import options
from langchain_codeexec.cli.model import chosen_brain
from langchain_codeexec.cli.output import OUTPUT_ERRORS, print_unfinished, reported, results, stderr
from langchain_codeexec.emulator.page import PREFIX
from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from langchain_codeexec.emulator import AppOptions

__all__ = ["LOOPBACK", "announce", "serve", "until_interrupted"]

LOOPBACK: Final = "127.0.0.1"
"""Where proxies and players listen, for nobody but this machine."""


def until_interrupted(serve: Callable[[], None], host: str, port: int) -> None:
    """Serve until Ctrl-C, or until the process is asked to end (SIGTERM, as `kill` and containers do).

    Raises:
        ConfigurationError: It cannot listen there.
        OSError: What it prints cannot be written.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve()
    except KeyboardInterrupt:
        stderr().print("[dim]Stopped.[/]")
    except OSError as error:
        if error.errno in OUTPUT_ERRORS:
            raise
        raise ConfigurationError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}. Choose another address; "
            "--port 0 takes a free port."
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def announce(url: str, description: str) -> None:
    """Print what listens at a base URL, and how clients of any kind get there."""
    console = results()
    console.print(f"[bold green]{escape(description)} on {url}[/]  (Ctrl-C stops it)", soft_wrap=True)
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
    "contents": [{{"parts": [{{"text": "What is the sum of the first 50 primes?"}}]}}],
    "tools": [{{"codeExecution": {{}}}}]}}' \\
  {url}/v1beta/models/{model}:generateContent
"""


class _Libraries(StrEnum):
    GEMINI = "gemini"
    ALL = "all"


def serve(  # noqa: PLR0913 -- a parameter for each option
    *,
    port: options.Port = 8765,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = LOOPBACK,
    script: options.Script = None,
    brain: options.Brain = None,
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
    buckets: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A folder that stands for Cloud Storage, each folder in it for a bucket of batch prediction.",
        ),
    ] = None,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Allow an address that other machines reach: whoever does can run code on this one.",
        ),
    ] = False,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Let pages of this origin call it from a browser (CORS); may be repeated.",
        ),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve HTTPS, with a certificate made for this run.")
    ] = False,
    allow_unsafe_code: Annotated[
        bool,
        typer.Option(
            "--allow-unsafe-code",
            help="Run code without isolation, as you and with your files, where this system allows no sandbox.",
        ),
    ] = False,
    debug: options.Debug = False,
) -> None:
    """Run the emulator until Ctrl-C, for clients of any kind."""
    settings: AppOptions = {
        "faults": fault or (),
        "log": deque(maxlen=0),
        "record_page": True,
        "libraries": "all" if libraries is _Libraries.ALL else "gemini",
    }
    if buckets is not None:
        settings["buckets"] = buckets
    if allow_unsafe_code:
        settings["allow_unsafe_code"] = True
    with reported(debug=debug):
        chosen = chosen_brain(script, brain)
        emulator = langchain_codeexec.emulator.GeminiEmulator(
            chosen.brain,
            host=host,
            port=port,
            allow_remote=allow_remote,
            allow_origins=allow_origin or (),
            tls=tls,
            **settings,
        )
        certificate = str(emulator.certificate) if tls else ""
        announced = partial(_announce_emulator, description=chosen.description, certificate=certificate)
        until_interrupted(partial(emulator.serve, announced), host, port)
    if chosen.script:
        print_unfinished(chosen.script)


def _announce_emulator(url: str, *, description: str, certificate: str) -> None:
    console = results()
    console.print(f"[bold green]Gemini emulator on {url}[/]  (Ctrl-C stops it)")
    console.print(description, markup=False)
    console.print(f"What comes in is shown on {url}{PREFIX}/")
    if certificate:
        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE")
        console.print("Let clients trust its certificate:")
        console.print(f"    export {' '.join(f'{name}={certificate}' for name in names)}", soft_wrap=True)
    console.print("The code runs on this machine; `doctor` tells how it is isolated.\n")
    console.print(_HINTS.format(url=url, model=options.DEFAULT_MODEL), soft_wrap=True)

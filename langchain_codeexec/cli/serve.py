"""`serve`: the emulator for other programs."""

from typing import TYPE_CHECKING, Annotated

import typer

import langchain_codeexec.emulator
from langchain_codeexec.cli.failures import reported
from langchain_codeexec.cli.options import DEFAULT_MODEL, Debug
from langchain_codeexec.cli.service import STAND_IN
from langchain_codeexec.cli.terminal import results, stderr
from langchain_codeexec.emulator.page import PREFIX
from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from langchain_codeexec.emulator import ServerOptions

__all__ = ["serve"]

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


def serve(  # noqa: PLR0913 -- a parameter for each option
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
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
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="A fault to answer with, such as quota, 503, cut or latency:seconds=2,rate=0.1,seed=7; may be "
            "repeated."
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Run the emulator until Ctrl-C, for clients of any kind."""
    options: ServerOptions = {"host": host, "port": port, "allow_remote": allow_remote, "faults": fault or ()}
    if allow_unsafe_code:
        options["allow_unsafe_code"] = True
    with reported(debug=debug):
        try:
            langchain_codeexec.emulator.serve(announce=_announce, **options)
        except KeyboardInterrupt:
            stderr().print("[dim]Stopped.[/]")
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host}, port {port}: {error.strerror or error}. Choose another port with "
                "--port (0 takes a free one) or another address with --host."
            ) from error


def _announce(url: str) -> None:
    console = results()
    console.print(f"[bold green]Gemini emulator on {url}[/]  (Ctrl-C stops it)\n{STAND_IN}")
    console.print(f"What comes in is shown on {url}{PREFIX}/")
    console.print("The code runs on this machine; `doctor` tells how it is isolated.\n")
    console.print(_HINTS.format(url=url, model=DEFAULT_MODEL), soft_wrap=True)

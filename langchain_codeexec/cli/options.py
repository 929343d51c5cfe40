"""Options that several commands take."""

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

DEFAULT_MODEL: Final = "gemini-3-flash-preview"
DEFAULT_IMAGES: Final = Path("demo-output")

Model: TypeAlias = Annotated[str, typer.Option("--model", "-m", metavar="NAME", help="The model to ask.")]
Live: TypeAlias = Annotated[
    bool, typer.Option("--live", help="Ask the real service; `doctor` says which one that is.")
]
Script: TypeAlias = Annotated[
    Path | None, typer.Option("--script", metavar="FILE", help="Answer with the steps of this YAML file.")
]
Brain: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--brain",
        metavar="PROVIDER:MODEL",
        help="Let a chat model answer, such as ollama:qwen3; its LangChain package must be installed.",
    ),
]
Files: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", metavar="FILE", help="A file to send along; may be repeated."),
]
Settings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting of ChatGeminiCodeExecution, such as timeout=300 or thinking_level=low; may be repeated.",
    ),
]
Html: TypeAlias = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write it to this file, as a web page.")
]
Notebook: TypeAlias = Annotated[
    Path | None,
    typer.Option("--notebook", metavar="FILE", help="Write it to this file, as a Jupyter notebook."),
]
NoCode: TypeAlias = Annotated[bool, typer.Option("--no-code", help="Do not let the model run code.")]
Debug: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Port: TypeAlias = Annotated[
    int, typer.Option(min=0, max=65535, metavar="PORT", help="Where to listen; 0 takes a free port.")
]

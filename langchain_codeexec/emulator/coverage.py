"""What the emulator answers, and what it says to everything else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.errors import MissingDependencyError

__all__ = ["COVERED", "not_covered"]

try:
    from starlette.requests import Request
    from starlette.routing import Match
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

_MODEL = "/{version}/models/{model}"
_VERTEX = "/{version}/projects/{project}/locations/{location}"
_ENGINES = f"{_VERTEX}/reasoningEngines"
_VERTEX_MODEL = f"{_VERTEX}/publishers/google/models/{{model}}"

COVERED = (
    *(
        f"POST {model}:{method}"
        for model, methods in (
            (
                _MODEL,
                (
                    "generateContent streamGenerateContent countTokens embedContent batchEmbedContents "
                    "batchGenerateContent asyncBatchEmbedContent"
                ),
            ),
            (
                _VERTEX_MODEL,
                "generateContent streamGenerateContent countTokens embedContent predict computeTokens",
            ),
        )
        for method in methods.split()
    ),
    *(f"GET {path}" for model in (_MODEL, _VERTEX_MODEL) for path in (model, model.removesuffix("/{model}"))),
    "POST /upload/{version}/files",
    *(
        f"{method} /{{version}}/files{path}"
        for method, path in (("GET", ""), ("GET", "/{id}"), ("GET", "/{id}:download"), ("DELETE", "/{id}"))
    ),
    f"POST {_VERTEX}/batchPredictionJobs",
    *(
        f"{method} {jobs}{path}"
        for jobs in ("/{version}/batches", f"{_VERTEX}/batchPredictionJobs")
        for method, path in (("GET", ""), ("GET", "/{id}"), ("POST", "/{id}:cancel"), ("DELETE", "/{id}"))
    ),
    *(
        f"{method} {resources}{path}"
        for resources in (_ENGINES, f"{_ENGINES}/{{id}}/sandboxEnvironments")
        for method, path in (
            ("POST", ""),
            ("GET", ""),
            ("GET", "/{id}"),
            ("DELETE", "/{id}"),
            ("GET", "/{id}/operations/{id}"),
        )
    ),
    f"POST {_ENGINES}/{{id}}/sandboxEnvironments/{{id}}:execute",
    *(
        f"{method} {parent}/cachedContents{path}"
        for parent in ("/{version}", _VERTEX)
        for path, methods in (("", "GET POST"), ("/{id}", "GET PATCH DELETE"))
        for method in methods.split()
    ),
    *(
        f"{method} {parent}/interactions{path}"
        for parent in ("/{version}", _VERTEX)
        for method, path in (("POST", ""), ("GET", "/{id}"), ("POST", "/{id}/cancel"), ("DELETE", "/{id}"))
    ),
)
"""Methods and paths; `predict` is for embedding models. Vertex's model paths may also begin at `publishers`."""

_PREFIXED = re.compile(r"/.+?(/v1\w*/.*)")
_DOUBLED = re.compile(r"(/v1\w*)/.*(/models/[^/]+)")


def not_covered(request: Request) -> EmulatedError:
    """The answer to all else, whether the service has another or not: no client repeats a 404.

    Where only the beginning of the path is wrong, it says what the client's base URL must be.
    """
    method, path, base = request.method, request.url.path, str(request.base_url).rstrip("/")
    hint = next((hint for right, hint in _corrections(path, base) if _is_route(request, right)), "")
    if path.strip("/") == "":
        hint = (
            f" A client that asks its base URL itself needs all of {base}/v1beta/models/{{model}}:{{method}}."
        )
    message = f"This emulator does not cover {method} {path}.{hint} It covers: {'; '.join(COVERED)}."
    return EmulatedError(404, message=message)


def _corrections(path: str, base: str) -> Iterator[tuple[str, str]]:
    """Paths that may have been meant, and what to set then."""
    if prefixed := _PREFIXED.fullmatch(path):
        yield prefixed[1], f" The client adds the API version itself: its base URL is {base}, and no more."
    if doubled := _DOUBLED.fullmatch(path):
        yield (
            doubled[1] + doubled[2],
            f" The client adds the model itself: its base URL is {base}{doubled[1]}.",
        )
    if path.startswith("//"):
        yield f"/{path.lstrip('/')}", f" The client's base URL is {base}, without a slash at its end."
    for version in ("v1beta1",) if path.startswith(("/projects/", "/publishers/")) else ("v1beta",):
        right = (
            path.replace("/upload/", f"/upload/{version}/", 1)
            if path.startswith("/upload/")
            else f"/{version}{path}"
        )
        yield right, f" The path lacks the API version: set the client's base URL to {base}/{version}."


def _is_route(request: Request, path: str) -> bool:
    scope = {**request.scope, "path": path}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

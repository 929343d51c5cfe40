"""The Files API of the Developer API: its routes, and uploads whole or piece by piece.

Recorded are the answers of a resumable upload; that uploaded files cannot be downloaded says the public reference.
The wordings of refusals are ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from email import message_from_bytes
from email.message import Message
from typing import Any, TypeAlias

from langchain_codeexec.emulator.file_store import (
    LARGEST,
    UPLOAD_STATUS,
    UploadedFile,
    UploadedFiles,
    final_refusal,
)
from langchain_codeexec.emulator.parsing import parse_json, parse_message
from langchain_codeexec.emulator.responses import json_response, read_body
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.errors import MissingDependencyError

__all__ = ["file_routes"]

try:
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Reply: TypeAlias = Callable[[Request, Target, Any], Awaitable[Response]]
Wrap: TypeAlias = Callable[[Reply], Endpoint]

_METADATA_BYTES = 1 << 20
_GRANULARITY = 8 << 20


class _Uploads:
    """The routes of uploads; they read their bodies themselves, piece by piece."""

    def __init__(self, files: UploadedFiles) -> None:
        self._files = files

    async def upload(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002 -- a reply's signature
        """Take a whole file, begin an upload, or go on with one."""
        query = request.query_params
        if upload_id := query.get("upload_id", ""):
            return await self._go_on(request, upload_id)
        protocol = request.headers.get("x-goog-upload-protocol") or query.get("uploadType") or "raw"
        if protocol == "multipart":
            return await self._multipart(request, target)
        if protocol in ("raw", "media"):
            upload_id = self._files.begin({}, request.headers.get("content-type", ""), _length(request))
            return await self._take(request, upload_id, finishes=True)
        if protocol != "resumable" or _commands(request) != {"start"}:
            raise final_refusal(
                "An upload has an X-Goog-Upload-Protocol of resumable (begun by start), multipart or raw."
            )
        return await self._start(request, target)

    async def _start(self, request: Request, target: Target) -> Response:
        headers = request.headers
        metadata = _metadata(await read_body(request, _METADATA_BYTES), target)
        announced = headers.get("x-goog-upload-header-content-length", "")
        size = int(announced[:20]) if announced.isdecimal() else None
        upload_id = self._files.begin(metadata, headers.get("x-goog-upload-header-content-type", ""), size)
        url = f"{request.url.replace(query='')}?upload_id={upload_id}&upload_protocol=resumable"
        return _active(self._files.upload(upload_id).size, {"X-Goog-Upload-URL": url})

    async def _go_on(self, request: Request, upload_id: str) -> Response:
        commands = _commands(request)
        file = self._files.upload(upload_id)
        if commands == {"query"}:
            return _active(file.size)
        if commands == {"cancel"}:
            self._files.cancel(upload_id)
            return Response(headers={UPLOAD_STATUS: "cancelled"}, media_type="text/plain")
        if not commands or not commands <= {"upload", "finalize"}:
            raise _unfinished("X-Goog-Upload-Command is upload, finalize, both, query or cancel.", file)
        offset = request.headers.get("x-goog-upload-offset", str(file.size))
        if "upload" in commands and offset != str(file.size):
            raise _unfinished(f"X-Goog-Upload-Offset is {offset}, and {file.size} bytes have come.", file)
        finishes = "finalize" in commands
        if not finishes and (_length(request) or 0) % _GRANULARITY:
            raise _unfinished(f"All pieces but the last have a multiple of {_GRANULARITY} bytes.", file)
        return await self._take(request, upload_id, finishes=finishes)

    async def _take(self, request: Request, upload_id: str, *, finishes: bool) -> Response:
        """Write what comes; where the client goes away in between, the upload can be gone on with."""
        try:
            async for piece in request.stream():
                self._files.append(upload_id, piece)
        except ClientDisconnect:
            raise EmulatedError(499, message="The client went away.") from None
        return self._finished(upload_id) if finishes else _active(self._files.upload(upload_id).size)

    async def _multipart(self, request: Request, target: Target) -> Response:
        pieces = _related(
            request.headers.get("content-type", ""), await read_body(request, LARGEST + _METADATA_BYTES)
        )
        if len(pieces) != 2:  # noqa: PLR2004 -- metadata and media
            raise final_refusal("A multipart upload has two parts: the metadata as JSON, and the media.")
        (_, raw), (mime_type, data) = pieces
        upload_id = self._files.begin(_metadata(raw, target), mime_type, None)
        self._files.append(upload_id, data)
        return self._finished(upload_id)

    def _finished(self, upload_id: str) -> Response:
        response = json_response(self._files.finish(upload_id))
        response.headers[UPLOAD_STATUS] = "final"
        return response


def _commands(request: Request) -> set[str]:
    return {command.strip() for command in request.headers.get("x-goog-upload-command", "").split(",")} - {""}


def _length(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length[:20]) if length.isdecimal() else None


def _metadata(raw: bytes, target: Target) -> Mapping[str, Any]:
    metadata: Mapping[str, Any] = (
        parse_message("CreateFileRequest", parse_json(raw), target).get("file") or {}
    )
    return metadata


def _active(size: int, headers: Mapping[str, str] | None = None) -> Response:
    about = {"X-Goog-Upload-Chunk-Granularity": str(_GRANULARITY), "X-Goog-Upload-Size-Received": str(size)}
    return Response(headers={UPLOAD_STATUS: "active", **about, **(headers or {})}, media_type="text/plain")


def _unfinished(message: str, file: UploadedFile) -> EmulatedError:
    error = invalid(message)
    error.headers.update({UPLOAD_STATUS: "active", "X-Goog-Upload-Size-Received": str(file.size)})
    return error


def _related(content_type: str, raw: bytes) -> list[tuple[str, bytes]]:
    """The parts of a body of the type multipart/related: MIME type and bytes."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary("")
    if not boundary:
        return []
    parts = []
    for piece in (b"\r\n" + raw).split(b"\r\n--" + boundary.encode("ascii", "replace"))[1:-1]:
        head, _, data = piece.partition(b"\r\n\r\n")
        part = message_from_bytes(head.lstrip(b"\r\n"))
        parts.append((part.get("content-type", ""), data))
    return parts


def file_routes(files: UploadedFiles, wrap: Wrap, wrap_upload: Wrap) -> list[tuple[str, str, Endpoint]]:
    """The HTTP method, the path and the endpoint of everything about files.

    Args:
        files: What was uploaded.
        wrap: Makes an endpoint of a reply.
        wrap_upload: The same for one that reads its body itself.
    """

    def answered(answer: Callable[[Request], Any]) -> Endpoint:
        async def reply(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- a reply's signature
            return json_response(answer(request))

        return wrap(reply)

    async def download(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- a reply's signature
        file = files.get(_name(request))
        if file.source != "GENERATED":
            raise invalid("Only generated files can be downloaded, and this one was uploaded.")
        return Response(file.read(), media_type=file.mime_type)

    path = "/{version}/files"
    return [
        ("POST", f"/upload{path}", wrap_upload(_Uploads(files).upload)),
        ("GET", path, answered(lambda request: files.list(request.query_params))),
        *(("GET", f"{prefix}{path}/{{file}}:download", wrap(download)) for prefix in ("", "/download")),
        ("GET", f"{path}/{{file}}", answered(lambda request: files.get(_name(request)).as_json())),
        ("DELETE", f"{path}/{{file}}", answered(lambda request: files.delete(_name(request)))),
    ]


def _name(request: Request) -> str:
    return f"files/{request.path_params['file']}"

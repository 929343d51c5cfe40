"""The Files API of the Developer API: uploads whole or piece by piece, and what became of them.

Recorded are the answers of a resumable upload. Quoted by users: the refusal of a file that is not there. From the
public reference: the fields, the limits of the service (2 GB a file, 20 GB together, 48 hours) and that uploaded
files cannot be downloaded. The other wordings are ours. Here a file has at most 100 MiB and all together
1 GiB: small ones in memory, others in temporary files without a name, which go with the emulator.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import string
import tempfile
import weakref
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from threading import Lock
from typing import IO, Any, TypeAlias

from langchain_codeexec.emulator.parsing import parse_json, parse_message
from langchain_codeexec.emulator.responses import json_response, read_body
from langchain_codeexec.emulator.server import is_loopback
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, not_prepared
from langchain_codeexec.emulator.targets import Target, page_of
from langchain_codeexec.errors import MissingDependencyError

__all__ = ["UploadedFiles", "file_routes"]

try:
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error

_LARGEST, _ALL = 100 << 20, 1 << 30
_IN_MEMORY = 256 << 10
_MOST, _MOST_UNFINISHED = 1000, 100
_GRANULARITY = 8 << 20
_LIFE = timedelta(hours=48)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_LONGEST_DISPLAY_NAME = 512
_ALPHABET = string.ascii_lowercase + string.digits
_STATUS = "X-Goog-Upload-Status"


@dataclass(slots=True)
class _File:
    """A file, or what has come of it so far."""

    name: str
    display_name: str
    mime_type: str
    created: datetime
    declared_size: int | None = None
    size: int = 0
    content: IO[bytes] = field(default_factory=lambda: tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 -- closed with the store
    digest: Any = field(default_factory=hashlib.sha256)
    lock: Lock = field(default_factory=Lock)

    def write(self, data: bytes) -> None:
        self.content.write(data)
        self.digest.update(data)
        self.size += len(data)

    def read(self) -> bytes:
        with self.lock:
            self.content.seek(0)
            return self.content.read()

    def as_json(self) -> dict[str, Any]:
        created = _stamp(self.created)
        return {
            "name": self.name,
            **({"displayName": self.display_name} if self.display_name else {}),
            "mimeType": self.mime_type,
            "sizeBytes": str(self.size),
            "createTime": created,
            "updateTime": created,
            "expirationTime": _stamp(self.created + _LIFE),
            "sha256Hash": base64.b64encode(self.digest.digest()).decode("ascii"),
            "uri": f"https://generativelanguage.googleapis.com/v1beta/{self.name}",
            "state": "ACTIVE",
            "source": "UPLOADED",
        }


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _close(*stores: dict[str, _File]) -> None:
    for store in stores:
        for file in store.values():
            file.content.close()


class UploadedFiles:
    """All that were uploaded, and the uploads under way. It belongs to the event loop's thread.

    Args:
        now: A clock that has a zone.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._files: dict[str, _File] = {}
        self._uploads: dict[str, _File] = {}
        weakref.finalize(self, _close, self._files, self._uploads)

    def begin(self, metadata: Mapping[str, Any], mime_type: str, size: int | None) -> str:
        """Begin an upload.

        Args:
            metadata: The parsed `File` that came.
            mime_type: Type of the bytes, as a header says it; else that of the metadata.
            size: How many bytes will come, where that is known.

        Returns:
            The id under which the bytes come.
        """
        name, display_name = metadata.get("name") or "", metadata.get("displayName") or ""
        if name and not _NAME.fullmatch(name.removeprefix("files/")):
            raise _final(
                "* CreateFileRequest.file.name: files/ and up to 40 lowercase letters, digits and dashes, with no "
                "dash at the ends.\n"
            )
        if len(display_name) > _LONGEST_DISPLAY_NAME:
            raise _final(
                f"* CreateFileRequest.file.display_name: at most {_LONGEST_DISPLAY_NAME} characters.\n"
            )
        self._forget_expired()
        name = f"files/{name.removeprefix('files/') or _random(12)}"
        if name in self._files:
            raise EmulatedError(
                409, "ALREADY_EXISTS", f"File {name} already exists.", headers={_STATUS: "final"}
            )
        self._check_room(size or 0)
        mime_type = mime_type or metadata.get("mimeType") or "application/octet-stream"
        while len(self._uploads) >= _MOST_UNFINISHED:
            self._uploads.pop(next(iter(self._uploads))).content.close()
        upload_id = _random(40)
        self._uploads[upload_id] = _File(name, display_name, mime_type, self._now(), size)
        return upload_id

    def upload(self, upload_id: str) -> _File:
        """An upload under way."""
        if upload_id not in self._uploads:
            message = (
                "The upload is unknown here: it was finished or cancelled, or was one of an emulator before."
            )
            raise EmulatedError(404, message=message, headers={_STATUS: "final"})
        return self._uploads[upload_id]

    def append(self, upload_id: str, data: bytes) -> None:
        """Add bytes to an upload; what is too large ends it."""
        file = self.upload(upload_id)
        try:
            self._check_room(len(data), file.size)
        except EmulatedError:
            self.cancel(upload_id)
            raise
        file.write(data)

    def finish(self, upload_id: str) -> dict[str, Any]:
        """End an upload: it is a file from now on."""
        file = self.upload(upload_id)
        if file.declared_size not in (None, file.size):
            self.cancel(upload_id)
            raise _final(f"{file.size} bytes came, and {file.declared_size} were announced.")
        del self._uploads[upload_id]
        file.created = self._now()
        self._files[file.name] = file
        return {"file": file.as_json()}

    def cancel(self, upload_id: str) -> None:
        """Forget an upload."""
        self.upload(upload_id).content.close()
        del self._uploads[upload_id]

    def get(self, name: str) -> _File:
        """A file; an error where there is none of that name."""
        self._forget_expired()
        if name in self._files:
            return self._files[name]
        bare = name.removeprefix("files/")
        message = f"You do not have permission to access the File {bare} or it may not exist."
        raise EmulatedError(403, message=message)

    def list(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Describe all, a page at a time."""
        self._forget_expired()
        return page_of("files", [file.as_json() for file in self._files.values()], query, 10, 100)

    def delete(self, name: str) -> dict[str, Any]:
        """Forget a file."""
        self.get(name).content.close()
        del self._files[name]
        return {}

    def inlined(self, request: dict[str, Any], target: Target) -> dict[str, Any]:
        """A request with the bytes in the place of the files it names, on the service that has files.

        So a file counts tokens, reaches the code and can be read by a brain as if it came with the request.
        Addresses of other hosts stay as they are.
        """
        if target.endpoint != "developer" or not any(map(_names_file, _parts(request))):
            return request
        contents = [
            {**content, "parts": [self._inlined(part) for part in content.get("parts") or []]}
            for content in request["contents"]
        ]
        return {**request, "contents": contents}

    def _inlined(self, part: dict[str, Any]) -> dict[str, Any]:
        if response := part.get("functionResponse"):
            parts = [self._inlined(nested) for nested in response.get("parts") or []]
            return {**part, "functionResponse": {**response, **({"parts": parts} if parts else {})}}
        name = _names_file(part)
        if not name:
            return part
        file, data = self.get(name), part["fileData"]
        blob = {
            "mimeType": data.get("mimeType") or file.mime_type,
            "data": base64.b64encode(file.read()).decode("ascii"),
            **({"displayName": data["displayName"]} if "displayName" in data else {}),
        }
        return {**{key: value for key, value in part.items() if key != "fileData"}, "inlineData": blob}

    def _check_room(self, size: int, so_far: int = 0) -> None:
        taken = sum(file.size for store in (self._files, self._uploads) for file in store.values())
        if so_far + size > _LARGEST or taken + size > _ALL or len(self._files) >= _MOST:
            error = not_prepared(
                f"This emulator takes files of up to {_LARGEST >> 20} MiB, and {_ALL >> 20} MiB in {_MOST} files "
                "together (the service 2 GB and 20 GB): delete some, or upload less."
            )
            error.headers[_STATUS] = "final"
            raise error

    def _forget_expired(self) -> None:
        for name in [name for name, file in self._files.items() if file.created + _LIFE <= self._now()]:
            self._files.pop(name).content.close()


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _final(message: str) -> EmulatedError:
    """A 400 after which a client's upload is over; without this header Google's client would try again."""
    error = invalid(message)
    error.headers[_STATUS] = "final"
    return error


def _parts(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for content in request.get("contents") or []:
        for part in content.get("parts") or []:
            yield part
            yield from (part.get("functionResponse") or {}).get("parts") or []


_URI = re.compile(r"(?:https?://(?P<host>[^/:]+)(?::\d+)?/(?:v1\w*/)?)?(?P<name>files/[^/?:]+)")
_SERVICE = "generativelanguage.googleapis.com"


def _names_file(part: Mapping[str, Any]) -> str:
    """The name of the file of this service that a part stands for; empty where it does not."""
    uri = _URI.fullmatch((part.get("fileData") or {}).get("fileUri") or "")
    if uri is None or not (uri["host"] in (None, _SERVICE) or is_loopback(uri["host"])):
        return ""
    return uri["name"]


# -- routes --------------------------------------------------------------------------------------------

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Reply: TypeAlias = Callable[[Request, Target, Any], Awaitable[Response]]
Wrap: TypeAlias = Callable[[Reply], Endpoint]

_METADATA_BYTES = 1 << 20


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
            raise _final(
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
            return Response(headers={_STATUS: "cancelled"}, media_type="text/plain")
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
            request.headers.get("content-type", ""), await read_body(request, _LARGEST + _METADATA_BYTES)
        )
        if len(pieces) != 2:  # noqa: PLR2004 -- metadata and media
            raise _final("A multipart upload has two parts: the metadata as JSON, and the media.")
        (_, raw), (mime_type, data) = pieces
        upload_id = self._files.begin(_metadata(raw, target), mime_type, None)
        self._files.append(upload_id, data)
        return self._finished(upload_id)

    def _finished(self, upload_id: str) -> Response:
        response = json_response(self._files.finish(upload_id))
        response.headers[_STATUS] = "final"
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
    return Response(headers={_STATUS: "active", **about, **(headers or {})}, media_type="text/plain")


def _unfinished(message: str, file: _File) -> EmulatedError:
    error = invalid(message)
    error.headers.update({_STATUS: "active", "X-Goog-Upload-Size-Received": str(file.size)})
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

    async def collection(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- a reply's signature
        return json_response(files.list(request.query_params))

    async def get(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- as above
        return json_response(files.get(_name(request)).as_json())

    async def delete(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- as above
        return json_response(files.delete(_name(request)))

    async def download(request: Request, target: Target, body: Any) -> Response:  # noqa: ARG001 -- as above
        files.get(_name(request))
        raise invalid("Only generated files can be downloaded, and this one was uploaded.")

    path = "/{version}/files"
    return [
        ("POST", f"/upload{path}", wrap_upload(_Uploads(files).upload)),
        ("GET", path, wrap(collection)),
        ("GET", f"{path}/{{file}}:download", wrap(download)),
        ("GET", f"{path}/{{file}}", wrap(get)),
        ("DELETE", f"{path}/{{file}}", wrap(delete)),
    ]


def _name(request: Request) -> str:
    return f"files/{request.path_params['file']}"

"""The files that clients uploaded, and the uploads under way.

Quoted by users: the refusal of a file that is not there. From the public reference: the fields, and the limits of
the service (2 GB a file, 20 GB together, 48 hours). The other wordings are ours. Here a file has at most 100 MiB,
and all have 1 GiB: small ones in memory, others in temporary files without a name, which go with the emulator.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import string
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import IO, Any

from langchain_codeexec.emulator.server import is_loopback
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, not_prepared, stamp
from langchain_codeexec.emulator.targets import Target, page_of

__all__ = ["LARGEST", "UPLOAD_STATUS", "UploadedFile", "UploadedFiles", "final_refusal", "random_id"]

LARGEST, _ALL = 100 << 20, 1 << 30
_IN_MEMORY = 256 << 10
_MOST, _MOST_UNFINISHED = 500, 100
_LIFE = timedelta(hours=48)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_LONGEST_DISPLAY_NAME = 512
_ALPHABET = string.ascii_lowercase + string.digits
UPLOAD_STATUS = "X-Goog-Upload-Status"


@dataclass(slots=True)
class UploadedFile:
    """A file, or what has come of it so far."""

    name: str
    display_name: str
    mime_type: str
    created: datetime
    declared_size: int | None = None
    size: int = 0
    source: str = "UPLOADED"
    content: IO[bytes] = field(default_factory=lambda: tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 -- closed with the store
    digest: Any = field(default_factory=hashlib.sha256)
    lock: Lock = field(default_factory=Lock)

    def write(self, data: bytes) -> None:
        """Add bytes at its end."""
        self.content.write(data)
        self.digest.update(data)
        self.size += len(data)

    def read(self) -> bytes:
        """All its bytes."""
        with self.lock:
            self.content.seek(0)
            return self.content.read()

    def as_json(self) -> dict[str, Any]:
        """What the service says about it."""
        created, uri = stamp(self.created), f"https://{_SERVICE}/v1beta/{self.name}"
        is_generated = self.source == "GENERATED"
        return {
            "name": self.name,
            **({"displayName": self.display_name} if self.display_name else {}),
            "mimeType": self.mime_type,
            "sizeBytes": str(self.size),
            "createTime": created,
            "updateTime": created,
            "expirationTime": stamp(self.created + _LIFE),
            "sha256Hash": base64.b64encode(self.digest.digest()).decode("ascii"),
            "uri": uri,
            **({"downloadUri": f"{uri}:download?alt=media"} if is_generated else {}),
            "state": "ACTIVE",
            "source": self.source,
        }


def _close(*stores: dict[str, UploadedFile]) -> None:
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
        self._files: dict[str, UploadedFile] = {}
        self._uploads: dict[str, UploadedFile] = {}
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
            raise final_refusal(
                "* CreateFileRequest.file.name: files/ and up to 40 lowercase letters, digits and dashes, with no "
                "dash at the ends.\n"
            )
        if len(display_name) > _LONGEST_DISPLAY_NAME:
            raise final_refusal(
                f"* CreateFileRequest.file.display_name: at most {_LONGEST_DISPLAY_NAME} characters.\n"
            )
        self._forget_expired()
        name = f"files/{name.removeprefix('files/') or random_id(12)}"
        self._check_name(name)
        self._check_room(size or 0)
        mime_type = mime_type or metadata.get("mimeType") or "application/octet-stream"
        while len(self._uploads) >= _MOST_UNFINISHED:
            self._uploads.pop(next(iter(self._uploads))).content.close()
        upload_id = random_id(40)
        self._uploads[upload_id] = UploadedFile(name, display_name, mime_type, self._now(), size)
        return upload_id

    def upload(self, upload_id: str) -> UploadedFile:
        """An upload under way."""
        if upload_id not in self._uploads:
            message = (
                "The upload is unknown here: it was finished or cancelled, or was one of an emulator before."
            )
            raise EmulatedError(404, message=message, headers={UPLOAD_STATUS: "final"})
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
            raise final_refusal(f"{file.size} bytes came, and {file.declared_size} were announced.")
        self._check_name(file.name)
        del self._uploads[upload_id]
        file.created = self._now()
        self._files[file.name] = file
        return {"file": file.as_json()}

    def generate(self, name: str, mime_type: str, data: bytes) -> None:
        """Keep a file that the service makes itself, and that can be downloaded."""
        self._forget_expired()
        self._check_room(len(data))
        file = UploadedFile(name, "", mime_type, self._now(), source="GENERATED")
        file.write(data)
        self._files[name] = file

    def cancel(self, upload_id: str) -> None:
        """Forget an upload."""
        self.upload(upload_id).content.close()
        del self._uploads[upload_id]

    def get(self, name: str) -> UploadedFile:
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

    def _check_name(self, name: str) -> None:
        if name in self._files:
            message = f"File {name} already exists."
            raise EmulatedError(409, "ALREADY_EXISTS", message, headers={UPLOAD_STATUS: "final"})

    def _check_room(self, size: int, so_far: int = 0) -> None:
        taken = sum(file.size for store in (self._files, self._uploads) for file in store.values())
        if so_far + size > LARGEST or taken + size > _ALL or len(self._files) >= _MOST:
            error = not_prepared(
                f"This emulator takes files of up to {LARGEST >> 20} MiB, and {_ALL >> 20} MiB in {_MOST} files "
                "together (the service 2 GB and 20 GB): delete some, or upload less."
            )
            error.headers[UPLOAD_STATUS] = "final"
            raise error

    def _forget_expired(self) -> None:
        for name in [name for name, file in self._files.items() if file.created + _LIFE <= self._now()]:
            self._files.pop(name).content.close()


def random_id(length: int) -> str:
    """An id of lowercase letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def final_refusal(message: str) -> EmulatedError:
    """A 400 after which a client's upload is over; without this header Google's client would try again."""
    error = invalid(message)
    error.headers[UPLOAD_STATUS] = "final"
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

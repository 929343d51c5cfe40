"""Media in every spelling of the ecosystem: sent as parts, and kept as files."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.errors import MessageError
from langchain_codeexec.executions import InlineFile
from langchain_codeexec.messages.media import inline_file, inline_image, media_from_block, parts_from_content

HI = "aGk="
PNG = {"inlineData": {"mimeType": "image/png", "data": HI}}
URL = "https://example.com/cat.png?size=2"


def inline(mime_type: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": HI}}


def at(uri: str, mime_type: str | None) -> dict[str, Any]:
    return {"fileData": {**({"mimeType": mime_type} if mime_type else {}), "fileUri": uri}}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("text", {"text": "text"}),
        ({"type": "text", "text": "text"}, {"text": "text"}),
        # LangChain's standard blocks
        ({"type": "image", "base64": HI, "mime_type": "image/png"}, PNG),
        ({"type": "image", "base64": b"hi", "mime_type": "image/png"}, PNG),
        ({"type": "image", "base64": HI}, inline("image/jpeg")),
        ({"type": "audio", "base64": HI}, inline("audio/mpeg")),
        ({"type": "video", "base64": HI}, inline("video/mp4")),
        ({"type": "file", "base64": HI}, inline("application/octet-stream")),
        ({"type": "file", "base64": HI, "mime_type": "text/csv"}, inline("text/csv")),
        ({"type": "image", "url": URL}, at(URL, "image/png")),
        ({"type": "image", "url": "https://example.com/cat"}, at("https://example.com/cat", "image/jpeg")),
        ({"type": "file", "url": "gs://b/x.pdf"}, at("gs://b/x.pdf", "application/pdf")),
        ({"type": "file", "url": "gs://b/x"}, at("gs://b/x", None)),
        ({"type": "file", "file_id": "files/x", "mime_type": "text/csv"}, at("files/x", "text/csv")),
        ({"type": "image", "url": f"data:image/png;base64,{HI}"}, PNG),
        ({"type": "text-plain", "text": "text", "title": "Title"}, {"text": "Title\ntext"}),
        ({"type": "text-plain", "base64": HI}, inline("text/plain")),
        ({"type": "non_standard", "value": {"text": "raw"}}, {"text": "raw"}),
        ({"type": "non_standard", "value": {"type": "image", "base64": HI, "mime_type": "image/png"}}, PNG),
        # settings beside the data
        (
            {"type": "video", "url": "gs://b/v.mp4", "extras": {"video_metadata": {"fps": 1}}},
            {**at("gs://b/v.mp4", "video/mp4"), "videoMetadata": {"fps": 1}},
        ),
        (
            {"type": "image", "base64": HI, "mime_type": "image/png", "media_resolution": {"level": "LOW"}},
            {**PNG, "mediaResolution": {"level": "LOW"}},
        ),
        ({"type": "image", "source_type": "base64", "data": HI, "mime_type": "image/png"}, PNG),
        # OpenAI's
        ({"type": "input_audio", "input_audio": {"data": HI, "format": "wav"}}, inline("audio/wav")),
        ({"type": "file", "file": {"file_data": f"data:application/pdf;base64,{HI}"}}, inline("application/pdf")),
        ({"type": "image_generation_call", "result": HI}, PNG),
        ({"type": "image_url", "image_url": URL}, at(URL, "image/png")),
        ({"type": "image_url", "image_url": {"url": URL, "detail": "auto"}}, at(URL, "image/png")),
        (
            {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
            {**at(URL, "image/png"), "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
        ),
        (
            {"type": "input_image", "image_url": URL, "detail": "high"},
            {**at(URL, "image/png"), "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}},
        ),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{HI}"}}, PNG),
        ({"type": "input_text", "text": "Hello."}, {"text": "Hello."}),
        (
            {"type": "input_file", "file_data": f"data:application/pdf;base64,{HI}", "filename": "a.pdf"},
            inline("application/pdf"),
        ),
        ({"type": "input_file", "file_url": "https://x/a.pdf"}, at("https://x/a.pdf", "application/pdf")),
        # LangChain's Google packages'
        ({"type": "media", "mime_type": "text/csv", "data": HI}, inline("text/csv")),
        ({"type": "media", "mime_type": "image/png", "data": b"hi"}, PNG),
        ({"type": "media", "mime_type": "video/mp4", "file_uri": "gs://b/v"}, at("gs://b/v", "video/mp4")),
        (
            {"type": "media", "mime_type": "video/mp4", "file_uri": "gs://b/v", "video_metadata": {"fps": 1}},
            {**at("gs://b/v", "video/mp4"), "videoMetadata": {"fps": 1}},
        ),
        # Anthropic's
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": HI}}, PNG),
        ({"type": "image", "source": {"type": "url", "url": URL}}, at(URL, "image/png")),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": HI}},
            inline("application/pdf"),
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
            inline("text/plain"),
        ),
        # Gemini's own
        ({"text": "text"}, {"text": "text"}),
        (PNG, PNG),
        ({"inline_data": {"mime_type": "image/png", "data": HI}}, {"inline_data": {"mime_type": "image/png", "data": HI}}),
    ],
)  # fmt: skip
def test_every_spelling(block: Any, part: dict[str, Any]) -> None:
    assert list(parts_from_content([block])) == [part]


@pytest.mark.parametrize(
    ("uri", "part"),
    [
        (f"data:image/png;base64,{HI}", PNG),
        (f"data:image/png;charset=x;base64,{HI}", PNG),
        (f"DATA:image/png;BASE64,{HI}", PNG),
        ("data:image/png,hi", PNG),
        ("data:image/png,%68i", PNG),
        (f"data:;base64,{HI}", inline("text/plain")),
        ("data:,hi", inline("text/plain")),
        ("data:image/png;base64", at("data:image/png;base64", None)),
    ],
)
def test_data_uris(uri: str, part: dict[str, Any]) -> None:
    assert list(parts_from_content([{"type": "file", "url": uri}])) == [part]


@pytest.mark.parametrize(
    "block",
    [
        5, None, ["text"], {}, {"foo": 1}, {"type": "hologram"}, {"type": ["text"]}, {"type": None, "x": 1},
        {"type": "text"}, {"type": "text", "text": None}, {"type": "text", "text": 5},
        {"type": "image"}, {"type": "image", "url": 5}, {"type": "image", "base64": None}, {"type": "image", "base64": 5},
        {"type": "image", "base64": HI, "mime_type": 5},
        {"type": "image", "source": {}}, {"type": "document"}, {"type": "text-plain"},
        {"type": "image_url"}, {"type": "image_url", "image_url": None}, {"type": "image_url", "image_url": {}},
        {"type": "media"}, {"type": "media", "data": None}, {"type": "non_standard"}, {"type": "non_standard", "value": "x"},
        {"type": "tool_call", "name": "f", "args": {}, "id": "1"}, {"type": "reasoning", "reasoning": "x"},
        {"type": "server_tool_result", "tool_call_id": "1", "output": "x"},
    ],
    ids=repr,
)  # fmt: skip
def test_what_gemini_takes_no_input_of_is_refused(block: Any) -> None:
    with pytest.raises(MessageError, match="content block"):
        list(parts_from_content([block]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
KEYS = st.sampled_from(
    ["type", "text", "base64", "url", "file_id", "mime_type", "image_url", "data", "file_uri", "source", "value", "extras"]
)  # fmt: skip
TYPES = st.sampled_from(
    ["text", "image", "file", "text-plain", "image_url", "media", "document", "non_standard"]
)


@given(
    st.lists(
        st.dictionaries(KEYS, JSON)
        | JSON
        | st.fixed_dictionaries({"type": TYPES}, optional={"source": JSON}),
        max_size=3,
    )
)
def test_nothing_else_is_ever_raised(content: list[Any]) -> None:
    try:
        parts = list(parts_from_content(content))
    except MessageError:
        return
    assert all(isinstance(part, dict) for part in parts)


@given(
    st.fixed_dictionaries({"type": TYPES}, optional=dict.fromkeys(("base64", "url", "data", "source"), JSON))
)
def test_what_is_sent_by_value_is_what_counts_as_a_file(block: dict[str, Any]) -> None:
    try:
        [part] = parts_from_content([block])
    except MessageError:
        return
    media = media_from_block(block)
    assert ("inlineData" in part) == (media is not None and media.data is not None)


# -- media as files ------------------------------------------------------------------------------------

SVG = b"<svg/>"
IN_A_URI = InlineFile(SVG, "image/svg+xml")


@given(st.binary(), st.booleans(), st.booleans())
def test_every_spelling_of_base64_is_read(data: bytes, is_safe: bool, is_padded: bool) -> None:
    text = (urlsafe_b64encode if is_safe else b64encode)(data).decode()
    block = {"type": "file", "base64": text if is_padded else text.rstrip("=")}
    assert inline_file(block) == InlineFile(data, "application/octet-stream")


@pytest.mark.parametrize("text", ["é", "a", "AA AA", "AA==AA", "$$$$"])
def test_what_is_no_base64(text: str) -> None:
    block = {"type": "file", "base64": text}
    assert inline_file(block) is None
    media = media_from_block(block)
    assert media
    with pytest.raises(ValueError, match=r"."):
        _ = media.content


@pytest.mark.parametrize(
    ("block", "image"),
    [
        ({"type": "image", "url": "data:image/svg+xml;utf8,%3Csvg/%3E"}, IN_A_URI),
        ({"type": "image_url", "image_url": "data:image/svg+xml;base64,PHN2Zy8-"}, IN_A_URI),
        ({"type": "image_url", "image_url": {"url": "DATA:image/svg+xml;BASE64,PHN2Zy8+"}}, IN_A_URI),
        ({"type": "image", "base64": "PHN2\nZy8+", "mime_type": "image/svg+xml"}, IN_A_URI),
        ({"type": "image", "base64": "no base64!", "mime_type": "image/svg+xml"}, None),
        ({"type": "image", "url": "data:,text"}, None),
        ({"type": "image", "url": "https://example.org/a.png"}, None),
    ],
)
def test_images(block: dict[str, Any], image: InlineFile | None) -> None:
    assert inline_image(block) == image


def test_a_uri_without_a_type_is_text() -> None:
    assert inline_file({"type": "file", "url": "data:,a%20b"}) == InlineFile(b"a b", "text/plain")

"""Files that content blocks carry by value."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.executions import InlineFile
from langchain_codeexec.messages.media import bytes_from_base64, inline_file, inline_image

SVG = b"<svg/>"
IN_A_URI = InlineFile(SVG, "image/svg+xml")


@given(st.binary(), st.booleans(), st.booleans())
def test_every_spelling_of_base64_is_read(data: bytes, is_safe: bool, is_padded: bool) -> None:
    text = (urlsafe_b64encode if is_safe else b64encode)(data).decode()
    assert bytes_from_base64(text if is_padded else text.rstrip("=")) == data


@pytest.mark.parametrize("text", ["é", "a", "AA AA", "AA==AA", "$$$$"])
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        bytes_from_base64(text)


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

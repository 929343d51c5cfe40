"""Names, descriptions and files of images."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import InlineFile
from langchain_codeexec.records.images import describe_image, image_name, images_of, save_images

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0"


@pytest.mark.parametrize(
    ("image", "description"),
    [
        (InlineFile(PNG, "image/png"), "image/png, 640 x 480 pixels, 24 bytes"),
        (InlineFile(PNG[:15], "image/png"), "image/png, 15 bytes"),
        (InlineFile(b"", "image/png"), "image/png, 0 bytes"),
        (InlineFile(bytes(1500), "image/jpeg"), "image/jpeg, 1.5 kB"),
    ],
)
def test_description(image, description):
    assert describe_image(image) == description


@pytest.mark.parametrize(
    ("mime_type", "suffix"),
    [("image/png", ".png"), ("image/jpeg", ".jpg"), ("image/../../x", ".bin"), ("", ".bin")],
)
def test_the_name_is_the_contents(mime_type, suffix):
    assert image_name(InlineFile(b"12", mime_type)) == f"image-6b51d431{suffix}"
    assert image_name(InlineFile(b"13", mime_type)) != image_name(InlineFile(b"12", mime_type))


def test_saved_twice_is_saved_once(tmp_path):
    images = [InlineFile(b"12", "image/png"), InlineFile(b"13", "image/png")]
    paths = save_images(images, tmp_path / "new" / "folder")
    assert save_images(images, tmp_path / "new" / "folder") == paths
    assert [path.read_bytes() for path in paths] == [b"12", b"13"]


def test_without_images_nothing_is_made(tmp_path):
    assert save_images([], tmp_path / "new") == []
    assert not (tmp_path / "new").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot be written to '.*file': .*Choose a directory"):
        save_images([InlineFile(b"12", "image/png")], tmp_path / "file")


def test_only_what_runs_drew_is_theirs():
    message = AIMessage(
        [
            {"type": "image", "base64": "MQ==", "mime_type": "image/png"},
            {"type": "server_tool_call", "id": "c", "name": "code_interpreter", "args": {"code": "plot()"}},
            {"type": "server_tool_result", "tool_call_id": "c", "status": "success", "output": ""},
            {"type": "image", "base64": "Mg==", "mime_type": "image/png"},
        ]
    )
    assert [image.data for image in images_of(message)] == [b"2"]

"""Names of saved files: what they are made of, and what no name can do."""

import unicodedata
from pathlib import PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langchain_codeexec.data.sinks import names_for
from langchain_codeexec.executions import InlineFile

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RESERVED = ("CON", "PRN", "AUX", "NUL", "COM1", "LPT9")

hostile_names = st.text(max_size=60) | st.sampled_from(
    [
        "../../etc/passwd", "..", ".", "/", "\\\\server\\share\\x.png", "C:\\x.png", "a\0b.png", "a\nb", "a/b/c.csv",
        *RESERVED, *(f"{name}.tar.gz" for name in RESERVED), "x" * 300, "ü" * 300, ".hidden", "...", "a. ", "~", "-rf",
        "\u202egnp.exe", "\ud800.png", "a:b", 'a?b*c|d<e>f"', "e\u0301.png",
    ]
)  # fmt: skip


def name_of(data: bytes, mime_type: str, name: str = "") -> str:
    return next(names_for(InlineFile(data, mime_type, name)))


@pytest.mark.parametrize(
    ("mime_type", "name", "saved"),
    [
        ("image/jpeg", "", "image-6b51d431df5d.jpg"),
        ("image/jpeg", "photo.jpeg", "photo-6b51d431df5d.jpeg"),
        ("audio/wav", "", "audio-6b51d431df5d.wav"),
        ("video/mp4", "", "video-6b51d431df5d.mp4"),
        ("text/csv; charset=utf-8", "", "file-6b51d431df5d.csv"),
        ("text/csv", "sales 2024.csv", "sales_2024-6b51d431df5d.csv"),
        ("text/plain", "notes.MD", "notes-6b51d431df5d.txt"),
        ("image/png", "evil.html", "evil-6b51d431df5d.png"),
        (XLSX, "", "file-6b51d431df5d.xlsx"),
        ("application/octet-stream", "model.pkl", "model-6b51d431df5d.pkl"),
        ("", "data.parquet", "data-6b51d431df5d.parquet"),
        ("application/x-unheard-of", "data.abc", "data-6b51d431df5d.abc"),
        ("application/octet-stream", "", "file-6b51d431df5d.bin"),
        ("image/../../x", "", "image-6b51d431df5d.bin"),
        ("", "", "file-6b51d431df5d.bin"),
        ("image/png", "größe_日本.png", "größe_日本-6b51d431df5d.png"),
        ("image/png", "../../etc/passwd", "passwd-6b51d431df5d.png"),
        ("image/png", "C:\\temp\\plot.png", "plot-6b51d431df5d.png"),
        ("application/octet-stream", "con.tar.gz", "con_tar-6b51d431df5d.gz"),
        ("image/png", "\u202egnp.exe", "gnp-6b51d431df5d.png"),
    ],
)
def test_stem_hash_and_suffix(mime_type, name, saved):
    assert name_of(b"12", mime_type, name) == saved


@given(name=hostile_names, mime_type=st.text(max_size=20) | st.sampled_from(["image/png", "text/csv", ""]))
@example(name="x" * 300, mime_type="")
def test_every_name_is_safe_everywhere(name, mime_type):
    for saved in names_for(InlineFile(b"12", mime_type, name)):
        stem, _, suffix = saved.rpartition(".")
        assert 0 < len(saved.encode()) < 256
        assert suffix
        assert "." not in stem
        assert not saved.startswith((".", "-", " "))
        assert all(unicodedata.category(sign)[0] in "LMN" or sign in "-_" for sign in stem)
        assert stem.upper() not in RESERVED
        assert PureWindowsPath(saved).name == saved
        assert unicodedata.is_normalized("NFC", saved)


@given(one=st.binary(max_size=30), other=st.binary(max_size=30), name=hostile_names)
def test_names_are_equal_for_equal_bytes_alone(one, other, name):
    assert (name_of(one, "image/png", name) == name_of(other, "image/png", name)) == (one == other)


def test_longer_names_follow_for_bytes_whose_short_name_is_taken():
    names = list(names_for(InlineFile(b"12", "image/png")))
    digest = "6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918"
    assert names == [f"image-{digest[:digits]}.png" for digits in (12, 24, 64)]

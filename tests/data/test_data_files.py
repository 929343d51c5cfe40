"""Sources of every kind as files: types, names, encodings, limits, and what the model is message."""

import io
import os
import pickle
import stat
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.documents.base import Blob
from PIL import Image
from pyarrow import feather, parquet

from langchain_codeexec.data import Column, DataFile, DataLimits, data_files
from langchain_codeexec.errors import ConfigurationError, DataError, MissingDependencyError
from langchain_codeexec.executions import InlineFile

CSV = b"a,b\n1,x\n2,\n"
PNG = b"\x89PNG\r\n\x1a\n rest"


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "mime_type", "sent_as"),
    [
        ("A.CSV", CSV, "text/csv", "input_file_0.csv"),
        ("a.py", b"x = 1", "text/x-python", "input_file_0.py"),
        ("a.js", b"1", "text/javascript", "input_file_0.js"),
        ("a.ts", b"1", "text/x-typescript", "input_file_0.ts"),
        ("a.cpp", b"1", "text/x-c++src", "input_file_0.cpp"),
        ("a.java", b"1", "text/x-java", "input_file_0.java"),
        ("a.xml", b"<a/>", "text/xml", "input_file_0.xml"),
        ("a.svg", b"<svg/>", "text/xml", "input_file_0.xml"),
        ("a.png", PNG, "image/png", "input_file_0.png"),
        ("a.jpg", b"\xff\xd8\xff", "image/jpeg", "input_file_0.jpeg"),
        ("a.png", b"\xff\xd8\xff", "image/jpeg", "input_file_0.jpeg"),  # its bytes know better
        ("a.pdf", b"%PDF-1.7 \xff", "application/pdf", "input_file_0.pdf"),
        ("a.webp", b"RIFF1234WEBP", "image/webp", "input_file_0.webp"),
        ("a.heic", b"1234ftypheic", "image/heic", "input_file_0.heic"),
        ("a.m4a", b"1234ftypM4A ", "audio/mp4", None),
        ("a.mp4", b"1234ftypisom", "video/mp4", "input_file_0.mp4"),
        ("a.wav", b"RIFF1234WAVE", "audio/wav", "input_file_0.wav"),
        ("a.mp3", b"\xff\xfb", "audio/mpeg", "input_file_0.mp3"),
        ("a.md", b"# x", "text/markdown", "input_file_0.md"),
        ("a.html", b"<p>", "text/html", "input_file_0.html"),
        ("a.go", b"package main", "text/plain", "input_file_0.txt"),
        ("Makefile", b"all:\n", "text/plain", "input_file_0.txt"),
        (".env", b"a=b", "text/plain", "input_file_0.txt"),
        ("a.json", b'{"a": {"b": 1}}', "text/plain", "input_file_0.txt"),
        ("a.json", b"not json", "text/plain", "input_file_0.txt"),
        ("a.jsonl", b"[1]\n2\n", "text/plain", "input_file_0.txt"),
    ],
)
def test_types_by_content_and_suffix(
    tmp_path: Path, name: str, data: bytes, mime_type: str, sent_as: str | None
) -> None:
    (tmp_path / name).write_bytes(data)
    [file] = data_files(tmp_path / name)
    assert (file.mime_type, file.data, file.source) == (mime_type, data, name)
    assert sent_as is None or file.name == sent_as
    assert data_files((name, data)) == data_files(str(tmp_path / name)) == (file,)
    assert file.inline_file == InlineFile(data, mime_type, file.name)


@pytest.mark.parametrize(
    ("name", "data", "remarks"),
    [
        ("a.csv", "a,b\n1,ö\n".encode(), ()),
        ("a.csv", "a,b\n1,ö\n".encode("utf-8-sig"), ("converted from UTF-8 with a byte order mark",)),
        ("a.csv", "a,b\n1,ö\n".encode("utf-16"), ("converted from UTF-16",)),
        ("a.csv", "\ufeffa,b\n1,ö\n".encode("utf-32-be"), ("converted from UTF-32",)),
        ("a.csv", "a,b\n1,ö\n".encode("cp1252"), ("converted from Windows-1252",)),
        ("a.csv", "a;b\n1;ö\n".encode(), ("was cut by semicolons",)),
        ("a.csv", "a|b\n1|ö\n".encode(), ("was cut by bars",)),
        ("a.csv", "a\tb\r\n1\tö\r\n".encode("cp1252"), ("converted from Windows-1252", "was cut by tabs")),
        ("a.tsv", "a\tb\n1\tö\n".encode(), ("was cut by tabs",)),
        ("a.json", '[{"a": 1, "b": "ö"}]'.encode(), ()),
        ("a.json", '{"a": [1], "b": ["ö"]}'.encode("utf-16"), ()),
        ("a.jsonl", '{"a": 1, "b": "ö"}\n\n'.encode(), ()),
        ("a.xlsx", workbook(Data=[[None], ["a", "b"], [1, "ö"], [None]]), ()),
        ("a.xlsx", workbook(Empty=[], Data=[["a", "b"], [1, "ö"]]), ()),
    ],
)  # fmt: skip
def test_every_encoding_and_format_becomes_the_same_csv(
    name: str, data: bytes, remarks: tuple[str, ...]
) -> None:
    [file] = data_files((name, data))
    assert file.data.decode() == "a,b\n1,ö\n"
    assert (file.mime_type, file.rows, file.remarks) == ("text/csv", 1, remarks)
    assert file.columns == (Column("a", "integer"), Column("b", "text"))


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.arrow"])
def test_parquet_and_arrow(name: str) -> None:
    buffer = io.BytesIO()
    write: Any = parquet.write_table if name == "a.parquet" else feather.write_feather
    write(pa.table({"a": [1, 2], "b": ["x", None]}), buffer)
    [file] = data_files((name, buffer.getvalue()))
    assert (file.data, file.source) == (b"a,b\n1,x\n2,\n", name)


def test_a_workbook_is_a_file_for_each_sheet() -> None:
    data = workbook(First=[["a"], [1], [None], [True]], Second=[["b", None], [2, 3]])
    first, second = data_files(("book.xlsx", data), first=3)
    assert (first.name, first.source) == ("input_file_3.csv", "book.xlsx, sheet 'First'")
    assert first.data == b'a\n1\n""\nTrue\n'
    assert (second.name, second.data) == ("input_file_4.csv", b"b,column_2\n2,3\n")


def test_utf8_csv_travels_byte_for_byte_and_what_no_encoding_takes_as_latin_1() -> None:
    data = b'a,b\r\n"1, 2", x\r\n\r\nragged\r\n'
    [file] = data_files(("a.csv", data))
    assert file.data is data
    assert (file.rows, file.remarks) == (2, ("rows of 1 to 2 cells",))
    [file] = data_files(("a.csv", b"a,b\n1,\xf6\x81\n"))
    assert (file.data.decode(), file.remarks) == ("a,b\n1,ö\x81\n", ("converted from Latin-1",))


@pytest.mark.parametrize(
    ("text", "expected", "pointed"),
    [
        ("a;b\n1,5;x\n1.234,25;y\n;z\n", "a,b\n1.5,x\n1234.25,y\n,z\n", True),
        ("a;b;c\n1,5;1.234;1.25\n2;56;3\n", "a,b,c\n1.5,1234,1.25\n2,56,3\n", True),
        ("a;b\n1,5;x\n2.5;y\n", 'a,b\n"1,5",x\n2.5,y\n', False),
        ("a;b\n15;x\n25;y\n", "a,b\n15,x\n25,y\n", False),
    ],
)
def test_decimal_commas_become_points_where_a_column_is_nothing_else(
    text: str, expected: str, pointed: bool
) -> None:
    [file] = data_files(("a.csv", text.encode()))
    assert file.data.decode() == expected
    assert ("decimal commas are points now" in file.remarks) == pointed


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", ""], "integer"), (["1", "2.5", "1e3"], "number"), (["007", "12"], "digits"), (["true", "False"], "boolean"),
        (["2024-01-01", ""], "date"), (["2024-01-01 10:00", "2024-01-01T10:00:00.5Z"], "datetime"), (["10:00", "9:30:00"], "time"),
        (["", ""], "empty"), (["1", "x"], "text"), (["1_000", "٣"], "text"), (["nan", "1.5"], "number"), (["2024-1-1"], "text"),
    ],
)  # fmt: skip
def test_kinds_of_written_columns(cells: list[str], kind: str) -> None:
    [file] = data_files(("a.csv", "".join(["k,v\n", *(f"0,{cell}\n" for cell in cells)]).encode()))
    assert file.columns[1] == Column("v", kind, cells.count(""))


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (CSV, "text/csv"), (b"a;b\n1;2", "text/csv"), (b'[{"a": 1}]', "text/csv"), (b'{"a": 1}\n{"a": 2}', "text/csv"),
        (b"Just words.", "text/plain"), (b"One line, with a comma.\nAnother, with, more.", "text/plain"), (PNG, "image/png"),
    ],
)  # fmt: skip
def test_bytes_without_a_name_are_what_they_look_like(data: bytes, mime_type: str) -> None:
    for source in (data, bytearray(data), memoryview(data)):
        [file] = data_files(source)
        assert (file.mime_type, file.source) == (mime_type, "bytes")


@pytest.mark.parametrize(
    ("block", "mime_type", "source"),
    [
        ({"type": "file", "base64": encoded(CSV), "mime_type": "text/csv"}, "text/csv", "bytes"),
        ({"type": "file", "base64": encoded(CSV), "mime_type": "text/csv", "extras": {"filename": "a.csv"}}, "text/csv", "a.csv"),
        ({"type": "file", "source_type": "base64", "data": encoded(CSV), "mime_type": "text/csv"}, "text/csv", "bytes"),
        ({"type": "file", "url": f"data:text/csv;base64,{encoded(CSV)}"}, "text/csv", "bytes"),
        ({"type": "file", "url": "data:text/csv,a%2Cb%0A1%2C2"}, "text/csv", "bytes"),
        ({"type": "media", "mime_type": "text/csv", "data": encoded(CSV)}, "text/csv", "bytes"),
        ({"inlineData": {"mimeType": "text/csv", "data": encoded(CSV)}}, "text/csv", "bytes"),
        ({"type": "non_standard", "value": {"inline_data": {"mime_type": "text/csv", "data": encoded(CSV)}}}, "text/csv", "bytes"),
        ({"type": "file", "base64": encoded(b"hello")}, "text/plain", "bytes"),
        ({"type": "file", "base64": encoded("hellö".encode("cp1252")), "mime_type": "text/x-foo"}, "text/x-foo", "bytes"),
        ({"type": "image", "base64": encoded(PNG), "mime_type": "image/png"}, "image/png", "bytes"),
        ({"type": "image", "base64": PNG, "mime_type": "image/png"}, "image/png", "bytes"),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded(PNG)}"}}, "image/png", "bytes"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": encoded(PNG)}}, "image/png", "bytes"),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{encoded(b'%PDF-')}"}},
         "application/pdf", "a.pdf"),
        ({"type": "input_audio", "input_audio": {"data": encoded(b"RIFF1234WAVE"), "format": "wav"}}, "audio/wav", "bytes"),
        ({"type": "text-plain", "text": "Hello.", "title": "note"}, "text/plain", "note"),
    ],
)  # fmt: skip
def test_content_blocks_in_every_spelling(block: dict[str, Any], mime_type: str, source: str) -> None:
    [file] = data_files(block)
    assert (file.mime_type, file.source) == (mime_type, source)


def test_other_sources(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    image = Image.new("CMYK", (2, 2))
    sources = [
        InlineFile(CSV, "text/csv", "x.csv"), InlineFile(CSV, "text/csv"), Blob.from_data(CSV, mime_type="text/csv"),
        Blob.from_path(tmp_path / "a.csv"), Blob(data="a,b\n1,2", path="t.csv"), ("frame", pd.DataFrame({"v": [1]})),
        pd.Series([1], name="v"), Image.new("RGBA", (2, 2)), ("picture", image), [tmp_path / "a.csv", ("b.csv", CSV)],
    ]  # fmt: skip
    files = data_files(*sources)
    assert [file.source for file in files] == [
        "x.csv", "bytes", "bytes", "a.csv", "t.csv", "frame 'frame'", "frame 'v'", "image", "image 'picture'", "a.csv", "b.csv",
    ]  # fmt: skip
    assert [file.name for file in files] == [
        f"input_file_{place}{'.png' if place in {7, 8} else '.csv'}" for place in range(11)
    ]
    assert data_files(*files[3:], first=3) == files[3:]


def test_names_can_be_given() -> None:
    files = data_files(CSV, pd.DataFrame({"v": [1]}), ("a.csv", CSV), names=["data.csv", "orders", None])
    assert [file.source for file in files] == ["data.csv", "frame 'orders'", "a.csv"]


def test_a_document_is_its_text_and_a_file_for_each_table() -> None:
    text = "# Moons\n\n| planet | moons |\n|---|---|\n| Mars | 2 |\n| Saturn | 1,000 |\n\nThat is all."
    note, table = data_files(Document(text, metadata={"title": "moons.md"}))
    assert (note.mime_type, note.data.decode(), note.in_working_directory) == ("text/plain", text, False)
    assert table.source == "table 1 of moons.md: Moons"
    assert table.data == b"planet,moons\nMars,2\nSaturn,1000\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (object(), "'object' is nothing that can be sent as data; give a path"),
        (None, "'NoneType' is nothing"),
        (("a", "b", "c"), "a tuple must be a name and what it names"),
        ("a,b\n1,2", "text with several lines is no path; pass it as"),
        ("https://example.com/a.csv", "is a URL, no path; download it"),
        ("no/such/file.csv", "^file.csv cannot be read: No such file"),
        ("nul\0.csv", "cannot be read: embedded null"),
        ("x" * 300, "cannot be read: File name too long"),
        (("a.csv", b""), "a.csv is empty"),
        (("a.csv", b"\n\n"), "a.csv has no rows"),
        (("a.csv", PNG), "a.csv holds image/png, not delimited text. Give it the suffix"),
        (("a.csv", workbook(S=[[1]])), "a.csv holds a ZIP archive or an Office document"),
        (("a.csv", b"a,b\0\x01\n"), "a.csv holds binary data, not text. Save it as text in UTF-8"),
        (("a.csv", b"\xff\xfea"), "says it is UTF-16, and is not"),
        (("a.csv", b'a,b\n1,"' + b"x" * 200_000), "a.csv cannot be read as a table: field larger"),
        (("a.csv", b"a,b\n1,\x81\x01"), "binary data"),
        (("a.xlsx", b"hello"), "a.xlsx is no readable Excel workbook"),
        (("a.xlsx", workbook(S=[])), "no filled cell"),
        (("a.parquet", b"hello"), "a.parquet cannot be read"),
        (("a.feather", b"ARROW1 hello"), "a.feather cannot be read"),
        (("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1"), "save it as .xlsx"),
        (("a.csv.gz", b"\x1f\x8b\x08"), "unpack it"),
        (("a.exe", b"MZ\x00\xff"), "a.exe is neither text nor of a type Gemini takes; send text, CSV"),
        (("a.png", b"hello"), "a.png should be image/png and is not"),
        ({"type": "file", "base64": "%%%", "mime_type": "text/csv"}, "no base64"),
        ({"type": "file", "url": "https://example.com/a.csv"}, "neither a content block with its data"),
        ({"type": "text-plain", "text": " "}, "is empty"),
        (Document("  "), "is empty"),
    ],
)
def test_what_cannot_be_sent_is_an_error_that_says_what_to_do(source: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        data_files(source)


def test_what_is_no_regular_file_is_refused_at_once_and_a_link_to_one_followed(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.csv")
    os.mknod("socket.csv", 0o600 | stat.S_IFSOCK)
    Path("loop.csv").symlink_to("loop.csv")
    Path("dangling.csv").symlink_to("nowhere")
    refusals = {
        str(tmp_path): "a folder",
        "/dev/zero": "a device",
        "pipe.csv": "a pipe",
        "socket.csv": "a socket",
        "loop.csv": "symbolic links",
        "dangling.csv": "No such file",
    }
    for path, refusal in refusals.items():
        with pytest.raises(DataError, match=refusal):
            data_files(path)
    Path("nowhere").write_bytes(CSV)
    assert data_files("dangling.csv")[0].data == CSV


@pytest.mark.parametrize(
    "name", ["two words.csv", "a\nb.csv", "\u202egnp.csv", "x\x1b[2J.csv", b"\xff\xfe.csv", "; ignore.csv"]
)
def test_odd_names_are_shown_cleaned_and_never_used(tmp_path: Path, name: str | bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + os.fsencode(name)))
    path.write_bytes(CSV)
    source = (name, CSV) if "\n" in str(path) else path  # as a path that is text by mistake
    [file] = data_files(source)
    line = file.hint.splitlines()[0]
    assert line.startswith("- input_file_0.csv: ")
    assert line.isprintable()


@pytest.mark.parametrize("name", ["../../etc/y.csv", "C:\\x\\y.csv", "/abs/y.csv"])
def test_folders_in_names_are_left_out(name: str) -> None:
    assert data_files((name, CSV))[0].source == "y.csv"


def test_the_hint() -> None:
    data = 'region,units,note\nNorth,10,\nSouth,20,"a, b"\n'.encode("utf-16")
    [file] = data_files(("sales 2024.csv", data))
    assert file.hint == (
        "- input_file_0.csv: sales 2024.csv; 2 rows; columns: region (text), units (integer), note (text, 1 missing); "
        'converted from UTF-16\n    region,units,note\n    North,10,\n    South,20,"a, b"'
    )
    [pdf] = data_files(("a.pdf", b"%PDF-1.7"))
    assert pdf.hint == "- input_file_0.pdf: a.pdf; application/pdf; attached to be read, code cannot open it"


@given(
    st.lists(st.text(max_size=200), min_size=1, max_size=60),
    st.lists(st.text(max_size=300), min_size=1, max_size=3),
    st.text(max_size=300),
)
def test_nothing_breaks_out_of_a_hint_and_it_stays_short(
    columns: list[str], cells: list[str], source: str
) -> None:
    file = DataFile(
        "input_file_0.csv", source, "text/csv", b"", tuple(Column(name, "text") for name in columns), 3,
        (tuple(cells), tuple(cells)), (source,),
    )  # fmt: skip
    first, *sample = file.hint.splitlines()
    assert first.startswith("- input_file_0.csv: ")
    assert len(sample) == 3
    assert all(line.startswith("    ") for line in sample)
    assert file.hint.replace("\n", "").isprintable()
    assert len(file.hint) < 3000


def test_a_file_is_a_plain_value() -> None:
    [file] = data_files(("a.csv", CSV))
    assert pickle.loads(pickle.dumps(file)) == file
    block = {"type": "file", "base64": encoded(CSV), "mime_type": "text/csv"}
    assert file.block == {**block, "extras": {"filename": "input_file_0.csv"}}
    assert data_files(("a.png", PNG))[0].block["type"] == "image"


LONG = pd.DataFrame({"n": range(10_000), "t": "some text"})


@pytest.mark.parametrize(
    ("sources", "limits", "message"),
    [
        ([LONG], DataLimits(file_bytes=1000), r"frame has about 0.1 MB, and the limit of one file is 1.0 kB. Send fewer rows"),
        ([("a.csv", LONG.to_csv().encode())], DataLimits(file_bytes=1000), "a.csv has about 0.2 MB"),
        ([("a.png", PNG * 1000)], DataLimits(file_bytes=1000, down_sample=True), "a.png has 13.0 kB"),
        ([LONG], DataLimits(request_bytes=10_000), "limit of one file"),
        ([LONG, LONG], DataLimits(request_bytes=300_000), r"the request with frame \(0.1 MB\) has 0.4 MB in base64"),
        ([("a.png", PNG * 1000), ("b.png", PNG * 1000)], DataLimits(request_bytes=30_000, down_sample=True), "the request with a.png"),
        ([CSV, CSV, CSV], DataLimits(files=2), "would hold 3 files, and the limit is 2"),
        ([LONG], DataLimits(file_bytes=5, down_sample=True), "limit of one file"),
    ],
)  # fmt: skip
def test_too_much_is_an_error_that_names_size_limit_and_remedies(
    sources: list[Any], limits: DataLimits, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        data_files(*sources, limits=limits)


def test_a_file_too_large_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.pdf").open("wb") as file:
        file.truncate(10**12)
    remedies = r"huge.pdf has 1000000.0 MB.*DataLimits\(down_sample=True\).*LocalSandbox"
    with pytest.raises(DataError, match=remedies):
        data_files(tmp_path / "huge.pdf")


def test_down_sampling_leaves_what_a_model_can_take() -> None:
    text = b"n,text\n" + b"1,%s\n" % (b"x" * 1000) * 1500
    files = data_files(("a.csv", text), ("b.csv", text), CSV, limits=DataLimits(down_sample=True))
    assert [bool(file.left_out) for file in files] == [True, True, False]
    assert 1_500_000 < sum(len(file.data) for file in files) < 2_000_000


@pytest.mark.parametrize(
    "source", [LONG, ("a.csv", LONG.to_csv(index=False).encode()), LONG.to_dict("records")]
)
def test_down_sampling_keeps_every_nth_row_and_says_so(source: Any) -> None:
    [file] = data_files(source, limits=DataLimits(file_bytes=20_000, down_sample=True))
    [remark] = file.remarks
    assert remark == "every 8th of 10000 rows, evenly spaced, to fit the request"
    kept = pd.read_csv(io.BytesIO(file.data))
    assert kept["n"].tolist() == list(range(0, 10_000, 8))
    assert (len(kept), 10_000 - len(kept)) == (file.rows, file.left_out)
    assert len(file.data) <= 20_000


def test_down_sampling_fits_several_tables_into_a_request() -> None:
    limits = DataLimits(request_bytes=200_000, down_sample=True)
    files = data_files(LONG, CSV, ("x.png", PNG), LONG, limits=limits)
    assert sum(len(file.block["base64"]) for file in files) < 200_000
    assert [bool(file.remarks) for file in files] == [True, False, False, True]


def test_limits_and_names_must_make_sense() -> None:
    for limits in ({"request_bytes": 0}, {"file_bytes": -1}, {"files": 0}):
        with pytest.raises(ConfigurationError, match="above zero"):
            DataLimits(**limits)
    with pytest.raises(DataError, match="2 sources and 1 names"):
        data_files(CSV, CSV, names=["a"])


@pytest.mark.parametrize(("name", "library"), [("a.xlsx", "openpyxl"), ("a.parquet", "pyarrow")])
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, name: str, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    remedy = rf"{library} is not installed.*langchain-codeexec\[files\]"
    with pytest.raises(MissingDependencyError, match=remedy):
        data_files((name, b"PK\x03\x04"))

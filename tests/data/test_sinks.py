"""Sinks: what is saved is whole, stays what it was, and lies nowhere else."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langchain_codeexec.data import FileSystemSink, FolderSink, SavedFile, Sink
from langchain_codeexec.data.outputs import sink_from
from langchain_codeexec.data.sinks import names_for, place_of
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError, SinkError
from langchain_codeexec.executions import InlineFile

PLOT = InlineFile(b"12", "image/png")
OTHER = b"other bytes"
DIGEST = "6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918"

posix = pytest.mark.skipif(os.name != "posix", reason="links and permissions of POSIX")


def folder(tmp_path: Path) -> FolderSink:
    return FolderSink(tmp_path / "sink")


SINKS = {
    "folder": folder,
    "file": lambda tmp_path: FileSystemSink((tmp_path / "sink").as_uri()),
    "renaming": lambda tmp_path: FileSystemSink(f"dir::file://{tmp_path}/sink"),
    "memory": lambda tmp_path: FileSystemSink(f"memory://{tmp_path.name}/sink"),
}


@pytest.fixture(params=SINKS)
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return SINKS[request.param](tmp_path)


def held(sink: Any, saved: SavedFile) -> bytes:
    if isinstance(sink, FolderSink):
        return (sink.path / saved.name).read_bytes()
    return sink._files.cat_file(f"{sink._root}/{saved.name}")


def put(sink: Any, name: str, data: bytes) -> None:
    if isinstance(sink, FolderSink):
        sink.path.mkdir(parents=True, exist_ok=True)
        (sink.path / name).write_bytes(data)
    else:
        sink._files.makedirs(sink._root, exist_ok=True)
        sink._files.pipe_file(f"{sink._root}/{name}", data)


def lying_in(sink: Any) -> list[str]:
    if isinstance(sink, FolderSink):
        return sorted(path.name for path in sink.path.iterdir())
    return sorted(Path(path).name for path in sink._files.ls(sink._root, detail=False))


@pytest.mark.parametrize(
    "file",
    [
        PLOT,
        InlineFile(b"", "text/csv", "empty.csv"),
        InlineFile(bytes(range(256)), "", "../../etc/passwd"),
        InlineFile(os.urandom(3_000_000), "application/pdf", "größe.pdf"),
    ],
    ids=["plot", "empty", "hostile", "large"],
)
async def test_what_is_saved_is_there(sink, file):
    saved = sink.save(file)
    assert held(sink, saved) == file.data
    assert saved.url.endswith(saved.name) or "%" in saved.url
    assert (saved.mime_type, saved.size) == (file.mime_type, len(file.data))
    assert await sink.asave(file) == saved
    assert lying_in(sink) == [saved.name]
    assert SavedFile(**saved.to_dict()) == saved
    assert isinstance(sink, Sink)


def test_other_contents_under_the_name_stay_and_the_file_gets_a_longer_one(sink):
    short, longer, full = names_for(PLOT)
    put(sink, short, OTHER)
    put(sink, longer, b"21")  # as long as the file's own
    saved = sink.save(PLOT)
    assert saved.name == full
    assert lying_in(sink) == sorted([short, longer, full])
    assert sink.save(PLOT) == saved


def test_no_name_left_is_an_error_that_overwrites_nothing(sink):
    names = list(names_for(PLOT))
    for name in names:
        put(sink, name, OTHER)
    with pytest.raises(SinkError, match="every name for the file is taken"):
        sink.save(PLOT)
    assert lying_in(sink) == sorted(names)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(st.builds(InlineFile, st.binary(max_size=4), st.just("image/png"), st.text(max_size=9)))
)
def test_all_come_back_and_none_lies_outside(tmp_path, files):
    sink = folder(tmp_path)
    for file, saved in [(file, sink.save(file)) for file in files]:
        assert (sink.path / saved.name).read_bytes() == file.data
        assert (sink.path / saved.name).resolve().parent == sink.path.resolve()
    assert {path.name for path in tmp_path.iterdir()} <= {"sink"}


def test_a_folder_is_made_when_there_is_something_to_save(tmp_path):
    sink = folder(tmp_path)
    assert not sink.path.exists()
    assert sink.save(PLOT).url == (tmp_path / "sink" / "image-6b51d431df5d.png").as_uri()


def test_a_relative_folder_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sink = FolderSink("here")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    sink.save(PLOT)
    assert (tmp_path / "here" / "image-6b51d431df5d.png").exists()
    assert repr(sink) == f"FolderSink('{tmp_path / 'here'}')"


@posix
@pytest.mark.parametrize("outside", ["secret", "missing"])
def test_links_pipes_and_folders_under_the_name_are_neither_followed_nor_replaced(tmp_path, outside):
    sink = folder(tmp_path)
    sink.path.mkdir()
    (tmp_path / "secret").write_bytes(PLOT.data)
    link = sink.path / "image-6b51d431df5d.png"
    link.symlink_to(tmp_path / outside)
    assert sink.save(PLOT).name == f"image-{DIGEST[:24]}.png"
    assert link.readlink() == tmp_path / outside
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret", "sink"]
    link.unlink()
    os.mkfifo(link)
    (sink.path / f"image-{DIGEST[:24]}.png").unlink()
    (sink.path / f"image-{DIGEST[:24]}.png").mkdir()
    assert sink.save(PLOT).name == f"image-{DIGEST}.png"


@posix
def test_permissions_are_those_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        path = folder(tmp_path).path / folder(tmp_path).save(PLOT).name
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_many_may_save_at_once(tmp_path):
    sink = folder(tmp_path)
    files = [InlineFile(bytes([index % 5]) * 1000, "image/png") for index in range(60)]
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(sink.save, files))
    assert len(set(saved)) == len(list(sink.path.iterdir())) == 5


def test_a_process_that_dies_in_mid_write_leaves_nothing_under_a_name(tmp_path):
    program = (
        "import os, sys\n"
        "os.fsync = lambda _: os._exit(9)\n"
        "from langchain_codeexec.executions import InlineFile\n"
        "from langchain_codeexec.data import FolderSink\n"
        "FolderSink(sys.argv[1]).save(InlineFile(b'12', 'image/png'))\n"
    )
    died = subprocess.run([sys.executable, "-W", "ignore", "-c", program, tmp_path], check=False)
    assert died.returncode == 9
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []
    assert FolderSink(tmp_path).save(PLOT).size == 2


@pytest.mark.parametrize("taken", [False, True])
def test_a_file_system_without_links_will_do(tmp_path, monkeypatch, taken):
    def link(_one: Any, two: Path) -> None:
        if taken:
            two.write_bytes(OTHER)  # somebody was faster
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    sink = folder(tmp_path)
    if taken:
        with pytest.raises(SinkError, match="every name"):
            sink.save(PLOT)
    else:
        assert (sink.path / sink.save(PLOT).name).read_bytes() == b"12"
    assert not list(sink.path.glob(".*"))


def test_somebody_else_may_write_the_same_file_first(tmp_path, monkeypatch):
    def link(_one: Any, two: Path) -> None:
        two.write_bytes(PLOT.data)
        raise FileExistsError

    monkeypatch.setattr(os, "link", link)
    assert folder(tmp_path).save(PLOT).name == "image-6b51d431df5d.png"


def test_a_file_that_cannot_be_read_is_not_relied_on(tmp_path, monkeypatch):
    sink = folder(tmp_path)
    first = sink.save(PLOT)
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError()))
    assert sink.save(PLOT) != first


@pytest.mark.parametrize("place", ["taken", "taken/below", "nul\0byte"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path, place):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(SinkError, match=r"could not be saved in .*the message still holds") as caught:
        FolderSink(tmp_path / place).save(PLOT)
    assert isinstance(caught.value, OSError)
    assert (tmp_path / "taken").read_text() == "a file"


def test_urls_are_those_of_the_file_system():
    sink = FileSystemSink("memory://urls/plots/")
    assert sink.save(PLOT).url == "memory:///urls/plots/image-6b51d431df5d.png"
    assert repr(sink) == "FileSystemSink('memory:///urls/plots')"


def test_a_write_that_fails_leaves_nothing_and_says_so(tmp_path, monkeypatch):
    sink = SINKS["renaming"](tmp_path)

    def mv(*_: Any, **__: Any) -> None:
        raise RuntimeError("quota exceeded")

    monkeypatch.setattr(sink._files, "mv", mv)
    with pytest.raises(SinkError, match=r"quota exceeded.*the message still holds"):
        sink.save(PLOT)
    assert lying_in(sink) == []
    monkeypatch.setattr(sink._files, "pipe_file", mv)
    with pytest.raises(SinkError, match="quota exceeded"):
        sink.save(PLOT)


def test_a_url_that_nothing_can_be_saved_at_is_refused_at_once(monkeypatch):
    for url in ("nosuch://bucket/x", "zip://x::file:///no/such.zip"):
        with pytest.raises(ConfigurationError, match="nothing can be saved at a"):
            FileSystemSink(url)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingDependencyError, match=r"langchain-codeexec\[files\]"):
        FileSystemSink("memory://x")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("file:///tmp/a%20b.png", "/tmp/a b.png"),
        ("file://host/share/a.png", "file://host/share/a.png"),
        ("s3://bucket/a%20b.png", "s3://bucket/a%20b.png"),
        ("http://x[", "http://x["),
    ],
)
@posix
def test_places_are_paths_where_there_are_any(url, place):
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("plots", FolderSink),
        (Path("plots"), FolderSink),
        ("memory://plots", FileSystemSink),
        (FolderSink("plots"), FolderSink),
        (None, type(None)),
    ],
)
def test_what_names_a_sink(place, kind):
    assert isinstance(sink_from(place), kind)


@pytest.mark.parametrize("place", ["", 7, [], object()])
def test_what_names_none(place):
    with pytest.raises(ConfigurationError, match="saved in a folder, at a URL or in an object"):
        sink_from(place)

"""Cassettes: what a file keeps of traffic, and what it keeps out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.emulator import CassettePlayer
from langchain_codeexec.emulator.cassettes import (
    Interaction,
    RecordedRequest,
    RecordedResponse,
    Scrubber,
    append_to_cassette,
    fingerprint,
    read_cassette,
    write_cassette,
)
from langchain_codeexec.errors import ConfigurationError

KEY = "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"
TOKEN = "ya29.a0AfH6SMBxyz"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"x{KEY}x", "xSECRET"),
        ("AQ.Ab8RN6Jabcdefghijklmnop!", "SECRET!"),
        ("Authorization: Bearer abcdefghijk.lm", "Authorization: Bearer SECRET"),
        ("https://h/x?alt=sse&key=abc&b=1", "https://h/x?alt=sse&key=SECRET&b=1"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n", "SECRET\n"),
        ("Consumer 'project_number:123456'", "Consumer 'project_number:PROJECT'"),
        ("projects/p/locations/l", "projects/PROJECT/locations/l"),
        ("our projects, in /home", "our projects, in /home"),
        ("a Bearer of news", "a Bearer of news"),
    ],
)
def test_forms_of_secrets(text, clean):
    scrubber = Scrubber()
    assert scrubber.text(text) == clean
    assert scrubber.text(clean) == clean
    assert scrubber.value({"a": [text, 1, None], "data": text, "thoughtSignature": text}) == {
        "a": [clean, 1, None],
        "data": text,
        "thoughtSignature": text,
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "is no cassette"),
        ("- 1", "is no cassette"),
        ("interactions: []", "is no cassette"),
        ("version: 1", "is no cassette"),
        ("interactions: [{request: {}, response: {}}]\nversion: 1", "is no cassette"),
        ("interactions: []\nversion: 2", "is of version 2, not 1"),
        (b"\xff\xfe\xff", "cannot be read"),
        (None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_cassette_is_told(tmp_path, content, message):
    path = tmp_path / "c.yaml"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigurationError, match=message):
        CassettePlayer(path)


TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from(
    [
        "a\nb",
        "a\n\n",
        " lead\n  more\n",
        "trail \nx",
        "tab\tx\n",
        "\n",
        "yes",
        "1e3",
        "\x85\n",
        "\u2028\n",
        "# no\n- x\n",
        "=",
        "half a pair \ud800 \n",
        "a: b\n",
    ]
)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(body=JSON, chunks=st.none() | st.lists(JSON, max_size=2))
def test_a_cassette_keeps_every_json_value(tmp_path_factory, body, chunks):
    path = tmp_path_factory.mktemp("cassette") / "c.yaml"
    interaction = Interaction(
        RecordedRequest("POST", "/x", {"alt": "sse"}, body),
        RecordedResponse(200, {"content-type": "x"}, chunks=chunks, body=body, text=None),
    )
    write_cassette(path, [interaction, interaction])
    read, again = read_cassette(path)
    assert json.dumps(again.request.body) == json.dumps(read.request.body)
    kept, given = [read.request.body, read.response.chunks], [body, chunks]
    assert json.dumps(kept, sort_keys=True) == json.dumps(given, sort_keys=True)
    assert fingerprint(read.request) == fingerprint(interaction.request)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "c.yaml"
    write_cassette(path, [])
    before = path.read_text(encoding="utf-8")
    path_as_folder = tmp_path / "folder"
    path_as_folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        write_cassette(path_as_folder, [])
    assert path.read_text(encoding="utf-8") == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["c.yaml", "folder"]


def test_a_file_without_room_for_more_stays_as_it_was(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "c.yaml"
    interaction = Interaction(RecordedRequest("POST", "/x"), RecordedResponse(200, text="x" * 1000))
    write_cassette(path, [interaction])
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(OSError, match="No space left"):
            append_to_cassette(path, interaction)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    append_to_cassette(path, interaction)
    assert read_cassette(path) == [interaction, interaction]


@pytest.mark.parametrize(
    "repeated",
    [
        "1",
        "a.",
        "a@",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "A",
        "Bearer ",
        "AQ.",
        "projects/",
        "?key=",
        "AIza",
    ],
)
def test_a_huge_text_is_scrubbed_in_one_go(repeated):
    """What looks at a character more than a few times would take long for these."""
    scrubber = Scrubber(["never"])
    text = repeated * (1_000_000 // len(repeated))
    assert len(scrubber.text(text)) <= len(text) * 2
    assert scrubber.text(f"{text[:1000]} {KEY} robot@p.iam.gserviceaccount.com").endswith(" SECRET SECRET")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer Rumpelstiltskin"},
        {"Authorization": "Rumpelstiltskin"},
        {"x-api-key": "Rumpelstiltskin"},
        {"X-Gateway-Token": "Rumpelstiltskin"},
        {"cookie": "theme=dark; session=Rumpelstiltskin"},
    ],
)
def test_secrets_are_learned_from_headers(headers):
    scrubber = Scrubber()
    scrubber.learn("/", "", headers)
    assert "Rumpel" not in scrubber.text("I am called session=Rumpelstiltskin.")


@given(text=st.text(max_size=30), project=st.from_regex(r"[a-z][a-z0-9-]{5,12}", fullmatch=True))
def test_scrubbing_leaves_no_secret_and_twice_is_once(text, project):
    scrubber = Scrubber()
    scrubber.learn(f"/v1/projects/{project}/x", f"key={KEY}", {"authorization": f"Bearer {TOKEN}"})
    clean = scrubber.text(f"{text}{KEY} {project} {TOKEN} {text}")
    assert KEY not in clean
    assert TOKEN not in clean
    assert project not in clean
    assert scrubber.text(clean) == clean

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.errors import RateLimitError, ResponseFormatError, ServerError
from langchain_codeexec.gemini.sse import StreamDecoder

ERROR = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
# An `error` key would make an object an error.
objects = st.dictionaries(st.text().filter(lambda key: key != "error"), json_values, max_size=4)
line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


def decode(*pieces: bytes) -> list[object]:
    decoder = StreamDecoder("https://h/m:streamGenerateContent?alt=sse")
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    return [*chunks, *decoder.end()]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


@st.composite
def event_streams(draw) -> tuple[list[object], bytes]:
    """Objects, and a stream of events in every freedom of form that carries them."""
    documents = draw(st.lists(objects, min_size=1, max_size=5))
    stream = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    for document in documents:
        end = draw(line_ends)
        stream += draw(
            st.sampled_from([b"", b": keep-alive" + end, b"event: message" + end, b"id" + end, end])
        )
        text = json.dumps(document, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
        for line in text.encode().split(b"\n"):
            stream += draw(st.sampled_from([b"data:", b"data: "])) + line.lstrip(b" ") + end
        stream += end
    return documents, stream


@given(events=event_streams(), cuts=st.lists(st.integers(min_value=0)))
def test_events_do_not_depend_on_where_the_bytes_are_cut(events, cuts) -> None:
    documents, stream = events
    assert decode(stream) == documents
    assert decode(*pieces_of(stream, cuts)) == documents


@given(
    documents=st.lists(objects, min_size=1),
    indent=st.none() | st.integers(0, 2),
    cuts=st.lists(st.integers(min_value=0)),
)
def test_json_array_does_not_depend_on_where_the_bytes_are_cut(documents, indent, cuts) -> None:
    body = json.dumps(documents, indent=indent).encode()
    assert decode(*pieces_of(body, cuts)) == documents


@given(cuts=st.lists(st.integers(min_value=0)), cut_off=st.integers(min_value=1))
def test_a_stream_cut_short_never_ends_well(cuts, cut_off) -> None:
    event = b'data: {"text": "a}{\\"b", "n": {"x": [1, 2]}}'
    stream = event[: len(event) - 1 - (cut_off - 1) % (len(event) - 1)]
    with pytest.raises(ResponseFormatError):
        decode(*pieces_of(stream, cuts))


@given(data=st.binary(), cuts=st.lists(st.integers(min_value=0)))
def test_any_bytes_give_objects_or_a_typed_error(data: bytes, cuts) -> None:
    try:
        chunks = decode(*pieces_of(data, cuts))
    except (ResponseFormatError, ServerError):
        return
    assert all(isinstance(chunk, dict) for chunk in chunks)


@pytest.mark.parametrize(
    ("stream", "documents"),
    [
        (b'data: {"a":1}\n\ndata: {"a":2}\n\n', [{"a": 1}, {"a": 2}]),
        (b'data: {"a":1}\r\n\r\ndata: {"a":2}', [{"a": 1}, {"a": 2}]),
        (b'data: {"a":\ndata: 1}\n\n', [{"a": 1}]),
        (b'data:{"a":1}\rdata\r\r', [{"a": 1}]),
        (b'\xef\xbb\xbfdata: {"a":1}\n\n', [{"a": 1}]),
        (b': comment\n\nevent: x\nretry: 5\ndata: {"a":1}\n\n\n\n', [{"a": 1}]),
        (b"data: [{},{}]\n\n", [{}, {}]),
        ('data: {"a":"\u2028é😀"}\n\n'.encode(), [{"a": "\u2028é😀"}]),
        (b'[{"a":"}]{"},\r\n{"b":"\\"{"}]', [{"a": "}]{"}, {"b": '"{'}]),
        (b'\xef\xbb\xbf[{"a":1}\n,\n{"b":[{"c":{}}]}\n]\n', [{"a": 1}, {"b": [{"c": {}}]}]),
        (b'{"a":1}', [{"a": 1}]),
        (b'data: {"a":1}\n\n{\n "a":\n 2\n}\ndata: {"a":3}\n\n', [{"a": 1}, {"a": 2}, {"a": 3}]),
        (b'data: {"a":1}\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        (b'data: {"error":null}\n\n', [{"error": None}]),
        (b'data: {"a":1}\n\ndata: [DONE]\n\n', [{"a": 1}]),
        (b'data: {"a":1}\r\n\r\ndata:[DONE]', [{"a": 1}]),
        (b'data: null\n\ndata: {"a":1}\n\ndata: null \n\n', [{"a": 1}]),
        (b'data: {"candidates":[],"error":{"x":1}}\n\n', [{"candidates": [], "error": {"x": 1}}]),
    ],
)
def test_stream(stream: bytes, documents: list[object]) -> None:
    assert decode(stream) == documents
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == documents


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"data: [DONE]\n\n",
        b": only a comment\n\n",
        b"<html>hello</html>",
        b"\xef\xbb",
        b'data: {"a":1',
        b'data: {"a":1\n\n',
        b'data: {"a":1}\n\ndata: {"a"',
        b"data: 1\n\n",
        b"data: [1]\n\n",
        b'data: "text"\n\n',
        b"data: \xff\n\n",
        b"[",
        b'[{"a":1}',
        b'[{"a":1},',
        b'[{"a":"1',
        b"[1,2]",
        b'[{"a":1},null]',
        b"[[{}]]",
        b'{"a":]}',
        b"data: " + b"[" * 100_000 + b"\n\n",
    ],
)
def test_stream_that_breaks_the_protocol(stream: bytes) -> None:
    with pytest.raises(ResponseFormatError):
        decode(stream)


@pytest.mark.parametrize(
    ("stream", "match", "body"),
    [
        (b'data: {"a": nonsense\n\n', "from https://h/m:streamGenerateContent holds", '{"a": nonsense'),
        (b'[{"a":1}, nonsense]', "something other than objects", "nonsense]"),
    ],
)
def test_a_broken_stream_is_shown_without_the_query_of_its_origin(
    stream: bytes, match: str, body: str
) -> None:
    with pytest.raises(ResponseFormatError, match=match) as caught:
        decode(stream)
    assert caught.value.body == body


EVENTS = b'data: {"a":1}\n\ndata: {"a":2}\n\n'


@pytest.mark.parametrize(
    "stream",
    [
        EVENTS + b"data: " + json.dumps(ERROR).encode() + b"\n\n",
        EVENTS + b"data: " + json.dumps([ERROR]).encode() + b"\n\n",
        EVENTS + json.dumps(ERROR).encode() + b"\n",
        EVENTS + json.dumps(ERROR, indent=2).encode(),
        EVENTS + json.dumps([ERROR], indent=2).encode(),
        json.dumps([{"a": 1}, {"a": 2}, ERROR]).encode(),
    ],
)
def test_error_in_mid_stream_is_raised_after_what_came_before(stream: bytes) -> None:
    chunks = StreamDecoder("https://h/x?alt=sse").feed(stream)
    assert [next(chunks), next(chunks)] == [{"a": 1}, {"a": 2}]
    with pytest.raises(RateLimitError, match="slow down") as caught:
        next(chunks)
    assert (caught.value.status_code, caught.value.url) == (429, "https://h/x")

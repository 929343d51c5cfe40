"""Embeddings of texts, without a language model: hashed words and pieces of words, in which like texts are near.

Every word, pair of words and three letters of a word adds to one place in each block of the vector, with a sign
that the hash decides. Texts that share words, or parts of words, share places; nothing is known of meaning, so
synonyms and translations are far apart. The blocks grow in size, so that the beginning of a vector is a vector of
the same text, as with the service's models. Each model has a space of its own, and the same text always gets the
same vector in it.

Recorded: the answers of both services, that a reduced vector is the beginning of the full one, and that
`gemini-embedding-2` gives it length one and takes no notice of the task type, as here no model does. Documented:
that `gemini-embedding-001` leaves a reduced vector as it is. Quoted by users: the refusals of too many texts, of
names and of empty texts.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from langchain_codeexec.emulator.parsing import bytes_from_base64, parse_message
from langchain_codeexec.emulator.schema import ENUMS, REQUESTS
from langchain_codeexec.emulator.service_errors import EmulatedError, invalid, not_prepared, unable
from langchain_codeexec.emulator.targets import Target, model_not_found
from langchain_codeexec.emulator.tokens import cut_text, modality_counts, part_tokens, text_tokens
from langchain_codeexec.gemini.wire import EndpointKind

__all__ = ["embedded", "is_embedding", "vector"]

Inline: TypeAlias = Callable[[dict[str, Any], Target], dict[str, Any]]
"""Puts the bytes of uploaded files into a message with `contents`."""

# -- vectors -------------------------------------------------------------------------------------------

_BLOCKS = ((0, 8), (8, 32), (32, 128), (128, 256), (256, 512), (512, 768), (768, 1536), (1536, 3072))
_SCALES = (0.2, 0.3, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0)
"""Where many features share few places they say little."""
_WORD = re.compile(r"\w+")
_LONG_WORD = 8
_PAIR, _PIECE, _PIECE_LETTERS = 0.5, 0.4, 3


def vector(model: str, text: str) -> list[float]:
    """The vector of a text, of length one, with as many numbers as the model gives.

    Args:
        model: Bare model name.
        text: What is embedded.
    """
    size = _model(model).size
    values = [0.0] * size
    for feature, weight in _features(text).items():
        for place, scale in _places(model, feature):
            if place < size:
                values[place] += scale * weight
    return _normalised(values)


def _features(text: str) -> dict[str, float]:
    """What is hashed, with its weight: what comes often adds less each time, a short word less than a long one."""
    words = _WORD.findall(text.casefold())
    counts: Counter[str] = Counter(words)
    pairs = Counter(map(" ".join, pairwise(words)))
    pieces = Counter(piece for word in words for piece in _pieces(word))
    return {
        **{
            word: min(len(word), _LONG_WORD) / _LONG_WORD * math.sqrt(count) for word, count in counts.items()
        },
        **{pair: _PAIR * math.sqrt(count) for pair, count in pairs.items()},
        **{f"…{piece}": _PIECE * math.sqrt(count) for piece, count in pieces.items()},
    } or {text.strip(): 1.0}


def _pieces(word: str) -> Iterator[str]:
    padded = f"<{word}>"
    return (padded[start : start + _PIECE_LETTERS] for start in range(len(padded) - _PIECE_LETTERS + 1))


@lru_cache(maxsize=1 << 14)
def _places(model: str, feature: str) -> tuple[tuple[int, float], ...]:
    """One place in each block, and how much is added there."""
    key = hashlib.blake2b(model.encode()).digest()
    digest = hashlib.blake2b(
        feature.encode("utf-8", "surrogatepass"), digest_size=4 * len(_BLOCKS), key=key
    ).digest()
    numbers = (int.from_bytes(digest[start : start + 4]) for start in range(0, len(digest), 4))
    return tuple(
        (first + (number >> 1) % (end - first), scale if number & 1 else -scale)
        for number, (first, end), scale in zip(numbers, _BLOCKS, _SCALES, strict=True)
    )


def _normalised(values: list[float]) -> list[float]:
    length = math.hypot(*values) or 1.0
    return [round(value / length, 9) for value in values]


# -- models --------------------------------------------------------------------------------------------


class _Model(NamedTuple):
    """Numbers in a vector, tokens in a text, and whether a reduced vector has length one."""

    size: int
    tokens: int
    normalises: bool


_GEMINI = re.compile(r"gemini-embedding-(\d*)")
_VERTEX_ONLY = re.compile(r"text-embedding-\d+|text-multilingual-embedding-\d+")


def _model(name: str) -> _Model:
    gemini = _GEMINI.match(name)
    if gemini is None:
        return _Model(768, 2048, normalises=False)
    is_first = gemini[1] and int(gemini[1]) < 2  # noqa: PLR2004 -- the generation whose reduced vectors have length one
    return _Model(3072, 2048, normalises=False) if is_first else _Model(3072, 8192, normalises=True)


def _resized(values: list[float], size: int, model: _Model) -> list[float]:
    if not size or size == model.size:
        return values
    reduced = values[:size]
    if not any(reduced):  # a few letters, a few numbers
        reduced[0] = 1.0
    return _normalised(reduced) if model.normalises else reduced


# -- requests ------------------------------------------------------------------------------------------

_MOST_REQUESTS, _MOST_INSTANCES = 100, 250
_DOCS = "https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings"


def _check_size(size: Any, place: str, target: Target) -> int:
    largest = _model(target.model).size
    if size is None:
        return largest
    if isinstance(size, int) and 1 <= size <= largest:
        return size
    if target.endpoint == "vertex":
        raise unable(
            f"it has an outputDimensionality value of {size} but the supported range is 1 to {largest}."
        )
    raise invalid(
        f"* {place}.output_dimensionality: output_dimensionality must be in the range 1 to {largest}.\n"
    )


def _text(content: Mapping[str, Any], target: Target) -> str:
    """What is embedded of a content: its texts, and its media by their bytes."""
    texts = [text for part in content.get("parts") or [] for text in _part_texts(part)]
    if texts and all(texts):
        return "\n".join(texts)
    if target.endpoint == "vertex":
        raise invalid("The text content is empty.")
    raise invalid("* EmbedContentRequest.content contains an empty Part.\n")


def _part_texts(part: Mapping[str, Any]) -> Iterator[str]:
    if "text" in part:
        yield part["text"]
    if blob := part.get("inlineData"):
        data = bytes_from_base64(blob.get("data", ""))
        is_text = str(blob.get("mimeType", "")).startswith("text/")
        yield data.decode("utf-8", "replace") if is_text else hashlib.sha256(data).hexdigest()
    if file := part.get("fileData"):
        yield file.get("fileUri", "")


def _embedded(
    request: Mapping[str, Any], target: Target, inline: Inline, place: str
) -> tuple[Any, Counter[str]]:
    """The embedding of one request, and its tokens by modality."""
    config = {**request, **request.get("embedContentConfig", {})}
    size = _check_size(config.get("outputDimensionality"), place, target)
    if not request.get("content"):
        raise invalid(f"* {place}.content: contents is not specified\n")
    content = inline({"contents": [request["content"]]}, target)["contents"][0]
    text = _text(content, target)
    model = _model(target.model)
    titled = f"{config['title']}\n{text}" if config.get("title") else text
    values = vector(target.model, cut_text(titled, model.tokens))
    counts: Counter[str] = Counter()
    for part in content["parts"]:
        modality, tokens = part_tokens(part)
        counts[modality] += tokens
    return {"values": _resized(values, size, model)}, counts


def _usage(counts: Counter[str], target: Target) -> dict[str, Any]:
    """The count of tokens; the Developer API gives none for its first model."""
    total, details = counts.total(), modality_counts(counts)
    if target.endpoint == "vertex":
        usage = {"promptTokenCount": total, "promptTokensDetails": details, "totalTokenCount": total}
    elif _model(target.model).normalises:
        usage = {"promptTokenCount": total, "promptTokenDetails": details}
    else:
        return {}
    return {"usageMetadata": usage}


def _embed_content(body: Any, target: Target, inline: Inline) -> dict[str, Any]:
    if not target.model.startswith("gemini-embedding-") and target.endpoint == "vertex":
        raise invalid(f"Publisher Model `{target.resource}` is not supported in the embedContent API.")
    request = parse_message(REQUESTS["embedContent"], body, target)
    embedding, counts = _embedded(request, target, inline, "EmbedContentRequest")
    return {"embedding": embedding, **_usage(counts, target)}


def _batch_embed_contents(body: Any, target: Target, inline: Inline) -> dict[str, Any]:
    requests = parse_message(REQUESTS["batchEmbedContents"], body, target).get("requests") or []
    if len(requests) > _MOST_REQUESTS:
        raise invalid(
            f"* BatchEmbedContentsRequest.requests: at most {_MOST_REQUESTS} requests can be in one batch\n"
        )
    embeddings, total = [], Counter[str]()
    for index, request in enumerate(requests):
        place = f"BatchEmbedContentsRequest.requests[{index}]"
        if not str(request.get("model", "")).startswith("models/"):
            raise invalid(f"* {place}.model: unexpected model name format\n")
        if request["model"] != target.resource:
            raise invalid(f"* {place}.model: model must be the one of the batch, {target.resource}\n")
        embedding, counts = _embedded(request, target, inline, place)
        embeddings.append(embedding)
        total += counts
    return {"embeddings": embeddings, **_usage(total, target)}


def _predict(body: Any, target: Target, inline: Inline) -> dict[str, Any]:  # noqa: ARG001 -- texts only
    model = _model(target.model)
    if model.normalises:
        message = f"The model {target.model} is not supported by predict; its method is embedContent."
        raise EmulatedError(400, "FAILED_PRECONDITION", message)
    request = parse_message(REQUESTS["predict"], body, target)
    instances, parameters = request.get("instances") or [], request.get("parameters") or {}
    if not 1 <= len(instances) <= _MOST_INSTANCES:
        few_or_many = "too many" if instances else "no"
        raise invalid(
            f"Unable to submit request because it included {few_or_many} instances. Learn more: {_DOCS}"
        )
    size = _check_size(_either(parameters, "outputDimensionality", "output_dimensionality"), "", target)
    truncates = _either(parameters, "autoTruncate", "auto_truncate") is not False
    predictions = [_prediction(instance, target, size, truncates=truncates) for instance in instances]
    characters = sum(len("".join(str(instance["content"]).split())) for instance in instances)
    return {"predictions": predictions, "metadata": {"billableCharacterCount": characters}}


def _prediction(instance: Any, target: Target, size: int, *, truncates: bool) -> dict[str, Any]:
    text = instance.get("content")
    if not isinstance(text, str):
        raise not_prepared(
            "Instances have a text as content: this emulator embeds no other media by predict."
        )
    if not text:
        raise invalid("The text content is empty.")
    task = _either(instance, "taskType", "task_type")
    if task and task not in ENUMS["TaskType"]:
        raise unable(f"the task type {task!r} is not supported.")
    model = _model(target.model)
    tokens = text_tokens(text)
    if tokens > model.tokens and not truncates:
        raise unable(
            f"the input token count is {tokens} but the model supports up to {model.tokens}. Reduce the input "
            "token count and try again."
        )
    titled = f"{instance['title']}\n{text}" if instance.get("title") else text
    values = vector(target.model, cut_text(titled, model.tokens))
    statistics = {"token_count": min(tokens, model.tokens), "truncated": tokens > model.tokens}
    return {"embeddings": {"values": _resized(values, size, model), "statistics": statistics}}


def _either(fields: Mapping[str, Any], *spellings: str) -> Any:
    return next((fields[name] for name in spellings if name in fields), None)


_EMBEDDERS: Mapping[EndpointKind, Mapping[str, Callable[[Any, Target, Inline], dict[str, Any]]]] = {
    "developer": {"embedContent": _embed_content, "batchEmbedContents": _batch_embed_contents},
    "vertex": {"embedContent": _embed_content, "predict": _predict},
}


def is_embedding(target: Target) -> bool:
    """Whether a method is one of those that embed, on that service."""
    return target.action in _EMBEDDERS[target.endpoint]


def embedded(body: Any, target: Target, inline: Inline, also: Collection[str] = ()) -> dict[str, Any]:
    """Answer a request to embed.

    Args:
        body: The JSON value that came in.
        target: Where it goes.
        inline: Puts the bytes of uploaded files into what is embedded.
        also: Names of models the service knows besides its own.
    """
    is_vertex_only = target.endpoint == "vertex" and _VERTEX_ONLY.fullmatch(target.model)
    if not (_GEMINI.match(target.model) or is_vertex_only or target.model in also):
        raise model_not_found(replace(target, action="embedContent"))
    return _EMBEDDERS[target.endpoint][target.action](body, target, inline)

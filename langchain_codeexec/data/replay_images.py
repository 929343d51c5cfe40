"""Keeping images of earlier turns out of the next request: a short text goes in their place.

The messages themselves stay as they are; those that change are copied.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, ToolMessage

from langchain_codeexec.data.outputs import describe_file, saved_outputs
from langchain_codeexec.data.request_files import is_users
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import InlineFile
from langchain_codeexec.messages.media import inline_image, media_from_block
from langchain_codeexec.messages.signatures import signature_of

__all__ = ["ReplayImages", "without_images"]

Json = dict[str, Any]
M = TypeVar("M", bound=BaseMessage)

ReplayImages: TypeAlias = Literal["all", "none"] | int
"""Which images of earlier turns a request holds: all, none, or those of at most so many bytes."""

_LINKS: Final = ("image", "image_url")
_RESULTS: Final = ("output", "outputs")


def without_images(
    messages: Sequence[M], replay_images: ReplayImages = "none", *, uploads: bool = False
) -> list[M]:
    """A conversation in which texts stand for the images of earlier turns.

    The last turn, from the user's last message on, stays as it is: the model has not answered it yet, and the
    service checks it most strictly. Everywhere a block goes on being one block at its place, and a thought
    signature that came with an image stays there, with the text.

    Args:
        messages: The conversation.
        replay_images: Which images stay: `all`, `none`, or those of at most so many bytes. Images given by URL
            go with `none` alone: nothing says how large they are.
        uploads: Whether images that users sent are replaced too. The service numbers the files it lays out for
            the code by their order in the request, so those behind a replaced one get other names.

    Raises:
        ConfigurationError: `replay_images` is none of these.
    """
    limit = _limit(replay_images)
    if limit is None:
        return list(messages)
    reduced = (AIMessage, ToolMessage, HumanMessage, ChatMessage) if uploads else (AIMessage, ToolMessage)
    last = max((index for index, message in enumerate(messages) if is_users(message)), default=0)
    return [
        _reduced(message, limit) if index < last and isinstance(message, reduced) else message
        for index, message in enumerate(messages)
    ]


def _limit(replay_images: object) -> int | None:
    """Bytes that an image may have, fewer than none for `none`; `None` if every image stays."""
    if replay_images == "all":
        return None
    if replay_images == "none":
        return -1
    if isinstance(replay_images, int) and not isinstance(replay_images, bool) and replay_images >= 0:
        return replay_images
    raise ConfigurationError(
        f"replay_images is 'all', 'none' or a number of bytes that an image may have, "
        f"not {reprlib.repr(replay_images)}"
    )


def _reduced(message: M, limit: int) -> M:
    if isinstance(message.content, str):
        return message
    saved = {entry.get("sha256"): entry for entry in saved_outputs(message) if entry.get("url")}
    content = [_reduced_block(block, limit, saved) for block in message.content]
    return message if content == message.content else message.model_copy(update={"content": content})


def _reduced_block(block: Any, limit: int, saved: Mapping[Any, Json]) -> Any:
    stand_in = _stand_in(block, limit, saved)
    if stand_in or not isinstance(block, dict):
        return stand_in or block
    results = {key: block[key] for key in _RESULTS if isinstance(block.get(key), list)}
    return {
        **block,
        **{key: [_reduced_result(item, limit, saved) for item in results[key]] for key in results},
    }


def _reduced_result(item: Any, limit: int, saved: Mapping[Any, Json]) -> Any:
    """What a run gave, where the block that tells of it holds the images itself, as OpenAI's does."""
    stand_in = _stand_in(item, limit, saved)
    return {"type": "logs", "logs": f"{stand_in['text']}\n"} if stand_in else item


def _stand_in(block: Any, limit: int, saved: Mapping[Any, Json]) -> Json | None:
    """The text for an image that is left out; `None` for an image that stays, and for anything else."""
    image = inline_image(block)
    if image is not None:
        facts = _facts(image, saved)
        is_kept = len(image.data) <= limit
    else:
        media = media_from_block(block)
        facts = (media and media.uri) or "by reference"
        is_kept = limit >= 0 or not (isinstance(block, dict) and block.get("type") in _LINKS)
    if is_kept:
        return None
    text: Json = {"type": "text", "text": f"[An image was here; left out of this request: {facts}]"}
    signature = signature_of(block)
    return {**text, "extras": {"signature": signature}} if signature else text


def _facts(image: InlineFile, saved: Mapping[Any, Json]) -> str:
    """What there is to say of an image; where a folder of this machine lies is none of the model's business."""
    facts = describe_file(image)
    entry = saved.get(sha256(image.data).hexdigest())
    if entry is None:
        return facts
    where = "" if str(entry["url"]).startswith("file:") else f", saved as {entry['url']}"
    return f"{entry['name']}, {facts}{where}"

"""Schemas in one form: JSON Schema without references, types in lower case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_nullable", "resolved"]

_DEEPEST = 8  # a schema that refers to itself is cut off here
_LISTED = ("anyOf", "oneOf", "prefixItems")


def resolved(schema: Any) -> dict[str, Any]:
    """A JSON or OpenAPI-style schema in one form.

    References are replaced by what they refer to, a lone `allOf` is merged, type names are lower case,
    and an `anyOf` of one schema and null, like `nullable`, becomes that schema with `nullable` set.
    """
    root = schema if isinstance(schema, dict) else {}
    return _resolved(root, root, 0)


def is_nullable(schema: Mapping[str, Any]) -> bool:
    """Whether null is a value of a resolved schema."""
    return bool(schema.get("nullable")) or schema.get("type") == "null"


def _resolved(schema: Any, root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}
    schema = _merged(schema, root)
    result = {key: value for key, value in schema.items() if key not in {"$defs", "definitions", "defs"}}
    result |= _type(schema)
    if isinstance(properties := schema.get("properties"), dict):
        result["properties"] = {name: _resolved(one, root, depth + 1) for name, one in properties.items()}
    if isinstance(items := schema.get("items"), dict):
        result["items"] = _resolved(items, root, depth + 1)
    for key in _LISTED:
        if isinstance(listed := schema.get(key), list):
            result[key] = [_resolved(one, root, depth + 1) for one in listed]
    return _without_null(result)


def _merged(schema: dict[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """A schema with its reference and its `allOf` written out."""
    for _ in range(_DEEPEST):
        if reference := schema.get("$ref", schema.get("ref")):
            target = _target(str(reference), root)
            schema = {**target, **{key: value for key, value in schema.items() if key not in {"$ref", "ref"}}}
        elif isinstance(parts := schema.get("allOf"), list):
            rest = {key: value for key, value in schema.items() if key != "allOf"}
            schema = {
                key: value for part in [*parts, rest] if isinstance(part, dict) for key, value in part.items()
            }
        else:
            return schema
    return {}


def _target(reference: str, root: Mapping[str, Any]) -> dict[str, Any]:
    found: Any = root
    for step in reference.lstrip("#").strip("/").split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _type(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The type in lower case; a list of types gives its first, and `nullable` if it has null."""
    kind = schema.get("type")
    if isinstance(kind, list):
        names = [str(name).lower() for name in kind]
        plain = [name for name in names if name != "null"]
        return {"type": plain[0] if plain else "null", "nullable": "null" in names}
    if isinstance(kind, str):
        return {"type": kind.lower()}
    implied = next(
        (name for key, name in (("properties", "object"), ("items", "array")) if key in schema), None
    )
    return {"type": implied} if implied else {}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """An `anyOf` or `oneOf` of one schema and null as that schema, nullable."""
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if not isinstance(options, list):
            continue
        plain = [option for option in options if option.get("type") != "null"]
        nullable = len(plain) < len(options)
        if len(plain) == 1:
            rest = {name: value for name, value in schema.items() if name != key}
            return {**plain[0], **rest, "nullable": nullable or is_nullable(plain[0])}
        return {**schema, key: plain, "nullable": nullable or is_nullable(schema)}
    return schema

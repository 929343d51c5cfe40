"""What a content block cannot express of its part: an RFC 7396 merge patch."""

from __future__ import annotations

from typing import Any

__all__ = ["apply_patch", "patch_between"]


def patch_between(base: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    """The merge patch that turns `base` into `target`, as far as a merge patch can (it has no `null`)."""
    patch: dict[str, Any] = {key: None for key in base if key not in target}
    for key, value in target.items():
        if key not in base:
            patch[key] = value
        elif base[key] != value:
            both = isinstance(base[key], dict) and isinstance(value, dict)
            patch[key] = patch_between(base[key], value) if both else value
    return patch


def apply_patch(base: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """`base` with a merge patch applied; neither is changed."""
    merged = dict(base)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            inner = merged.get(key)
            merged[key] = apply_patch(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[key] = value
    return merged

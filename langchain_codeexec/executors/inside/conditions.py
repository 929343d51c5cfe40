"""What becomes of one system call, depending on its arguments. A filter cannot follow pointers."""

from __future__ import annotations

from errno import EPERM
from typing import TYPE_CHECKING

from . import bpf

if TYPE_CHECKING:
    from .bpf import Instruction

__all__ = ["argument", "bits", "none_of", "one_of", "without"]


def argument(index: int) -> int:
    """Where the lower half of an argument lies on a little-endian machine; int arguments have no other."""
    return bpf.ARGUMENTS + 8 * index


def bits(index: int, mask: int, value: int, otherwise: int = EPERM) -> list[Instruction]:
    """Allow the call if these bits of an argument have this value."""
    return one_of(index, (value,), otherwise, among=mask)


def without(index: int, flags: int, otherwise: int = EPERM) -> list[Instruction]:
    """Allow the call if an argument has none of these flags."""
    return bits(index, flags, 0, otherwise)


def one_of(
    index: int, values: tuple[int, ...], otherwise: int = EPERM, *, among: int = 0xFFFFFFFF
) -> list[Instruction]:
    """Allow the call if an argument, or these bits `among` its own, has one of these values."""
    tests = [bpf.jump_equal(value, len(values) - n, 0) for n, value in enumerate(values)]
    return [bpf.load(argument(index)), bpf.mask(among), *tests, bpf.errno(otherwise), bpf.ALLOW]


def none_of(index: int, values: tuple[int, ...]) -> list[Instruction]:
    """Allow the call unless an argument has one of these values."""
    tests = [bpf.jump_equal(value, len(values) - n, 0) for n, value in enumerate(values)]
    return [bpf.load(argument(index)), *tests, bpf.ALLOW, bpf.errno(EPERM)]

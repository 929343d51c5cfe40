"""A tiny assembler for the classic BPF programs that seccomp takes.

Sources: `linux/filter.h`, `linux/bpf_common.h`, `linux/seccomp.h`. A filter sees one system call as a record:
its number at offset 0, the architecture at 4, six arguments of 64 bits from 16 on.
"""

from __future__ import annotations

import ctypes
import struct
from typing import NamedTuple

__all__ = [
    "ALLOW",
    "KILL",
    "NOTIFY",
    "Filter",
    "Instruction",
    "assemble",
    "errno",
    "jump_equal",
    "jump_least",
    "load",
    "mask",
]

NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16

_LD_W_ABS = 0x20
_ALU_AND_K = 0x54
_JMP_JEQ_K = 0x15
_JMP_JGE_K = 0x35
_RET_K = 0x06


class Instruction(NamedTuple):
    """`struct sock_filter`; the jumps are relative to the next instruction."""

    code: int
    if_true: int
    if_false: int
    operand: int


def load(offset: int) -> Instruction:
    """Load 32 bits of the record."""
    return Instruction(_LD_W_ABS, 0, 0, offset)


def mask(bits: int) -> Instruction:
    """Keep only some bits of what was loaded."""
    return Instruction(_ALU_AND_K, 0, 0, bits & 0xFFFFFFFF)


def jump_equal(value: int, if_true: int, if_false: int) -> Instruction:
    """Skip so many instructions, depending on whether what was loaded is the value."""
    return Instruction(_JMP_JEQ_K, if_true, if_false, value & 0xFFFFFFFF)


def jump_least(value: int, if_true: int, if_false: int) -> Instruction:
    """Skip so many instructions, depending on whether what was loaded is at least the value."""
    return Instruction(_JMP_JGE_K, if_true, if_false, value & 0xFFFFFFFF)


ALLOW = Instruction(_RET_K, 0, 0, 0x7FFF0000)  # SECCOMP_RET_ALLOW
KILL = Instruction(_RET_K, 0, 0, 0x80000000)  # SECCOMP_RET_KILL_PROCESS
NOTIFY = Instruction(_RET_K, 0, 0, 0x7FC00000)  # SECCOMP_RET_USER_NOTIF


def errno(number: int) -> Instruction:
    """Let the call fail with an error; 0 lets it do nothing and succeed."""
    return Instruction(_RET_K, 0, 0, 0x00050000 | number)  # SECCOMP_RET_ERRNO


def assemble(program: list[Instruction]) -> bytes:
    """The program as an array of `struct sock_filter`."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


class Filter(ctypes.Structure):
    """`struct sock_fprog`: a program as the kernel takes it."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    def __init__(self, program: list[Instruction]) -> None:
        code = assemble(program)
        self._code = ctypes.create_string_buffer(code, len(code))
        super().__init__(len(program), ctypes.addressof(self._code))

"""A compiled packet filter: classic BPF, checked before anything runs it.

Source: McCanne and Jacobson, The BSD Packet Filter (1993); the opcodes of <pcap/bpf.h>.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from topics.errors import FilterError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_INSTRUCTIONS = 4096  # as Linux has it
MEMORY_WORDS = 16

CLASS = 0x07
LD, LDX, ST, STX, ALU, JMP, RET, MISC = range(8)
SIZE, WORD, HALF, BYTE = 0x18, 0x00, 0x08, 0x10
MODE, IMM, ABS, IND, MEM, LEN, MSH = 0xE0, 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0
OPERATION, SOURCE_X = 0xF0, 0x08
ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, MOD, XOR = range(0x00, 0xB0, 0x10)
JA, JEQ, JGT, JGE, JSET = 0x00, 0x10, 0x20, 0x30, 0x40
RET_A = 0x10
TXA = 0x80

PACKET_LOADS = {*(LD | size | mode for size in (WORD, HALF, BYTE) for mode in (ABS, IND)), LDX | BYTE | MSH}
LOADS = PACKET_LOADS | {kind | mode for kind in (LD, LDX) for mode in (IMM, MEM, LEN)}
ALUS = {ALU | operation | source for operation in range(0x00, 0xB0, 0x10) for source in (0, SOURCE_X)}
ALUS -= {ALU | NEG | SOURCE_X}
JUMPS = {JMP | operation | source for operation in (JEQ, JGT, JGE, JSET) for source in (0, SOURCE_X)}
OPCODES = LOADS | ALUS | JUMPS | {ST, STX, JMP | JA, RET, RET | RET_A, MISC, MISC | TXA}

FIRST_OUTSIDE = 0x80000000  # places from there on are no bytes of the packet, but what Linux knows of it
LINK_HEADER = -0x200000 & 0xFFFFFFFF  # ... except these, which count from the first byte of the frame
LAST_LINK_HEADER = LINK_HEADER + 0xFFFFF
VLAN_TAG, VLAN_TAG_PRESENT = (-0x1000 + 44) & 0xFFFFFFFF, (-0x1000 + 48) & 0xFFFFFFFF

Words = np.ndarray[Any, np.dtype[np.int64]]


class Instruction(NamedTuple):
    """One instruction: opcode, steps to skip when a comparison holds and when not, and its number (unsigned)."""

    code: int
    jt: int
    jf: int
    k: int


def _fault(program: Sequence[Instruction], place: int) -> str | None:
    """Say what is wrong with one instruction."""
    code, jt, jf, k = program[place]
    left = len(program) - place - 1
    if code not in OPCODES:
        return f"opcode {code:#x} is not known"
    if code & CLASS == JMP:
        far = k if code & OPERATION == JA else max(jt, jf)
        if far >= left:
            return "a jump leaves the program, or goes back"
    if code & CLASS == ALU and not code & SOURCE_X:
        if code & OPERATION in {DIV, MOD} and k == 0:
            return "a division by zero"
        if code & OPERATION in {LSH, RSH} and k > 31:
            return "a shift by more than a word"
    memory = code in {ST, STX} or (code & CLASS in {LD, LDX} and code & MODE == MEM)
    if memory and k >= MEMORY_WORDS:
        return f"memory word {k}, and there are {MEMORY_WORDS}"
    return None


def _from_link_header(instruction: Instruction) -> bool:
    return instruction.code in PACKET_LOADS and LINK_HEADER <= instruction.k <= LAST_LINK_HEADER


def _outside(instruction: Instruction) -> bool:
    """Whether a load asks for what a capture file does not tell of a packet."""
    code, _, _, k = instruction
    if code not in PACKET_LOADS or k < FIRST_OUTSIDE or _from_link_header(instruction):
        return False
    return k not in {VLAN_TAG, VLAN_TAG_PRESENT} or code & MODE != ABS


def check(program: Sequence[Instruction], name: str) -> None:
    """Raise FilterError, naming the expression, when a program could loop, leave itself or divide by zero."""
    if not 0 < len(program) <= MAX_INSTRUCTIONS:
        raise FilterError(f"packet filter '{name}': {len(program)} instructions, at most {MAX_INSTRUCTIONS} can be")
    for place in range(len(program)):
        if fault := _fault(program, place):
            raise FilterError(f"packet filter '{name}': {fault} (instruction {place})")
    if program[-1].code & CLASS != RET:
        raise FilterError(f"packet filter '{name}': the program does not end")


def for_files(program: Sequence[Instruction], name: str) -> Words:
    """Return a checked program as the interpreter takes it: int64 (n, 4); raises FilterError.

    Loads from the link header become plain ones; a frame of a file has its VLAN tags in it, none apart from it.
    """
    check(program, name)
    words = np.array(program, np.int64).reshape(-1, 4)
    for place, instruction in enumerate(program):
        if _outside(instruction):
            raise FilterError(f"packet filter '{name}': asks for what a file does not tell (instruction {place})")
        if _from_link_header(instruction):
            words[place, 3] -= LINK_HEADER
    return words

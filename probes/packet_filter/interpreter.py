"""The kernel that runs a checked filter program on packets of a capture file.

Steps only ever go forward, so a program ends after at most its length; every load is checked against the captured bytes
of the packet, and one outside them rejects it, as in libpcap. Numbers are unsigned and wrap at 32 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from probes.capture.packets import PACKET_DTYPE
from probes.load import be16, be32, u8
from probes.packet_filter.program import (
    ABS,
    ADD,
    ALU,
    AND,
    CLASS,
    DIV,
    FIRST_OUTSIDE,
    HALF,
    IMM,
    IND,
    JA,
    JEQ,
    JGE,
    JGT,
    JMP,
    LD,
    LDX,
    LEN,
    LSH,
    MEM,
    MEMORY_WORDS,
    MOD,
    MODE,
    MUL,
    NEG,
    OPERATION,
    OR,
    RET,
    RET_A,
    RSH,
    SIZE,
    SOURCE_X,
    ST,
    STX,
    SUB,
    TXA,
    WORD,
)
from topics.compiled import borrowed, inlined, kernel

MASK = 0xFFFFFFFF


@inlined
def _calculate(operation: int, a: int, b: int) -> int:
    """Return the result of one operation, -1 for a division by zero."""
    if operation == ADD:
        a += b
    elif operation == SUB:
        a -= b
    elif operation == MUL:
        a *= b
    elif operation in (DIV, MOD):
        if b == 0:
            return -1
        a = a // b if operation == DIV else a % b
    elif operation == OR:
        a |= b
    elif operation == AND:
        a &= b
    elif operation == LSH:
        a = a << b if b < 32 else 0
    elif operation == RSH:
        a = a >> b if b < 32 else 0
    elif operation == NEG:
        a = -a
    else:
        a ^= b
    return a & MASK


@inlined
def _holds(operation: int, a: int, b: int) -> Any:
    if operation == JEQ:
        return a == b
    if operation == JGT:
        return a > b
    if operation == JGE:
        return a >= b
    return a & b != 0


@inlined
def _accepts(program: Any, memory: Any, data: Any, offset: int, captured: int, length: int) -> Any:
    """Run a program on one packet; return what it returns, 0 when it reads outside the packet or divides by zero."""
    a, x, place = 0, 0, 0
    memory[:] = 0
    while place < len(program):
        code, k = program[place, 0], program[place, 3]
        step = code & CLASS
        mode = code & MODE
        if step == LD:
            if mode in (ABS, IND):
                if k >= FIRST_OUTSIDE:  # of these only the VLAN tag kept apart is let in, and a file has none
                    a = 0
                else:
                    at = k + x if mode == IND else k
                    size = code & SIZE
                    if size == WORD:
                        if at + 4 > captured:
                            return 0
                        a = be32(data, offset + at)
                    elif size == HALF:
                        if at + 2 > captured:
                            return 0
                        a = be16(data, offset + at)
                    else:
                        if at >= captured:
                            return 0
                        a = u8(data, offset + at)
            elif mode == IMM:
                a = k
            elif mode == MEM:
                a = memory[k]
            else:
                a = length
        elif step == LDX:
            if mode == IMM:
                x = k
            elif mode == MEM:
                x = memory[k]
            elif mode == LEN:
                x = length
            else:
                if k >= captured:
                    return 0
                x = (u8(data, offset + k) & 0xF) << 2
        elif step == ST:
            memory[k] = a
        elif step == STX:
            memory[k] = x
        elif step == ALU:
            a = _calculate(code & OPERATION, a, x if code & SOURCE_X else k)
            if a < 0:
                return 0
        elif step == JMP:
            if code & OPERATION == JA:
                place += k
            else:
                place += (
                    program[place, 1] if _holds(code & OPERATION, a, x if code & SOURCE_X else k) else program[place, 2]
                )
        elif step == RET:
            return a if code & RET_A else k
        elif code & TXA:
            a = x
        else:
            x = a
        place += 1
    return 0


@kernel
def select(program: Any, memory: Any, data: Any, packets: Any, link_type: int, chosen: Any) -> None:
    """Set `chosen` (bool) for the packets of `link_type` that a program (int64[n, 4], checked) accepts.

    `memory` is int64[16], room for the program to work in; packets of other link types are left as they are.
    """
    program, memory, data = borrowed(program), borrowed(memory), borrowed(data)
    packets, chosen = borrowed(packets), borrowed(chosen)
    for number in range(len(packets)):
        packet = packets[number]
        if packet.link_type == link_type:
            value = _accepts(program, memory, data, packet.offset, packet.captured, packet.length)
            chosen[number] = value != 0


def warm_up() -> None:
    """Compile the kernel."""
    end = np.array([[RET, 0, 0, 0]], np.int64)
    memory, data = np.zeros(MEMORY_WORDS, np.int64), np.zeros(1, np.uint8)
    select(end, memory, data, np.zeros(1, PACKET_DTYPE), 0, np.zeros(1, np.bool_))

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.capture.packets import PACKET_DTYPE
from probes.packet_filter import libpcap, program
from probes.packet_filter.interpreter import _accepts, select
from probes.packet_filter.program import Instruction
from tests.checked_kernels import run_checked
from topics.compiled import kernel
from topics.errors import FilterError, LibraryError

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[3]
LD, LDX, ST, STX, ALU, JMP, RET, MISC = range(8)
NUMBERS = st.one_of(st.integers(0, 40), st.integers(0, 2**32 - 1), st.sampled_from([2**31 - 1, 2**31, 2**32 - 1]))
PLACES = st.one_of(st.integers(0, 70), st.integers(0, 2**31 - 1))


@st.composite
def instructions(draw: st.DrawFn, left: int) -> Instruction:
    """One instruction with `left` behind it."""
    code = draw(st.sampled_from(sorted(program.OPCODES)))
    kind, skip = code & 7, st.integers(0, min(255, left - 1))
    if kind == JMP:
        far = draw(st.integers(0, left - 1)) if code & 0xF0 == 0 else draw(NUMBERS)
        return Instruction(code, draw(skip), draw(skip), far)
    if kind in {ST, STX} or (kind in {LD, LDX} and code & 0xE0 == 0x60):
        return Instruction(code, 0, 0, draw(st.integers(0, 15)))
    if code in program.PACKET_LOADS:
        return Instruction(code, 0, 0, draw(PLACES))
    if kind == ALU and code & 0xF0 in {0x60, 0x70}:
        return Instruction(code, 0, 0, draw(st.integers(0, 31)))
    if kind == ALU and code & 0xF0 in {0x30, 0x90}:
        return Instruction(code, 0, 0, draw(st.integers(1, 2**32 - 1)))
    return Instruction(code, 0, 0, draw(NUMBERS))


@st.composite
def programs(draw: st.DrawFn) -> list[Instruction]:
    length = draw(st.integers(1, 14))
    body = [draw(instructions(length - place)) for place in range(length)]
    zeroed = [Instruction(ST, 0, 0, word) for word in range(16)]  # libpcap begins with whatever lies there
    return [*zeroed, *body, Instruction(RET | 0x10, 0, 0, 0)]


@kernel
def accepts(program: Any, memory: Any, data: Any, captured: int, length: int) -> Any:
    """Call what is inlined, which Python cannot."""
    return _accepts(program, memory, data, 0, captured, length)


def ours(code: Sequence[Instruction], packet: bytes, length: int) -> int:
    memory, data = np.zeros(16, np.int64), np.frombuffer(packet + b"\xaa" * 8, np.uint8)
    value: int = accepts(program.for_files(code, "test"), memory, data, len(packet), length)
    return value


def by_libpcap(code: Sequence[Instruction], packet: bytes, length: int) -> int:
    array = (libpcap._Code * len(code))(*(libpcap._Code(*each) for each in code))
    function = libpcap._library().bpf_filter
    function.restype = ctypes.c_uint
    value: int = function(array, packet, length, len(packet))
    return value


@settings(max_examples=400, deadline=None)
@given(code=programs(), packet=st.binary(max_size=70), more=st.integers(0, 100))
def test_programs_return_what_libpcap_returns(code: list[Instruction], packet: bytes, more: int) -> None:
    assert ours(code, packet, len(packet) + more) == by_libpcap(code, packet, len(packet) + more)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ([], "0 instructions"),
        ([(RET, 0, 0, 0)] * 4097, "4097 instructions"),
        ([(0xFF, 0, 0, 0), (RET, 0, 0, 0)], r"opcode 0xff is not known \(instruction 0\)"),
        ([(0x20, 0, 0, 0)], "does not end"),
        ([(JMP, 0, 0, 1), (RET, 0, 0, 0)], "a jump leaves the program"),
        ([(JMP, 0, 0, 2**32 - 2), (RET, 0, 0, 0)], "a jump leaves the program, or goes back"),
        ([(0x15, 1, 0, 7), (RET, 0, 0, 0)], "a jump leaves the program"),
        ([(0x15, 0, 1, 7), (RET, 0, 0, 0)], "a jump leaves the program"),
        ([(0x34, 0, 0, 0), (RET, 0, 0, 0)], "a division by zero"),
        ([(0x94, 0, 0, 0), (RET, 0, 0, 0)], "a division by zero"),
        ([(0x64, 0, 0, 32), (RET, 0, 0, 0)], "a shift by more than a word"),
        ([(ST, 0, 0, 16), (RET, 0, 0, 0)], "memory word 16"),
        ([(0x61, 0, 0, 99), (RET, 0, 0, 0)], "memory word 99"),
        ([(0x20, 0, 0, 2**32 - 0x1000), (RET, 0, 0, 0)], r"asks for what a file does not tell \(instruction 0\)"),
    ],
)
def test_programs_that_are_not_run(code: list[tuple[int, int, int, int]], reason: str) -> None:
    with pytest.raises(FilterError, match=f"packet filter 'mine': .*{reason}"):
        program.for_files([Instruction(*each) for each in code], "mine")


def test_a_tag_kept_apart_is_what_a_file_never_has_and_the_link_header_is_the_frame() -> None:
    present, first = 2**32 - 0x1000 + 48, 2**32 - 0x200000
    assert ours([Instruction(0x30, 0, 0, present), Instruction(RET | 0x10, 0, 0, 0)], b"\x07", 1) == 0
    assert ours([Instruction(0x30, 0, 0, first), Instruction(RET | 0x10, 0, 0, 0)], b"\x07", 1) == 7


def test_an_expression_that_has_to_loop_is_refused() -> None:
    code = libpcap.compile_for_files("ip6 protochain 17", 1, 1000, optimize=False)
    with pytest.raises(FilterError, match=r"'ip6 protochain 17': a jump leaves the program, or goes back"):
        program.for_files(code, "ip6 protochain 17")


def test_a_program_is_printed_as_tcpdump_prints_it() -> None:
    printed = subprocess.run(
        ["tcpdump", "-d", "-y", "EN10MB", "tcp port 80"], capture_output=True, text=True, check=True
    )
    compiled = libpcap.compile_for_files("tcp port 80", 1, 262144)
    assert libpcap.listing(compiled) == printed.stdout.rstrip("\n")


def test_libpcap_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libpcap, "NAMES", ("libnothing.so.0",))
    libpcap._library.cache_clear()
    with pytest.raises(LibraryError, match=r"^packet filters need libpcap: apt-get install libpcap0\.8$"):
        libpcap.compile_for_files("tcp", 1, 100)


def hostile(seed: int, rounds: int) -> None:
    """Run random programs on packets that end where the memory does."""
    random = np.random.default_rng(seed)
    opcodes = sorted(program.OPCODES)
    for _ in range(rounds):
        length = int(random.integers(1, 30))
        numbers = [int(random.choice([random.integers(0, 60), random.integers(0, 2**31)])) for _ in range(length)]
        jumps = random.integers(0, 6, (length, 2)).tolist()
        body = [
            Instruction(int(random.choice(opcodes)), jump[0], jump[1], k)
            for k, jump in zip(numbers, jumps, strict=True)
        ]
        try:
            words = program.for_files([*body, Instruction(RET | 0x10, 0, 0, 0)], "random")
        except FilterError:
            continue
        packets = np.zeros(4, PACKET_DTYPE)
        packets["captured"] = random.integers(0, 40, 4)
        data = random.integers(0, 256, max(1, int(packets["captured"].sum())), np.uint8)
        packets["offset"] = np.cumsum(packets["captured"]) - packets["captured"]
        packets["length"] = packets["captured"]
        select(words, np.zeros(16, np.int64), data, packets, 0, np.zeros(4, np.bool_))


@pytest.mark.timeout(300)
def test_no_program_reads_outside_its_packet() -> None:
    done = run_checked("-c", "from tests.probes.packet_filter.test_interpreter import hostile\nhostile(3, 8000)")
    assert done.returncode == 0, done.stderr[-2000:]

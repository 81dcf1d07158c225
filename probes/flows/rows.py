"""What kernels do with whole rows of the flow table: ask for their memory, begin them anew, copy them into records."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

BYTE = ir.IntType(8)


def _ask_for(_context: Any, row: Any, place: Any) -> Any:
    """Ask the processor for the cache line of the byte at `place` in a row before it is needed; never faults."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        address = builder.gep(builder.bitcast(arguments[0], BYTE.as_pointer()), [arguments[1]])
        kind = ir.FunctionType(ir.VoidType(), [BYTE.as_pointer(), *[ir.IntType(32)] * 3])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [address, ir.IntType(32)(0), ir.IntType(32)(3), ir.IntType(32)(1)])
        return context.get_dummy_value()

    return types.none(row, types.int64), generate


ask_for: Any = intrinsic(_ask_for)


def _clear(_context: Any, row: Any, size: Any) -> Any:
    """Fill the first `size` bytes of a row with zeros."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        address = builder.bitcast(arguments[0], BYTE.as_pointer())
        cgutils.memset(builder, address, arguments[1], 0)
        return context.get_dummy_value()

    return types.none(row, types.int64), generate


clear: Any = intrinsic(_clear)


def _give(_context: Any, src: Any, dst: Any, record: Any) -> Any:
    """Copy every field F of two rows into src_F and dst_F of a record that has them, which are as wide."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        for name in (name for name in src.fields if f"src_{name}" in record.fields):
            word = ir.IntType(src.typeof(name).bitwidth)
            for row, direction in zip(arguments[:2], ("src", "dst"), strict=True):
                source = cgutils.get_record_member(builder, row, src.offset(name), word)
                target = cgutils.get_record_member(builder, arguments[2], record.offset(f"{direction}_{name}"), word)
                builder.store(builder.load(source, align=1), target, align=1)
        return context.get_dummy_value()

    return types.none(src, dst, record), generate


give: Any = intrinsic(_give)

"""What a kernel asks of the system and of memory while it reads a file: read(2), and bytes moved to the front."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

BYTE = ir.IntType(8).as_pointer()
WORD = ir.IntType(64)


def _read_file(_context: Any, descriptor: Any, array: Any, begin: Any, count: Any) -> Any:
    """Read at most `count` bytes of a file to `array[begin:]`, which has room for them; return as read(2) does."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = make_array(array)(context, builder, arguments[1]).data
        place = builder.bitcast(builder.gep(data, [arguments[2]]), BYTE)
        kind = ir.FunctionType(WORD, [ir.IntType(32), BYTE, WORD])
        function = cgutils.get_or_insert_function(builder.module, kind, "read")
        return builder.call(function, [builder.trunc(arguments[0], ir.IntType(32)), place, arguments[3]])

    return types.int64(types.int64, array, types.int64, types.int64), generate


read_file: Any = intrinsic(_read_file)


def _move_to_front(_context: Any, array: Any, begin: Any, count: Any) -> Any:
    """Move array[begin : begin + count], which lies in the array, to its front."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = make_array(array)(context, builder, arguments[0]).data
        cgutils.raw_memmove(builder, data, builder.gep(data, [arguments[1]]), arguments[2], itemsize=1)
        return context.get_dummy_value()

    return types.none(array, types.int64, types.int64), generate


move_to_front: Any = intrinsic(_move_to_front)

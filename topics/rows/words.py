"""Eight bytes at a time, for kernels that write text."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array


def _store_word(_context: Any, array: Any, place: Any, word: Any) -> Any:
    """Store a word as eight bytes at any place of a byte array, least significant first; nothing is checked."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer())
        builder.store(arguments[2], address, align=1)
        return context.get_dummy_value()

    return types.none(array, types.int64, types.uint64), generate


store_word: Any = intrinsic(_store_word)

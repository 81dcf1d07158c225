"""Memory by its address, and eight bytes at a time, for kernels over rows of text."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype

WORD = 64


def _store_word(_context: Any, array: Any, place: Any, word: Any) -> Any:
    """Store a word as eight bytes at any place of a byte array, least significant first; nothing is checked."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer())
        builder.store(arguments[2], address, align=1)
        return context.get_dummy_value()

    return types.none(array, types.int64, types.uint64), generate


store_word: Any = intrinsic(_store_word)


def _loader(bits: int) -> Any:
    """Return what loads an unsigned integer of so many bits from any address; nothing is checked."""

    def load(_context: Any, address: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            place = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            value = builder.load(place, align=1)
            return value if bits == WORD else builder.zext(value, ir.IntType(WORD))

        return types.uint64(types.int64), generate

    return intrinsic(load)


load_byte, load_quarter, load_half, load_whole = map(_loader, (8, 16, 32, WORD))


def _view(numpy_type: Any, dimensions: int) -> Any:
    """Return what makes an array, which owns nothing, of an address and as many lengths; nothing is checked."""
    array = types.Array(from_dtype(np.dtype(numpy_type)), dimensions, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made, shape = make_array(array)(context, builder), arguments[1:]
        size = context.get_abi_sizeof(context.get_data_type(array.dtype))
        strides = [ir.Constant(ir.IntType(WORD), size)]
        for length in shape[:0:-1]:
            strides.insert(0, builder.mul(strides[0], length))
        data = builder.inttoptr(arguments[0], made.data.type)
        populate_array(made, data, shape, strides, ir.Constant(ir.IntType(WORD), size), None)
        return made._getvalue()  # noqa: SLF001 - Numba's own way to read a struct proxy

    def view(_context: Any, address: Any, length: Any) -> Any:
        return array(types.int64, types.int64), generate

    def table(_context: Any, address: Any, rows: Any, columns: Any) -> Any:
        return array(types.int64, types.int64, types.int64), generate

    return intrinsic(view if dimensions == 1 else table)


bytes_at, halves_at, integers_at = (_view(kind, 1) for kind in (np.uint8, np.int32, np.int64))
quarters_at, unsigned_at, words_at = (_view(kind, 1) for kind in (np.uint16, np.uint32, np.uint64))
floats_at = _view(np.float64, 1)
integer_rows_at, word_rows_at = (_view(kind, 2) for kind in (np.int64, np.uint64))
byte_rows_at, quarter_rows_at, half_rows_at = (_view(kind, 2) for kind in (np.uint8, np.uint16, np.uint32))
float_rows_at = _view(np.float64, 2)

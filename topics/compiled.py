"""The one decorator of all kernels, and where their machine code is cached.

Numba notices when the file of a kernel changes, but not when a constant or an inlined function from another file does.
So the kernels of each file are kept in a directory named after the state of that file and of all that it imports from:
changed sources never meet old machine code, a read-only installation works, and another installation of the same
sources finds what the first one has compiled, wherever it lies.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

# Numba imports these two with the first kernel that it loads, and they add to the table by which it tells the types of
# arguments: another thread that walks it just then, for a type of ours, trips over it.
import numba.experimental.function_type
import numba.experimental.jitclass
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.caching import UserProvidedCacheLocator
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

PACKAGES = ("topics", "probes", "processors", "sinks")
IMPORT = re.compile(rf"^from ((?:{'|'.join(PACKAGES)})[\w.]*) import (\([^)]*\)|[^\n(]*)", re.MULTILINE)

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
compiled: Any = numba.njit  # which takes more options than its types say
_SETTINGS = threading.Lock()  # of Numba: modules are imported in threads, too


def _imported(root: Path, text: str) -> Iterator[Path]:
    """Yield the files of ours that a source imports from; a name may be a module of a package."""
    for module, names in IMPORT.findall(text):
        place = root.joinpath(*module.split("."))
        yield place.with_suffix(".py")
        yield from (place / f"{name}.py" for name in re.findall(r"\w+", names))


def _sources(root: Path, start: Path) -> dict[Path, str]:
    """Return the text of a file and of every file of ours that it takes constants and functions from."""
    waiting, found = [start], dict[Path, str]()
    while waiting:
        path = waiting.pop()
        if path not in found and path.is_file():
            found[path] = path.read_text(encoding="utf-8")
            waiting += _imported(root, found[path])
    return found


@functools.cache
def _state(start: Path) -> str:
    """Return a digest of all that the kernels of a file are made of."""
    root = Path(__file__).resolve().parent.parent
    digest = blake2b(f"{numba.__version__} {config.OPT} {config.BOUNDSCHECK}".encode(), digest_size=8)
    for path, text in sorted(_sources(root, start).items()):
        place = path.relative_to(root) if path.is_relative_to(root) else path
        digest.update(f"{place}\0{text}\0".encode())
    for schema in sorted((root / "topics" / "schemas").glob("flow-batch*.avsc")):
        digest.update(schema.read_bytes())
    return digest.hexdigest()


def cache_directory(source: str) -> Path:
    """Return where compiled kernels of a source file lie: in $NUMBA_CACHE_DIR, else in the user's cache directory."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    given = os.environ.get("NUMBA_CACHE_DIR")
    path = Path(source).resolve()
    return (Path(given) if given else caches / "argosy" / "kernels") / f"{path.stem}-{_state(path)}"


class ByState(UserProvidedCacheLocator):
    """Keeps machine code right in the directory for the state of its sources, not in one for where these lie."""

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        """Return where within Numba's cache directory the code of a file is kept."""
        del py_file
        return ""


@contextmanager
def _cached_in(directory: Path) -> Iterator[None]:
    """Let functions that are decorated now keep their code there: Numba looks for the place in its settings, once."""
    with _SETTINGS:
        before = config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES
        config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = str(directory), f"{ByState.__module__}.{ByState.__name__}"
        try:
            yield
        finally:
            config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = before


def kernel(function: Kernel) -> Kernel:
    """Compile a function with Numba: no Python objects inside, GIL released, machine code kept on disk."""
    with _cached_in(cache_directory(function.__code__.co_filename)):
        return cast("Kernel", compiled(cache=True, nogil=True, no_cfunc_wrapper=True)(function))


def inlined(function: Kernel) -> Kernel:
    """Compile a function that only kernels call: no entry in the cache of its own, and none for Python to call."""
    no_wrappers = dict.fromkeys(("no_cpython_wrapper", "no_cfunc_wrapper"), True)  # a fifth less to compile
    return cast("Kernel", compiled(nogil=True, forceinline=True, **no_wrappers)(function))


def _borrowed(_context: Any, array: Any) -> Any:
    """Return an array without its owner, for use inside a kernel: views of it are not reference-counted.

    Counting costs two atomic instructions a view, most of the time of a kernel that takes a few views a packet. The
    caller of the kernel holds the arrays while it runs; those that the kernel makes itself have to be `kept`.
    """

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        owned = make_array(array)(context, builder, arguments[0])
        view = make_array(array)(context, builder)
        places = {name: getattr(owned, name) for name in ("data", "shape", "strides", "itemsize")}
        populate_array(view, meminfo=None, **places)
        return view._getvalue()  # noqa: SLF001 - Numba's own way to read a struct proxy

    return array(array), generate


borrowed: Any = intrinsic(_borrowed)


@inlined
def kept(_array: Any) -> None:
    """Hold an array of a kernel's own until here: Numba frees it after its last use, which borrowing would be."""


def _prefetch(_context: Any, array: Any, place: Any) -> Any:
    """Ask the processor for the cache line of `array[place]` (one dimension) before it is needed; never faults."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), *[ir.IntType(32)] * 3])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [address, ir.IntType(32)(0), ir.IntType(32)(3), ir.IntType(32)(1)])
        return context.get_dummy_value()

    return types.none(array, types.int64), generate


prefetch: Any = intrinsic(_prefetch)


def _load_word(_context: Any, array: Any, place: Any) -> Any:
    """Load the eight bytes from any place of a byte array as one word, least significant first; nothing is checked.

    LLVM finds eight loads of a byte harder to join than eight stores.
    """

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer())
        return builder.load(address, align=1)

    return types.uint64(array, types.uint64), generate


load_word: Any = intrinsic(_load_word)


def _folded_product(_context: Any, first: Any, second: Any) -> Any:
    """Multiply two words and fold the 128 bits of the product into 64: each bit of either word touches all of them."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word, wide = ir.IntType(64), ir.IntType(128)
        product = builder.mul(*(builder.zext(each, wide) for each in arguments))
        high = builder.trunc(builder.lshr(product, wide(64)), word)
        return builder.xor(high, builder.trunc(product, word))

    return types.uint64(types.uint64, types.uint64), generate


folded_product: Any = intrinsic(_folded_product)


def _bit_length(_context: Any, number: Any) -> Any:
    """Count the bits of a number, as int.bit_length does."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        zeros = builder.ctlz(arguments[0], ir.IntType(1)(0))
        return builder.sub(word(64), zeros)

    return types.int64(types.int64), generate


bit_length: Any = intrinsic(_bit_length)
bounds_are_checked = bool(config.BOUNDSCHECK)

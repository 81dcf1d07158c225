"""The one decorator of all kernels, and where their machine code is cached.

Numba notices when the file of a kernel changes, but not when a constant or an inlined function from another file does.
So the cache lies in a directory named after the state of all sources that kernels are made of: changed sources never
meet old machine code, and a read-only installation works.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

PACKAGES = ("topics", "probes", "processors", "sinks")
IMPORT = re.compile(rf"^from ((?:{'|'.join(PACKAGES)})[\w.]*) import \(?([\w\s,]+)", re.MULTILINE)

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _imported(root: Path, text: str) -> Iterator[Path]:
    """Yield the files of ours that a source imports from; a name may be a module of a package."""
    for module, names in IMPORT.findall(text):
        place = root.joinpath(*module.split("."))
        yield place.with_suffix(".py")
        yield from (place / f"{name}.py" for name in re.findall(r"\w+", names))


def _kernel_sources(root: Path) -> dict[Path, str]:
    """Return the text of every file that defines kernels, and of all that those take constants and functions from."""
    files = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    waiting = [path for path, text in texts.items() if "from topics.compiled import" in text]
    found: dict[Path, str] = {}
    while waiting:
        path = waiting.pop()
        if path in texts and path not in found:
            found[path] = texts[path]
            waiting += _imported(root, texts[path])
    return found


def _source_state(root: Path) -> str:
    state = blake2b(f"{numba.__version__} {root}".encode(), digest_size=8)
    for path, text in sorted(_kernel_sources(root).items()):
        state.update(f"{path}\0{text}\0".encode())
    for schema in sorted((root / "topics" / "schemas").glob("*.avsc")):
        state.update(schema.read_bytes())
    return state.hexdigest()


def cache_directory() -> Path:
    """Return the directory of compiled kernels: $NUMBA_CACHE_DIR, else one for this state of the sources."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(given)
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "argosy" / f"kernels-{_source_state(Path(__file__).resolve().parent.parent)}"


numba.config.CACHE_DIR = str(cache_directory())


def kernel(function: Kernel) -> Kernel:
    """Compile a function with Numba: no Python objects inside, GIL released, machine code kept on disk."""
    compiled: Kernel = numba.njit(cache=True, nogil=True)(function)
    return compiled


def inlined(function: Kernel) -> Kernel:
    """Compile a function that only kernels call: no entry in the cache of its own."""
    compiled: Kernel = numba.njit(nogil=True)(function)
    return compiled


@intrinsic
def borrowed(_context: Any, array: Any) -> Any:
    """Return an array without its owner, for use inside a kernel: views of it are not reference-counted.

    Counting costs two atomic instructions a view, most of the time of a kernel that takes a few views a packet. The
    caller of the kernel holds the arrays while it runs.
    """

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        owned = make_array(array)(context, builder, arguments[0])
        view = make_array(array)(context, builder)
        places = {name: getattr(owned, name) for name in ("data", "shape", "strides", "itemsize")}
        populate_array(view, meminfo=None, **places)
        return view._getvalue()  # noqa: SLF001 - Numba's own way to read a struct proxy

    return array(array), generate


@intrinsic
def prefetch(_context: Any, array: Any, place: Any) -> Any:
    """Ask the processor for the cache line of `array[place]` (one dimension) before it is needed; never faults."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        data = make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), *[ir.IntType(32)] * 3])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [address, ir.IntType(32)(0), ir.IntType(32)(3), ir.IntType(32)(1)])
        return context.get_dummy_value()

    return types.none(array, types.int64), generate

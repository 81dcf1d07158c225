"""Kernels that run without Numba: their machine code is kept as an object, which LLVM links and C's way calls.

To import Numba and to load a first kernel takes 0.6 s, more than a listing of half a million lines; LLVM takes a tenth
of that. In return such a kernel takes and gives back nothing but integers: addresses of arrays, and how long they are.
Numba compiles it, once, when there is no object for what the kernel is made of and for this processor.
"""

from __future__ import annotations

import ctypes
import json
import os
import threading
from contextlib import suppress
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
OF_LLVM = ("llvm.", "memcpy", "memset", "memmove")  # all that a kernel may call
WITHOUT_PYTHON = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
_ANSWER = (ctypes.c_void_p(), ctypes.c_void_p())  # Numba: where the value goes that is returned, and an exception
_LOADING = threading.Lock()


class Native:
    """A kernel of a module, called with so many integers of 64 bits; it releases the GIL and returns nothing.

    Its arrays have to live while it runs, and to be as long as it is told: nothing is checked, unless Numba is told to
    check bounds (NUMBA_BOUNDSCHECK), which then runs it itself.
    """

    def __init__(self, module: str, name: str, arguments: int) -> None:
        self._module, self._name, self._arguments = module, name, arguments
        self._call: Callable[..., None] | None = None
        self._engine: Any = None  # owns the machine code

    def __call__(self, *numbers: int) -> None:
        """Run the kernel."""
        call = self._call or self._load()
        call(*numbers)

    def _load(self) -> Callable[..., None]:
        with _LOADING:
            if self._call is None:
                self._call = self._loaded()
            return self._call

    def _loaded(self) -> Callable[..., None]:
        if os.environ.get("NUMBA_BOUNDSCHECK", "0") not in {"", "0"}:
            checked: Callable[..., None] = getattr(import_module(self._module), self._name)
            return checked
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        path = _directory() / f"{self._module}.{self._name}-{self._state(llvm)}.object"
        symbol, code = _kept(path) or self._compiled(path)
        machine = _machine(llvm)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        kinds = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * self._arguments]
        function = ctypes.CFUNCTYPE(ctypes.c_int32, *kinds)(self._engine.get_function_address(symbol))
        answer = [*map(ctypes.addressof, _ANSWER)]

        def call(*numbers: int) -> None:
            if function(*answer, *numbers):
                raise RuntimeError(f"{self._module}.{self._name} raised an exception")

        return call

    def _state(self, llvm: Any) -> str:  # noqa: ANN401 - a module without types
        """Return a digest of the file of the kernel and the processor; what else it is made of, its object says."""
        source = ROOT.joinpath(*self._module.split(".")).with_suffix(".py").read_bytes()
        made_for = f"{llvm.llvm_version_info} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
        return _digest(source + made_for.encode())

    def _compiled(self, path: Path) -> tuple[str, bytes]:
        """Compile the kernel and keep it; return the name of the function and the object."""
        import llvmlite.binding as llvm
        import numba

        from topics.compiled import _sources, compiled  # what a kernel is made of, as for those that Numba keeps

        module = import_module(self._module)
        signature = (numba.types.int64,) * self._arguments
        function: Any = compiled(**WITHOUT_PYTHON)(getattr(module, self._name).py_func)
        function.compile(signature)
        parsed = llvm.parse_assembly(function.inspect_llvm(signature))
        foreign = [each.name for each in parsed.functions if each.is_declaration and not each.name.startswith(OF_LLVM)]
        if foreign:
            raise TypeError(f"{self._module}.{self._name}: needs more than its arguments: {', '.join(foreign)}")
        (symbol,) = (each.name for each in parsed.functions if not each.is_declaration)
        code = _machine(llvm).emit_object(parsed)
        sources = _sources(ROOT, Path(str(module.__file__)).resolve())
        made_of = {str(source.relative_to(ROOT)): _digest(text.encode()) for source, text in sources.items()}
        head = {"symbol": symbol, "digest": _digest(code), "made of": made_of}
        _keep(path, json.dumps(head).encode() + b"\n" + code)
        return symbol, code


def address_of(array: Any) -> int:  # noqa: ANN401 - of any type and shape
    """Return where an array begins; it has to live as long as that is used."""
    address: int = array.__array_interface__["data"][0]
    return address


def _machine(llvm: Any) -> Any:  # noqa: ANN401 - a module without types, and one of its objects
    """Return what makes machine code for this processor, as Numba has it."""
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="static" if target.name.startswith("x86") else "default",
        codemodel="jitdefault",
        jit=True,
    )


def _directory() -> Path:
    """Return where compiled kernels lie: in $NUMBA_CACHE_DIR, else in the user's cache directory."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(given) if given else caches / "argosy" / "kernels") / "native"


def _kept(path: Path) -> tuple[str, bytes] | None:
    """Return what was kept of a kernel, None where it is made of something else, damaged or not there."""
    try:
        line, _, code = path.read_bytes().partition(b"\n")
        head = json.loads(line)
        if head["digest"] != _digest(code):
            return None
        if any(_digest((ROOT / name).read_bytes()) != digest for name, digest in head["made of"].items()):
            return None
        return str(head["symbol"]), code
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None


def _keep(path: Path, content: bytes) -> None:
    """Keep a kernel for the next process, where that can be done; a process that reads it sees all of it or nothing."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}")
        aside.write_bytes(content)
        aside.replace(path)


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()

"""Kernels that run without Numba: their machine code is kept as an object, which LLVM links and C's way calls.

To import Numba and to load a first kernel takes 0.6 s, more than a listing of half a million lines; LLVM takes a tenth
of that. In return such a kernel takes and gives back nothing but integers: addresses of arrays, and how long they are.
Numba compiles it, once, when there is no object for what the kernel is made of and for the processor. An object is
code: who may write where they are kept runs what they like as those who read them, as with what Numba itself keeps.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
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
    """A function of a module as a kernel, called with integers of 64 bits; it releases the GIL and returns nothing.

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
            from topics.compiled import kernel

            return kernel(self._function())
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        directory, machine = _directory(), _machine(llvm)
        path = directory and directory / f"{self._module}.{self._name}-{self._state(llvm)}.object"
        symbol, code = (path and _kept(path)) or self._compiled(path)
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

    def _function(self) -> Callable[..., None]:
        function: Callable[..., None] = getattr(import_module(self._module), self._name)
        return function

    def _state(self, llvm: Any) -> str:  # noqa: ANN401 - a module without types
        """Return a digest of the file of the kernel and the processor; what else it is made of, its object says."""
        from llvmlite import __version__

        source = ROOT.joinpath(*self._module.split(".")).with_suffix(".py").read_bytes()
        made_for = [__version__, llvm.get_process_triple(), *_processor(llvm)]
        return _digest(source + json.dumps(made_for).encode())

    def _compiled(self, path: Path | None) -> tuple[str, bytes]:
        """Compile the kernel and keep it; return the name of the function and the object."""
        import llvmlite.binding as llvm
        import numba

        from topics.compiled import _sources, compiled  # what a kernel is made of, as for those that Numba keeps

        signature = (numba.types.int64,) * self._arguments
        function: Any = compiled(**WITHOUT_PYTHON)(self._function())
        function.compile(signature)
        parsed = llvm.parse_assembly(function.inspect_llvm(signature))
        foreign = [each.name for each in parsed.functions if each.is_declaration and not each.name.startswith(OF_LLVM)]
        if foreign:
            raise TypeError(f"{self._module}.{self._name}: needs more than its arguments: {', '.join(foreign)}")
        symbol: str = function.overloads[signature].fndesc.llvm_func_name
        code: bytes = _machine(llvm).emit_object(parsed)
        sources = _sources(ROOT, Path(function.py_func.__code__.co_filename).resolve())
        made_of = {str(source.relative_to(ROOT)): _digest(text.encode()) for source, text in sources.items()}
        if path:
            _keep(path, json.dumps({"symbol": symbol, "made of": made_of}).encode() + b"\n" + code)
        return symbol, code


def is_loaded() -> bool:
    """Tell whether LLVM is there already, which is most of what the first kernel takes."""
    return "llvmlite" in sys.modules


def address_of(array: Any) -> int:  # noqa: ANN401 - of any type and shape
    """Return where an array begins; it has to live as long as that is used."""
    address: int = array.__array_interface__["data"][0]
    return address


def _machine(llvm: Any) -> Any:  # noqa: ANN401 - a module without types, and one of its objects
    """Return what makes machine code, as Numba has it."""
    target = llvm.Target.from_default_triple()
    cpu, features = _processor(llvm)
    return target.create_target_machine(
        cpu=cpu,
        features=features,
        opt=3,
        reloc="static" if target.name.startswith("x86") else "default",
        codemodel="jitdefault",
        jit=True,
    )


def _processor(llvm: Any) -> tuple[str, str]:  # noqa: ANN401 - a module without types
    """Return for which processor code is made, and what that can do: this one, if Numba is not told of another one."""
    cpu, features = os.environ.get("NUMBA_CPU_NAME"), os.environ.get("NUMBA_CPU_FEATURES")
    if features is None:
        features = "" if cpu and cpu.lower() == "generic" else llvm.get_host_cpu_features().flatten()
    return cpu or llvm.get_host_cpu_name(), features


def _directory() -> Path | None:
    """Return where compiled kernels lie: in $NUMBA_CACHE_DIR, else in the user's cache directory; None without any."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(given, "native")
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user that the system does not know, without HOME
        return None
    return caches / "argosy" / "kernels" / "native"


def _kept(path: Path) -> tuple[str, bytes] | None:
    """Return what was kept of a kernel, None where it is made of something else, damaged or not there."""
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
        if digest != _digest(content).encode():
            return None
        line, _, code = content.partition(b"\n")
        head = json.loads(line)
        if any(_digest((ROOT / name).read_bytes()) != digest for name, digest in head["made of"].items()):
            return None
        return str(head["symbol"]), code
    except OSError:
        return None


def _keep(path: Path, content: bytes) -> None:
    """Keep a kernel for the next process, where that can be done; a process that reads it sees all of it or nothing."""
    aside = path.with_suffix(f".{os.urandom(8).hex()}")  # processes of several containers may have the same number
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_bytes(_digest(content).encode() + b"\n" + content)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()

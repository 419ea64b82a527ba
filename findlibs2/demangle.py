"""C++ names for people, where this process has what can make them. Effect: asks libstdc++, loads nothing. Cold."""

from __future__ import annotations

import os
from collections.abc import Iterable

RUNTIMES = ("libstdc++.so.6", "libc++abi.so.1")
MAX_NAME = 1 << 16  # bytes


def names(mangled: Iterable[str]) -> list[tuple[str, str]]:
    """Each name, and how it reads; the name itself where it is not of C++, or where nobody here can tell.

    A version behind "@" is kept. Itanium C++ ABI, 3.3.3: `__cxa_demangle(name, buffer, length, status)`.
    """
    pairs = [each.partition("@") for each in mangled]
    read = reader() if any(name.startswith("_Z") for name, _, _ in pairs) else None
    return [
        (name + at + version, (read(name) or name) + at + version if read is not None else name + at + version)
        for name, at, version in pairs
    ]


def reader() -> Reader | None:
    """What demangles, of a library that is in the process already; None: none is."""
    try:
        import ctypes
    except ImportError:
        return None
    for runtime in RUNTIMES if hasattr(os, "RTLD_NOLOAD") else ():
        try:
            library = ctypes.CDLL(runtime, mode=os.RTLD_NOLOAD | ctypes.RTLD_LOCAL)
            demangle = library.__cxa_demangle
        except (OSError, AttributeError):
            continue
        demangle.restype = ctypes.c_void_p
        demangle.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        return lambda name: told(ctypes, demangle, name)
    return None


def told(ctypes: Any, demangle: Any, name: str) -> str | None:
    raw = name.encode("utf-8", "surrogateescape")
    if not raw.startswith(b"_Z") or len(raw) > MAX_NAME:
        return None
    found = demangle(raw, None, None, None)
    if not found:
        return None
    text: str = ctypes.string_at(found).decode("utf-8", "replace")
    ctypes.CDLL(None).free(ctypes.c_void_p(found))
    return text


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Reader = Callable[[str], "str | None"]

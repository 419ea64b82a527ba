"""This machine and this process, as a loader sees them. Effect: reads /proc/self, and the loader's own file.

What a loader learns at exec never changes afterwards, also not in a forked child; so it is asked once.
"""

from __future__ import annotations

import os
import struct
import sys

from . import files, process
from .loaders import ldcache
from .model import CacheEntry, Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .loaders.hwcaps import Processor
    from .model import Binary, Identity

AT_PLATFORM, AT_SECURE = 15, 23  # getauxval(3)

CACHE = "/etc/ld.so.cache"
SYSTEM = ("", "/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib32", "/usr/lib64")  # where its loader is
MUSL = "libc.musl-"  # how the DT_SONAME of its C library begins, where it has one
MUSL_DEFAULTS = ("/lib", "/usr/local/lib", "/usr/lib")
MAX_CACHE = 1 << 26  # bytes
MAX_CPUINFO = 1 << 13  # bytes; one processor has less, and all have the same flags
MAX_LOADER = 1 << 24  # bytes; the largest known (with its debugging symbols) has 2 MB
MAX_NUMBER = 4  # digits; of one part of a version
DELETED = " (deleted)"

# uname(2) speaks of the kernel. A 32-bit process on it is called so; used only where the program cannot be read.
NARROW = {"x86_64": "i686", "aarch64": "arm", "ppc64": "ppc", "ppc64le": "ppcle", "riscv64": "riscv32"}

_snapshots: list[Host] = []
_processors: list[Processor] = []
_defaults: list[tuple[str, ...]] = []
_cache_paths: list[str] = []
_cache: list[tuple[Identity, bytes]] = []  # one entry at most


def snapshot() -> Host:
    """The process as its loader saw it at the start.

    `default_directories`, `hwcaps`, `platform` and `tunables` are left empty: they are dear and seldom needed. The
    functions `default_directories`, `processor` and `tunables` tell them.
    """
    if not _snapshots:
        _snapshots.append(taken())
    return _snapshots[0]


def taken() -> Host:
    started = files.read("/proc/self/exe").binary
    program = executable(started)
    libc, version = library(program)
    machine, bits, byteorder = of_process(program)
    told = process.auxiliary()
    secure = bool(told.get(AT_SECURE))
    return Host(
        os=sys.platform,
        libc=libc,
        libc_version=version,
        machine=machine,
        bits=bits,
        byteorder=byteorder,
        executable=program,
        library_path=None if secure else library_path(started),
        secure=secure,
    )


def of_process(program: Binary | None) -> tuple[str, int, str]:
    """Machine, word size and byte order: those of the program, because a process runs no other code."""
    if program is not None:
        return program.machine, program.bits, program.byteorder
    bits = struct.calcsize("P") * 8
    kernel = os.uname().machine if hasattr(os, "uname") else ""
    return (kernel if bits == 64 else NARROW.get(kernel, kernel)), bits, sys.byteorder


def executable(started: Binary | None) -> Binary | None:
    """Headers of the running program, under its real path: its $ORIGIN is made of that (elf/dl-origin.c)."""
    if started is None or is_loader(started):  # not Linux, or `ld.so ./python`
        return files.read(os.path.realpath(sys.executable)).binary if sys.executable else None
    return started.replace(path=os.readlink("/proc/self/exe").removesuffix(DELETED))


def is_loader(program: Binary | None) -> bool:
    """Whether it is a loader, which was started as a program and has then opened the real one.

    musl's is the C library itself. It bears that name (Alpine) or none.
    """
    if program is None or program.interpreter is not None:
        return False
    is_library = program.kind == "shared" and "PIE" not in program.flags
    return program.name.startswith(("ld", MUSL)) if program.name is not None else is_library


def is_musls(program: Binary | None) -> bool:
    """Whether it is a program for musl, or musl's loader."""
    if program is None or is_loader(program):
        return program is not None and not (program.name or "").startswith("ld")
    return "ld-musl-" in (program.interpreter or "")


def library(program: Binary | None) -> tuple[str | None, tuple[int, ...]]:
    """Which C library, and its version; () where it does not tell without running code."""
    if sys.platform != "linux":
        return None, ()
    if program is not None and is_musls(program):
        return "musl", version_of_musl(files.source(program.interpreter or program.path, MAX_LOADER) or b"")
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):  # the name is unknown: confstr(3) of another C library
        return None, ()
    return ("glibc", numbers(version)) if name == "glibc" else (None, ())


def version_of_musl(content: bytes) -> tuple[int, ...]:
    """The version in the bytes of its loader; () where none is to be seen.

    src/internal/version.c: it is one constant, which no other text goes before ("1.2.3"; of a commit "1.2.3-git-5-gf00").
    """
    dot = content.find(b".")
    while dot >= 0:
        start = content.rfind(b"\0", 0, dot) + 1
        release = content[start : content.find(b"\0", dot)].partition(b"-")[0] if dot - start < MAX_NUMBER else b""
        parts = release.split(b".")
        if len(parts) == 3 and all(part.isdigit() for part in parts):
            return tuple(map(int, parts))
        dot = content.find(b".", dot + 1)
    return ()


def numbers(version: str) -> tuple[int, ...]:
    """ "2.36.9000" -> (2, 36, 9000); it ends at the first part that is no number."""
    found: list[int] = []
    for part in version.split("."):
        if not part.isdecimal():
            break
        found.append(int(part))
    return tuple(found)


def library_path(started: Binary | None) -> str | None:
    """LD_LIBRARY_PATH as the loader read it when the process began."""
    if is_loader(started):
        given = option("--library-path")  # ld.so(8): "Use path instead of LD_LIBRARY_PATH environment variable setting"
        if given is not None:
            return given
    return variable("LD_LIBRARY_PATH", is_musls(started))


def variable(name: str, first: bool = False) -> str | None:
    """A variable as the loader read it when the process began; what os.environ says now has no effect on it.

    `first`: of several that have the name, the first one counts. musl asks getenv(3).
    """
    entries = environment()
    if entries is None:
        return os.environ.get(name)
    # elf/rtld.c, process_envvars: it goes through all of them, so the last one counts.
    start = os.fsencode(name) + b"="
    values = [entry for entry in entries if entry.startswith(start)]
    return os.fsdecode(values[0 if first else -1][len(start) :]) if values else None


def environment() -> list[bytes] | None:
    """What the kernel keeps of the environment; None where programs wrote over it, as those do that write their title over
    their arguments (setproctitle). Then os.environ is the best that is left.
    """
    raw = process.content("/proc/self/environ")
    entries = raw.split(b"\0")[:-1]
    overwritten = (raw and not entries) or any(entry.find(b"=") < 1 for entry in entries)
    return None if overwritten else entries


def tunables() -> str | None:
    """GLIBC_TUNABLES as the loader read it; None: not set, or not honoured.

    Up to 2.38 the loader itself writes a NUL behind each value that it takes, in the place where the kernel keeps them
    (elf/dl-tunables.c, parse_tunables): what followed a colon looks like one variable more.
    """
    entries, found = environment(), variable("GLIBC_TUNABLES")
    if snapshot().secure or found is None:
        return None
    first = os.fsencode(f"GLIBC_TUNABLES={found}")
    parts = [found]
    for entry in entries[entries.index(first) + 1 :] if entries is not None else ():
        if not entry.startswith((b"glibc.", b":")):
            break
        parts.append(os.fsdecode(entry))
    return ":".join(parts)


def option(name: str) -> str | None:
    """The value of an option of the loader, when that was started as a program. musl takes it behind a "=", too."""
    words = process.content("/proc/self/cmdline").split(b"\0")[:-1]
    wanted = os.fsencode(name)
    joined = next((word for word in words if word.startswith(wanted + b"=")), None)
    if joined is not None:
        return os.fsdecode(joined.partition(b"=")[2])
    return os.fsdecode(words[words.index(wanted) + 1]) if wanted in words[:-1] else None


def processor() -> Processor:
    """The processor as glibc's loader sees it. Dear: on large machines /proc/cpuinfo has megabytes."""
    if not _processors:
        from .loaders import hwcaps

        here = snapshot()
        cpuinfo = process.content("/proc/cpuinfo", MAX_CPUINFO).decode("ascii", "replace")
        told = process.auxiliary()
        platform = process.auxiliary_text(told.get(AT_PLATFORM, 0)) or None  # "": unset, elf/rtld.c, DL_PLATFORM_INIT
        found = hwcaps.processor(here.machine, here.bits, cpuinfo, told, platform)
        _processors.append(found)
    return _processors[0]


def holds(directory: str, entry: str) -> bool:
    """Whether a directory has an entry; "" is the current directory."""
    return files.exists(os.path.join(directory, entry))


def default_directories() -> tuple[str, ...]:
    """Where this process's loader looks last, asked of the loader's own file; () where it cannot be read."""
    if not _defaults:
        _defaults.append(built_in(snapshot()))
    return _defaults[0]


def built_in(here: Host) -> tuple[str, ...]:
    loader = interpreter(here)
    if loader is None:
        return ()
    return of_musl(loader) if here.libc == "musl" else trusted(files.source(loader, MAX_LOADER) or b"")


def interpreter(here: Host) -> str | None:
    """The loader's file; None: the program has none (static), or could not be read."""
    return here.executable.interpreter if here.executable is not None else None


def trusted(content: bytes) -> tuple[str, ...]:
    """The default directories in the bytes of glibc's loader.

    elf/gen-trusted-dirs.awk: they are one constant, `system_dirs`, in which each ends in a slash and a NUL, the next
    right behind. No other strings of the loader look like that; it may stand there twice.
    """
    best: list[str] = []
    run: list[str] = []
    behind = 0
    for start, path in ending(content, b"/"):
        run = [*run, path] if run and start == behind else [path]
        behind = start + len(path) + 1
        best = max(best, run, key=len)
    return tuple(directory.rstrip("/") for directory in best)


def ending(content: bytes, end: bytes) -> Iterator[tuple[int, str]]:
    """Offset and text of every absolute path among the strings of a file that ends so."""
    found = content.find(end + b"\0")
    while found >= 0:
        # Before its first slash there may stand anything but a NUL: a constant that ends just there.
        start = content.find(b"/", content.rfind(b"\0", 0, found) + 1)
        text = content[start : found + len(end)]
        if len(text) > len(end) + 1 and text.isascii():
            yield start, text.decode("ascii")
        found = content.find(end + b"\0", found + 1)


def of_musl(loader: str) -> tuple[str, ...]:
    """ldso/dynlink.c, load_library: <prefix>/etc/ld-musl-<arch>.path, entries end at ":" or newline."""
    folder, name = os.path.split(loader)
    arch = name.removeprefix("ld-musl-").partition(".so")[0]
    listed = files.source(f"{os.path.dirname(folder).rstrip('/')}/etc/ld-musl-{arch}.path", MAX_CACHE)
    if listed is None:
        return MUSL_DEFAULTS
    return tuple(entry for entry in os.fsdecode(listed).replace("\n", ":").split(":") if entry)


def cached(name: str) -> tuple[CacheEntry, ...]:
    """What ld.so.cache has for a name and a program of this machine; () also: there is no cache."""
    return looked_up(cache_content(), name)


def cached_names() -> frozenset[str]:
    """Every name that ld.so.cache has, for whatever machine."""
    byteorder = snapshot().byteorder
    return frozenset(noted.entry.name for noted in ldcache.entries(cache_content(), byteorder))


def cache() -> Callable[[str], tuple[CacheEntry, ...]]:
    """The same question, for one plan: the disk is asked for the state of the cache once, with the first name."""
    content: list[bytes] = []

    def ask(name: str) -> tuple[CacheEntry, ...]:
        if not content:
            content.append(cache_content())
        return looked_up(content[0], name)

    return ask


def looked_up(content: bytes, name: str) -> tuple[CacheEntry, ...]:
    here = snapshot()
    return ldcache.lookup(content, name, here.machine, here.bits, here.byteorder)


def cache_content() -> bytes:
    """The cache as it is now; it is read again when it was replaced."""
    known, content = _cache[0] if _cache else (None, b"")
    identity, fresh = files.changed(cache_path(), known, MAX_CACHE)
    if identity is None:
        return b""
    _cache[:] = [(identity, content if fresh is None else fresh)]
    return _cache[0][1]


def cache_path() -> str:
    """Where this process's loader has its cache. One that does not come with the system may have it elsewhere (Nix,
    Guix, Gentoo Prefix); it tells, as SYSCONFDIR is compiled in.
    """
    if not _cache_paths:
        loader = interpreter(snapshot()) or ""
        strange = os.path.dirname(loader) not in SYSTEM
        own = ending(files.source(loader, MAX_LOADER) or b"", b"/ld.so.cache") if strange else iter(())
        _cache_paths.append(next((path for _, path in own), CACHE))
    return _cache_paths[0]

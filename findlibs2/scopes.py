"""The private scope: a stack that sees itself and is seen by nobody. Effect: the loader, memory files, one file at worst.

A generated object (formats/elf_object.py) needs the whole closure; one dlopen of it with RTLD_LOCAL opens all, as if a
program had been linked with it: nothing is searched, every name has one provider, rings of libraries open. There is one
scope in a process, and it grows: each further object names what is there already, in the same order, before its own.

glibc remembers an object by every name under which it was opened, and compares names before it opens anything. So no two
objects get the same name here, even where a program has closed our descriptors and their numbers are used again.
"""

from __future__ import annotations

import os

from . import files, handles, host, planning, process, trust
from .formats import elf_object
from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .model import Plan

NAME = "findlibs2-scope"  # how the kernel lists the memory file: /memfd:findlibs2-scope (deleted)
# Linux 6.3: what will never be executed; where the sysctl vm.memfd_noexec is 2, nothing else is given. memfd_create(2)
MFD_NOEXEC_SEAL = 0x8
HEAD = 64  # bytes; of the ELF header
# RTLD_LAZY counts although ctypes adds RTLD_NOW: elf/dl-open.c looks at the bit of RTLD_LAZY alone.
MODES = {True: getattr(os, "RTLD_LAZY", 0), False: getattr(os, "RTLD_NOW", 0)}

members: dict[str, str] = {}  # what the scope holds, in its order: as it was asked for -> as the objects name it
descriptors: list[int] = []  # kept open: who reads the loader's list (debuggers) finds the object behind its name
_serial: list[int] = [0]  # of the last name that was given
_told: list[str] = []  # the library at which it was told that there can be no scope; empty: it was not


class Scope(Record):
    """The private scope, after it was opened or has grown."""

    members: tuple[str, ...]  # absolute paths, and bare names of what was in the process before; in the scope's order
    place: str | None  # under which name the loader knows the newest object; None: nothing had to be opened
    handle: int = 0  # what dlopen answered; never closed


def open_private(paths: Sequence[str], lazy: bool = False) -> Scope | None:
    """Open libraries as one object into the private scope: all of them or none. None: this process cannot have one.

    `paths`: the whole closure, absolute, in the order in which names shall be looked up; a bare name is looked for as
    the loader does. Of what the process has already under the same SONAME nothing is opened again. `lazy`: functions are
    bound when they are called. Errors: `OSError` with the loader's words; then nothing stays mapped, and with `lazy`
    False no code of the libraries has run.
    """
    with handles.lock:
        return open_listed(listed(paths), lazy)


def open_plan(plan: Plan, lazy: bool = False) -> Scope | None:
    """The same for a plan, which knows what the process has: nothing is read again."""
    with handles.lock:
        return open_listed(fresh(plan), lazy)


def open_steps(library: str, plan: Plan, checked: bool) -> bool:
    """What `handles.open_all` does, into the private scope. False: this process can have none, which is told once.

    Errors: `OpenFailedError` where the loader refuses; nothing stays open. `RefusedError` as `handles.verify`.
    """
    try:
        scope = open_plan(plan)
    except OSError as error:
        from .errors import OpenFailedError

        raise OpenFailedError(library, plan.targets[0], str(error)) from error
    if scope is None:
        if not _told:
            from warnings import warn

            _told.append(library)
            warn("no private scope can be had in this process; libraries go into the global one", RuntimeWarning, 4)
        return False
    opened = [step for step in plan.steps if not step.left]
    if opened and checked:
        handles.verify(library, opened)
    handles.held.update(step.path for step in opened)
    handles.private.update(members, plan.targets)  # a target that only the loader could tell from others is a name
    return True


def open_whole(library: str, plan: Plan) -> bool:
    """Open the steps of a plan as one object into the global scope: all of them or none. False: it cannot be done here.

    So the loader refuses what misses something before any code of it has run. Errors: `OpenFailedError`; nothing stays.
    """
    from ctypes import RTLD_GLOBAL

    with handles.lock:
        try:
            opened = open_object([spelled(entry) for entry in fresh(plan)], RTLD_GLOBAL | MODES[False])
        except OSError as error:
            from .errors import OpenFailedError

            raise OpenFailedError(library, plan.targets[0], str(error)) from error
    if opened is not None:
        handles.held.update(step.path for step in plan.steps if not step.left)
    return opened is not None


def open_listed(needed: Sequence[str], lazy: bool) -> Scope | None:
    """The same, where each entry is already what an object is to name."""
    fresh = [entry for entry in dict.fromkeys(needed) if entry not in members]
    if not fresh:
        return Scope(tuple(members), None)
    named = [spelled(entry) for entry in fresh]
    opened = open_object([*members.values(), *named], MODES[lazy])
    if opened is None:
        return None
    members.update(zip(fresh, named, strict=True))
    return Scope(tuple(members), *opened)


def adopt(path: str) -> Scope | None:
    """Open an extension or plugin that uses what it does not name: the scope is asked first, then what it needs itself.

    It does not become a part of the scope. Import it afterwards as always: what is open is not opened again.
    None and errors: as `open_private`.
    """
    with handles.lock:
        opened = open_object([*members.values(), spelled(path)], MODES[False])
        return None if opened is None else Scope(tuple(members), *opened)


def promote(path: str) -> tuple[str, ...] | None:
    """Make an open library, and all that it needs, visible to everything that is opened from now on.

    What of the scope is exposed by it and was not before; None: cannot be told. Nothing takes it back, and what is bound
    stays bound. Errors: `OpenFailedError` where it is not open.
    """
    from ctypes import RTLD_GLOBAL, _dlopen  # type: ignore[attr-defined]

    with handles.lock:
        before = exposed()
        try:
            _dlopen(members.get(path) or spelled(path), os.RTLD_NOLOAD | RTLD_GLOBAL)
        except OSError as error:  # dlopen(3), RTLD_NOLOAD: NULL if it is not resident, without any words
            from .errors import OpenFailedError

            raise OpenFailedError(path, path, "it is not open, so it cannot be promoted; load it first") from error
        after = exposed()
    return None if before is None or after is None else tuple(one for one in after if one not in before)


def exposed() -> tuple[str, ...] | None:
    """Members that the whole process can see: somebody promoted them. None: cannot be told (no /proc).

    So do `sys.setdlopenflags(RTLD_GLOBAL)` before an import, and eckit's own loader of plugins.
    """
    from . import exposure

    paths = {named: asked for asked, named in members.items() if "/" in named}
    visible = exposure.visible(paths)
    return None if visible is None else tuple(asked for named, asked in paths.items() if named in visible)


# ----------------------------------------------------------------------------------------------- what an object names


def fresh(plan: Plan) -> list[str]:
    """What an object names for a plan: in link order, without what the scope brought into the process before."""
    ours = set(members.values())
    known = {each.name for each in plan.reused if each.loaded.path in ours}
    entries = [entry for entry in planning.link_order(plan) if entry not in known]
    return list(listed(entries)) if "process" in plan.unchecked else entries


def listed(paths: Sequence[str]) -> tuple[str, ...]:
    """The same, each SONAME once; by the name instead of the path where the process has it from another file."""
    loaded = process.loaded()
    there = {each.name: each.path for each in reversed(loaded or ()) if each.name is not None}
    seen: dict[str, str] = {}  # by SONAME, or by path where there is none
    for path in paths:
        binary = files.read(path).binary if "/" in path else None
        name = binary.name if binary is not None else None
        if name is None:
            seen.setdefault(path, path)
        else:
            known = there.get(name) not in (None, path) if loaded is not None else is_open(name)
            seen.setdefault(name, name if known and path not in members else path)
    return tuple(seen.values())


def is_open(name: str) -> bool:
    """Whether the process has a library of that name, asked of the loader itself."""
    from ctypes import _dlopen  # type: ignore[attr-defined]

    try:
        _dlopen(name, os.RTLD_NOLOAD)
    except OSError:
        return False
    return True


def spelled(path: str) -> str:
    """The path as an object may name it.

    ld.so(8), Dynamic string tokens: in a path $ORIGIN, $LIB and $PLATFORM mean something else, and nothing quotes them.
    Such a directory is named by a descriptor of it, which stays open.
    """
    directory, slash, name = path.rpartition("/")
    if not slash or not elf_object.has_token(path):
        return path
    if path not in handles.known_as:
        if elf_object.has_token(name):  # the file itself; what it looks for beside itself is opened by us
            handles.known_as[path] = through(kept(os.open(path, os.O_RDONLY | os.O_CLOEXEC)))
        else:
            place = os.open(directory or "/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            handles.known_as[path] = f"{through(kept(place))}/{name}"
    return handles.known_as[path]


def through(descriptor: int) -> str:
    """A name of an open file that no other file ever had in this process: `./` and `/` are digits, and change nothing."""
    _serial[0] += 1
    digits = f"{_serial[0]:b}".replace("1", "./").replace("0", "/")
    return f"/proc/{process.own_number()}/fd/{digits}{descriptor}"


def kept(descriptor: int) -> int:
    descriptors.append(descriptor)
    return descriptor


# --------------------------------------------------------------------------------------------------- where it is put


def open_object(needed: Sequence[str], mode: int) -> tuple[str, int] | None:
    """Its name and its handle; None: nowhere could an object be put so that the loader took it."""
    here = host.snapshot()
    if here.libc == "musl":
        from . import scopes_musl

        return scopes_musl.open_object(needed, mode)
    if here.machine in elf_object.FATAL_MACHINES:
        return None
    flags = 0 if here.machine in elf_object.FLAGLESS else flags_of(needed, here.byteorder)
    content = elf_object.generate(here.machine, here.bits, here.byteorder, needed, flags=flags)
    return open_in_memory(content, mode) or open_from_file(content, mode)


def flags_of(needed: Sequence[str], byteorder: str) -> int:
    """e_flags of the first file of them, which the process can open or cannot open anyway."""
    first = next((entry for entry in needed if "/" in entry), None)
    return elf_object.e_flags(process.content(first, HEAD)[:HEAD], byteorder) if first is not None else 0


def open_in_memory(content: bytes, mode: int) -> tuple[str, int] | None:
    """As a memory file, which no file system has; None: no such thing here, or no /proc."""
    descriptor = memory_file()
    if descriptor is None:
        return None
    opened = None
    try:
        if is_written(descriptor, content):
            opened = open_at(through(descriptor), mode)
    finally:
        if opened is None:
            os.close(descriptor)
        else:
            kept(descriptor)
    return opened


def memory_file() -> int | None:
    if not hasattr(os, "memfd_create"):  # Python was built for a C library without it
        return None
    try:
        return os.memfd_create(NAME, os.MFD_CLOEXEC | MFD_NOEXEC_SEAL)
    except OSError:  # EINVAL: the kernel is older than the flag; or all is refused (seccomp)
        try:
            return os.memfd_create(NAME, os.MFD_CLOEXEC)
        except OSError:
            return None


def open_from_file(content: bytes, mode: int) -> tuple[str, int] | None:
    """As a file where nobody else can write, removed at once: what is mapped stays."""
    opened = (open_below(place, content, mode) for place in places())
    return next(filter(None, opened), None)


def open_below(place: str, content: bytes, mode: int) -> tuple[str, int] | None:
    """As a file in a directory of its own in that one."""
    from tempfile import TemporaryDirectory

    try:
        with TemporaryDirectory(prefix=f"{NAME}-", dir=place) as directory:
            if trust.reason(directory) is not None:
                return None
            return open_written(f"{directory}/scope.so", content, mode)
    except OSError as error:
        if error.errno is None:  # the loader's own words, about a library
            raise
        return None  # no such directory, or nobody may write there


def open_written(path: str, content: bytes, mode: int) -> tuple[str, int] | None:
    """As a file of that path, which is not there yet."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        whole = is_written(descriptor, content)
    finally:
        os.close(descriptor)
    return open_at(path, mode) if whole else None


def is_written(descriptor: int, content: bytes) -> bool:
    try:
        return os.write(descriptor, content) == len(content)
    except OSError:  # no room
        return False


def places() -> Iterator[str]:
    """XDG Base Directory Specification: runtime and cache directory; then the temporary one. Those that exist are tried."""
    from os.path import expanduser
    from tempfile import gettempdir

    wanted = (os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("XDG_CACHE_HOME"), expanduser("~/.cache"))
    yield from (place for place in wanted if place and place.startswith("/") and not elf_object.has_token(place))
    try:
        yield gettempdir()
    except OSError:  # there is none
        return


def open_at(path: str, mode: int) -> tuple[str, int] | None:
    """None: the loader did not take the object itself. Errors: `OSError` where it refuses what that needs."""
    from ctypes import _dlopen  # type: ignore[attr-defined]

    try:
        return path, _dlopen(path, mode)
    except OSError as error:
        # dlerror(3) begins with the name of the file that it is about; musl's says before what it tried.
        if str(error).removeprefix("Error loading shared library ").startswith(f"{path}: "):
            return None
        raise

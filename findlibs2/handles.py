"""Open libraries: the only mutable state, behind one lock. Effect: the loader, through ctypes.

Nothing foreign is imported or called while the lock is held, so it cannot deadlock with Python's import locks: everything
that a plan needs from the import system is gathered before.
"""

from __future__ import annotations

import _thread
import os

from . import files, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Sequence

    from .model import Plan, Step

# Re-entrant: a constructor may come back through Python. The child of a fork starts with a free lock.
lock = _thread.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lock._at_fork_reinit)  # type: ignore[attr-defined]

opened: dict[tuple[str, str | None], ctypes.CDLL] = {}  # what `load` has answered, by what it was asked
prepared: dict[tuple[str, str | None], str] = {}  # what `prepare` has answered, likewise
private: set[str] = (
    set()
)  # files in the private scope; opened with RTLD_GLOBAL, one exposes itself and all that it needs
known_as: dict[str, str] = {}  # files that the loader cannot be asked for by their path: under which name it has them
held: set[str] = set()  # files that were opened here and are never closed; all that each of them needs is open too


def ready(library: str) -> None:
    """ctypes is there and may be used, or `InterpreterError`."""
    try:
        import ctypes  # noqa: F401
    except ImportError as error:  # built without libffi; a sub-interpreter of CPython 3.12 with its own GIL
        from .errors import InterpreterError

        raise InterpreterError(library, str(error)) from error


def open_all(library: str, plan: Plan, checked: bool, lazy: bool = False) -> None:
    """Open the steps of a plan, in order, into the global scope. `checked`: what is mapped afterwards is what was read.

    `lazy`: functions are bound when they are called.

    Errors: `OpenFailedError` where the loader refuses (what was opened before stays open), `RefusedError` with
    `Replaced` where a file was replaced between reading and opening.
    """
    from ctypes import RTLD_GLOBAL, _dlopen  # type: ignore[attr-defined]

    done: list[Step] = []
    mode = RTLD_GLOBAL | (os.RTLD_LAZY if lazy else 0)  # elf/dl-open.c: it counts, although ctypes adds RTLD_NOW
    for step in plan.steps:
        if step.left or ("process" in plan.unchecked and is_open(step)):
            continue
        try:
            _dlopen(step.by_name or step.path, mode)
        except OSError as error:
            from .errors import OpenFailedError

            raise OpenFailedError(library, step.path, str(error), tuple(each.path for each in done)) from error
        done.append(step)
    if done and checked:
        verify(library, done)
    held.update(step.path for step in done)


def is_open(step: Step) -> bool:
    """Whether the process has a library of that name, asked of the loader itself: dearer, and it may look for it on disk."""
    from ctypes import _dlopen  # type: ignore[attr-defined]

    name = step.by_name or (step.file.binary.name if step.file.binary is not None else None)
    if name is None:
        return False
    try:
        _dlopen(name, os.RTLD_NOLOAD)
    except OSError:
        return False
    return True


def handle(path: str) -> ctypes.CDLL:
    """The library as ctypes knows it; it is open already, so this adds a reference, and the global scope, if not private."""
    from ctypes import CDLL, _dlopen  # type: ignore[attr-defined]

    if path in known_as:
        return CDLL(path, handle=_dlopen(known_as[path], mode(path)))
    return CDLL(path, mode=mode(path))


def mode(path: str) -> int:
    """With which a library is to be opened once more, so that it is seen by nobody who did not see it before."""
    from ctypes import RTLD_GLOBAL, RTLD_LOCAL

    return RTLD_LOCAL if path in private else RTLD_GLOBAL


def keep(library: str, path: str) -> None:
    """Open a library for good, in a scope of its own: whoever opens and closes it by its path never unmaps it.

    cffi closes what it opened when its object goes, often as the interpreter ends. libgribjump leaves a function of its own
    with libfdb5, which stays: unmapped before that one, it ends the process in SIGSEGV (tests/wheels/test_drop_in_exit.py).
    Errors: `OpenFailedError`.
    """
    from ctypes import RTLD_LOCAL, _dlopen  # type: ignore[attr-defined]

    try:
        _dlopen(known_as.get(path, path), RTLD_LOCAL)
    except OSError as error:
        from .errors import OpenFailedError

        raise OpenFailedError(library, path, str(error), ()) from error
    held.add(path)


def verify(library: str, opened: Sequence[Step]) -> None:
    """Every file that was read and opened is mapped; or `RefusedError` naming those that were replaced meanwhile."""
    mapped = process.mapped()
    if mapped is None:
        return
    places = {place for found in mapped.values() for place in found}
    replaced = [step for step in opened if step.file.identity is not None and not is_mapped(step, places)]
    if replaced:
        from .errors import RefusedError
        from .findings import Replaced

        raise RefusedError(library, tuple(Replaced(step.path) for step in replaced))


def is_mapped(step: Step, places: set[tuple[int, int]]) -> bool:
    """Whether the file that was read is mapped, by device and inode.

    On overlay and some copy-on-write file systems the kernel's list of mappings names another device or inode than `stat`
    does (proc(5), /proc/pid/maps); so where they differ, the path is asked once more.
    """
    identity = step.file.identity
    assert identity is not None
    return (identity.device, identity.inode) in places or files.identity(step.path) == identity

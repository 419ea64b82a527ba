"""What people ask of the private scope, once it is there: to let a plugin in, to let everybody see, and who can. Cold."""

from __future__ import annotations

from os.path import abspath

from . import closure, deciding, files, handles, host, locating, pipeline, scopes
from .closure import Root
from .model import Considered, Trail
from .notes import ScopePromoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes


def promote(name: str, pkg_name: str | None = None) -> tuple[str, ...] | None:
    """Make a library that was loaded, and all that it needs, visible to whatever is opened from now on.

    The paths of what the private scope held and everybody can see now; None: it cannot be told (no /proc). Nothing takes it
    back, and functions that are bound stay bound. Errors: `NotFoundError`; `OpenFailedError` where it was not loaded.
    """
    known = handles.opened.get((name, pkg_name))
    path = known._name if known is not None else locating.root(name, pkg_name).file.path
    return scopes.promote(path)


def adopt(path: str) -> ctypes.CDLL:
    """Open an extension or plugin that uses libraries of the private scope without naming them.

    The scope is asked first, then what it needs itself. Import it afterwards as always: what is open is not opened again.
    It becomes visible to nobody. Errors: `RefusedError` for a file that cannot be opened; `OpenFailedError` where the loader
    refuses, or where there is no private scope to adopt it.
    """
    from .errors import OpenFailedError

    path = abspath(path)
    handles.ready(path)
    file = files.read(path)
    pipeline.refuse(path, closure.judge(host.snapshot(), file, None, ()))
    root = Root(path, file, None, Trail(path, (Considered("path", path, "asked for", path),)))
    with handles.lock:
        drawn = pipeline.draw([root], locating.stack((), importing=None), thorough=False)
        deciding.doubted(path, drawn, drawn.findings)
        needs = tuple(step for step in drawn.steps if step.path != path)
        try:
            if scopes.open_plan(drawn.replace(steps=needs, targets=())) is None or scopes.adopt(path) is None:
                raise OpenFailedError(path, path, "no private scope can be had in this process")
            handles.private.add(path)
            return handles.handle(path)
        except OpenFailedError:
            raise
        except OSError as error:
            raise OpenFailedError(path, path, str(error)) from error


def promoted() -> tuple[ScopePromoted, ...]:
    """What others made visible of the private scope, as a finding; none: nothing, or it cannot be told."""
    exposed = scopes.exposed() if scopes.members else ()
    return (ScopePromoted(exposed),) if exposed else ()

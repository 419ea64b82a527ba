"""What can go wrong, as facts. Words come from `report`, when somebody looks (`str()`)."""

from __future__ import annotations

from .model import ConfigProblem, Finding, Trail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class FindlibsError(Exception):
    """Base of all errors of findlibs2. `str()` is the whole story: cause, evidence, fix."""

    def __init__(self, *facts: Any) -> None:
        super().__init__(*facts)
        self.facts = facts

    def __str__(self) -> str:
        try:
            from . import report

            return report.error(self)
        except Exception as error:  # a traceback is being printed: facts without words are better than none
            return f"{self.facts!r} (no words for it: {type(error).__name__}: {error})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.facts


class NotFoundError(FindlibsError, ModuleNotFoundError):
    """No source knows the library. Also a `ModuleNotFoundError`. `similar`: names in another spelling that are there."""

    def __init__(self, library: str, trail: Trail, similar: tuple[str, ...] = ()) -> None:
        super().__init__(library, trail, similar)
        self.name = library
        self.trail = trail
        self.similar = similar


class RefusedError(FindlibsError, ImportError):
    """The stack cannot be loaded; nothing of it was opened. Also an `ImportError`.

    `findings` are the reasons, `notes` is what else was seen. `loader_said`: the loader's own words, when it was asked; then
    `__cause__` is its `OSError`. None: it was not. `wrappers`: the packages (import names) that bring what was asked for.
    """

    def __init__(
        self,
        library: str,
        findings: tuple[Finding, ...],
        notes: tuple[Finding, ...] = (),
        loader_said: str | None = None,
        wrappers: tuple[str, ...] = (),
    ) -> None:
        super().__init__(library, findings, notes, loader_said, wrappers)
        self.name = library
        self.findings = findings
        self.notes = notes
        self.loader_said = loader_said
        self.wrappers = wrappers


class OpenFailedError(FindlibsError, OSError):
    """The loader refused a library midway. Also an `OSError`; `__cause__` is the loader's own.

    What was opened before stays open (no loader can safely undo constructors): `opened` names it. `findings` say why, as
    far as that can be seen. `wrappers`: as of `RefusedError`.
    """

    def __init__(
        self,
        library: str,
        path: str,
        loader_said: str,
        opened: tuple[str, ...] = (),
        findings: tuple[Finding, ...] = (),
        wrappers: tuple[str, ...] = (),
    ) -> None:
        super().__init__(library, path, loader_said, opened, findings, wrappers)
        self.library = library
        self.path = path
        self.loader_said = loader_said
        self.opened = opened
        self.findings = findings
        self.wrappers = wrappers


class InterpreterError(FindlibsError, ImportError):
    """This interpreter cannot open libraries at all: no ctypes, or a sub-interpreter that may not use it."""

    def __init__(self, library: str, reason: str) -> None:
        super().__init__(library, reason)
        self.name = library
        self.reason = reason


class BadNameError(FindlibsError, ValueError):
    """What was asked for cannot be the name of a library or of a package."""

    def __init__(self, name: object, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason


class ConfigError(FindlibsError, ValueError):
    """A configuration file that is to be used cannot be. Raised when a library is looked for, never at import."""

    def __init__(self, file: str, problems: tuple[ConfigProblem, ...]) -> None:
        super().__init__(file, problems)
        self.file = file
        self.problems = problems

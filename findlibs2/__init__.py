"""findlibs2: find, check and load shared libraries that live in Python wheels.

    import findlibs2
    libmir = findlibs2.load("mir")      # a ctypes.CDLL, with everything that libmir needs open before it

Importing this module does nothing and imports nothing: the names below are fetched when they are first used (PEP 562).
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .errors import (
        BadNameError,
        ConfigError,
        FindlibsError,
        InterpreterError,
        NotFoundError,
        OpenFailedError,
        RefusedError,
    )
    from .pipeline import check, find, load, plan
    from .scoping import adopt, promote

__all__ = [
    "BadNameError",
    "ConfigError",
    "FindlibsError",
    "InterpreterError",
    "NotFoundError",
    "OpenFailedError",
    "RefusedError",
    "__version__",
    "adopt",
    "check",
    "find",
    "load",
    "plan",
    "promote",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("check", "find", "load", "plan"):
        from . import pipeline as home
    elif name in ("adopt", "promote"):
        from . import scoping as home  # type: ignore[no-redef]
    else:
        from . import errors as home  # type: ignore[no-redef]
    value = globals()[name] = getattr(home, name)
    return value


def __dir__() -> list[str]:
    return __all__

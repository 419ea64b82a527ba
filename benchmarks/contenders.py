"""Who is measured: lines of Python, each run in a fresh interpreter of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.wheels.environments import Environment
from tests.wheels.run import answer, project

# What the interpreter does at its end (destructors, unmapping) is nobody's work; `posix` is built in and costs nothing.
END = "import posix; posix._exit(0)"
NAME = "mir"
HEADERS = "visibility='global', verify='headers'"
OUTSIDE = "stdc++"  # a library that no wrapper has, and every system on which the wrappers work


class Contender(NamedTuple):
    name: str
    code: str


PASS = Contender("pass", "pass")
FINDLIBS = "findlibs 0.1.3"


def subjects(environment: Environment) -> Mapping[str, tuple[Contender, ...]]:
    """For each subject those who are compared; the first is what the others are divided by."""
    return {
        "import": (Contender(FINDLIBS, "import findlibs"), Contender("findlibs2", "import findlibs2")),
        "load": (
            Contender(FINDLIBS, f"import findlibs; findlibs.load({NAME!r})"),
            Contender("findlibs2", f"import findlibs2; findlibs2.load({NAME!r})"),
            Contender("findlibs2, global", f"import findlibs2; findlibs2.load({NAME!r}, visibility='global')"),
            Contender("findlibs2, global, headers", f"import findlibs2; findlibs2.load({NAME!r}, {HEADERS})"),
            Contender("bare loop", bare(environment)),
        ),
        "ask": (
            Contender(f"{FINDLIBS}: find", f"import findlibs; findlibs.find({NAME!r})"),
            Contender("findlibs2: find", f"import findlibs2; findlibs2.find({NAME!r})"),
            Contender("findlibs2: plan", f"import findlibs2; findlibs2.plan({NAME!r})"),
        ),
        "outside": (
            Contender(f"{FINDLIBS}: find", f"import findlibs; findlibs.find({OUTSIDE!r})"),
            Contender("findlibs2: find", f"import findlibs2; findlibs2.find({OUTSIDE!r})"),
        ),
        "drop-in": (
            Contender(FINDLIBS, f"import {NAME}"),
            Contender("findlibs2.compat", f"import findlibs2.compat; findlibs2.compat.install(); import {NAME}"),
        ),
    }


def bare(environment: Environment) -> str:
    """What is left when everything is known beforehand: the same files, opened one by one in the same order."""
    asked = f"import findlibs2; tell([step.path for step in findlibs2.plan({NAME!r}).steps])"
    return f"import ctypes\nfor path in {answer(asked, environment.site)!r}: ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)"


def built_elsewhere(environment: Environment) -> list[str]:
    """Search directories that the stack's files brought from the machine on which they were built."""
    asked = f"""
import findlibs2
binaries = [step.file.binary for step in findlibs2.plan({NAME!r}).steps if step.package is not None]
entries = [entry for binary in binaries for text in (binary.rpath, binary.runpath) if text for entry in text.split(":")]
tell(sorted({{entry for entry in entries if not entry.startswith("$ORIGIN")}}))
"""
    found: list[str] = answer(asked, environment.site)
    return found


def installed(environment: Environment) -> list[Path]:
    """The wheels, the interface packages, findlibs 0.1.3 and findlibs2, side by side as in anybody's site-packages."""
    sites = (environment.site, environment.interfaces)  # findlibs 0.1.3 is among the second
    wheels = (path for site in sites for path in site.iterdir() if path.name not in ("bin", "__pycache__"))
    return [*wheels, project() / "findlibs2"]


def command(contender: Contender, python: Path) -> list[str]:
    """Plain `python -c`, which has the current directory first on its path; `measure` starts it in the root directory."""
    return [str(python), "-s", "-c", f"{contender.code}\n{END}"]

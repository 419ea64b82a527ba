"""The search paths in the files of findlibs 0.1.3: `[Paths]`, one directory a line. Cold.

Read as written there, and where that reading depended on chance or lost something: in the order of the lines, each
directory once, a path with "=" whole, a comment behind a path left away.
"""

from __future__ import annotations

import configparser
import os

from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_FILE = 1 << 18  # bytes
SECTION = "paths"  # in any letters
HOME = ("${HOME}", "$HOME")


class Entry(Record):
    """One line of the section."""

    line: int  # from 1; 0: of no line in particular
    written: str
    path: str  # absolute where there is no problem
    problem: str | None = None


def candidates(variables: Mapping[str, str] = os.environ) -> list[str]:
    """The files that are there, the one that goes first in front."""
    home = os.path.expanduser("~")
    places = [
        os.path.join(configuration_home(variables), "findlibs", "findlibs.conf"),
        os.path.join(home, ".config", "findlibs", "findlibs.conf"),
        os.path.join(home, ".findlibs"),
    ]
    return [place for place in dict.fromkeys(places) if os.path.exists(place)]


def configuration_home(variables: Mapping[str, str]) -> str:
    """XDG Base Directory Specification: $XDG_CONFIG_HOME; "all paths [...] must be absolute", else they are ignored."""
    given = variables.get("XDG_CONFIG_HOME", "")
    return given if os.path.isabs(given) else os.path.join(os.path.expanduser("~"), ".config")


def read(path: str, content: bytes) -> tuple[Entry, ...]:
    """The directories that a file names, in its order, each once; what is wrong with one stands in its `problem`."""
    lines = [line.strip() for line in content.decode("utf-8", "surrogateescape").splitlines()]
    parser = configparser.RawConfigParser(
        allow_no_value=True,
        delimiters=("\0",),  # nothing that a path can hold
        inline_comment_prefixes=("#", ";"),
        strict=False,
        default_section="\0",
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string("\n".join(lines), path)
    except configparser.Error as error:
        return (Entry(getattr(error, "lineno", 0) or 0, "", "", str(error).partition("\n")[0]),)
    sections = [section for section in parser.sections() if section.lower() == SECTION]
    written = dict.fromkeys(option for section in sections for option in parser.options(section))
    entries = {entry.path or entry.written: entry for entry in reversed([entry(each, lines) for each in written])}
    return tuple(reversed(entries.values()))


def entry(written: str, lines: list[str]) -> Entry:
    expanded = written
    for home in HOME:
        expanded = expanded.replace(home, "~")
    expanded = os.path.expanduser(expanded)
    number = next((number for number, line in enumerate(lines, 1) if line.startswith(written)), 0)
    if not os.path.isabs(expanded):
        return Entry(number, written, "", "is relative; write where it starts")
    return Entry(number, written, os.path.normpath(expanded))

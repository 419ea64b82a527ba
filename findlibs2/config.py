"""EFFECT: the configuration file -> Settings, strictly. Cold: a file that does not exist costs its absence only.

Everything that is wrong with the file is told at once, with its line and the nearest that would be right.
"""

from __future__ import annotations

import difflib
import os
import sys

from . import files, names, trust
from .errors import ConfigError
from .model import ConfigProblem, LibrarySettings, SearchPath, Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    try:
        import tomli as tomllib
    except ImportError:  # put on the path without what it requires; only a configuration misses it
        tomllib = None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    Key = tuple[str, ...]

MAX_FILE = 1 << 18  # bytes


class Reading:
    """One file while it is read. `lines` are the places of its keys."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.statements = dict(statements(text))
        self.problems: list[ConfigProblem] = []

    def line(self, key: Key, element: int | None = None) -> int | None:
        """Where a key stands, or one element of its list."""
        found = self.statements.get(key)
        if found is None:
            return next((first for known, (first, _) in self.statements.items() if known[: len(key)] == key), None)
        return found[0] if element is None else found[0] + row_of(found[1], key[-1], element)

    def reject(
        self, key: Key, what: str, valid: Iterable[str] = (), near: str = "", element: int | None = None
    ) -> None:
        valid = tuple(valid)
        nearest = tuple(difflib.get_close_matches(near, valid, 1, 0.5)) or valid
        self.problems.append(ConfigProblem(self.line(key, element), what, nearest))


def read(file: str) -> Settings:
    """What the file says. Errors: `ConfigError` with everything that is wrong with it."""
    text = content(file)
    if tomllib is None:
        raise ConfigError(file, (ConfigProblem(None, "Python 3.10 reads it with tomli, which is not installed"),))
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, (syntax(str(error), text),)) from error
    reading = Reading(file, text)
    settings = Settings(
        file,
        tuple(libraries(reading, said.pop("library", {}))),
        sources(reading, ("sources",), said.pop("sources", None)),
        tuple(search_paths(reading, said.pop("paths", []))),
    )
    unknown(reading, (), said, ("library", "paths", "sources"))
    if reading.problems:
        raise ConfigError(file, tuple(sorted(reading.problems, key=lambda problem: problem.line or 0)))
    return settings


def content(file: str) -> str:
    """The text of the file, if nobody else could have written it."""
    unsafe = trust.reason(os.path.dirname(file), chosen=True) or trust.of_file(file)
    if unsafe is not None:
        raise ConfigError(file, (ConfigProblem(None, f"it is not used, for others could have written it: {unsafe}"),))
    source = files.source(file, MAX_FILE)
    if source is None or len(source) > MAX_FILE:
        what = "it cannot be read" if source is None else f"it is longer than {MAX_FILE:,} bytes"
        raise ConfigError(file, (ConfigProblem(None, what),))
    try:
        return source.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise ConfigError(file, (ConfigProblem(line, "it is not written in UTF-8"),)) from error


def syntax(words: str, text: str) -> ConfigProblem:
    """A TOML parser's words: "Expected '=' after a key in a key/value pair (at line 3, column 5)"."""
    what, _, place = words.rpartition(" (at ")
    number = place.removeprefix("line ").partition(",")[0]
    return ConfigProblem(
        int(number) if number.isdecimal() else text.count("\n") + 1, f"it is not TOML: {what or words}"
    )


# ---------------------------------------------------------------------------------------------------------- the schema


def libraries(reading: Reading, tables: Any) -> Iterator[LibrarySettings]:
    if not isinstance(tables, dict):
        reading.reject(("library",), "library has to be a table: write [library.NAME]")
        return
    for name, table in tables.items():
        key = ("library", name)
        objection = names.objection(name)
        if objection is not None:
            reading.reject(key, f"{name!r} is not the name of a library: {objection}")
        elif not isinstance(table, dict):
            reading.reject(key, f"{'.'.join(key)} has to be a table: write [library.{name}]")
        else:
            yield library(reading, key, table)


def library(reading: Reading, key: Key, table: dict[str, Any]) -> LibrarySettings:
    unknown(reading, key, table, READERS)
    values = {each: READERS[each](reading, (*key, each), table[each]) for each in READERS if each in table}
    lines = tuple((each, reading.line((*key, each)) or 0) for each in values)
    return LibrarySettings(key[-1], reading.file, lines, **values)


def unknown(reading: Reading, table: Key, said: Iterable[str], valid: Iterable[str]) -> None:
    where = f" in [{'.'.join(table)}]" if table else ""
    for key in (key for key in said if key not in tuple(valid)):
        reading.reject((*table, key), f"there is no setting {key!r}{where}", valid, key)


def text(reading: Reading, key: Key, value: Any, wanted: str) -> str | None:
    if isinstance(value, str) and value:
        return value
    reading.reject(key, f"{'.'.join(key)} has to be {wanted}, in quotes")
    return None


def path(reading: Reading, key: Key, value: Any, element: int | None = None) -> str | None:
    """An absolute path; "~" is the home directory."""
    if not isinstance(value, str) or not value:
        reading.reject(key, f"{'.'.join(key)} has to be an absolute path, in quotes", element=element)
        return None
    expanded = os.path.expanduser(value)
    if os.path.isabs(expanded):
        return os.path.normpath(expanded)
    reading.reject(key, f"{value!r} is relative; a path starts with / or ~", element=element)
    return None


def package(reading: Reading, key: Key, value: Any) -> str | None:
    name = text(reading, key, value, "the name of a package")
    if name is None or names.is_package_name(name):
        return name
    reading.reject(key, f"no package can be called {name!r}")
    return None


def choice(valid: tuple[str, ...]) -> Callable[[Reading, Key, Any], str | None]:
    def read(reading: Reading, key: Key, value: Any) -> str | None:
        if value in valid:
            return str(value)
        reading.reject(key, f"{'.'.join(key)} cannot be {value!r}", valid, str(value))
        return None

    return read


def sources(reading: Reading, key: Key, value: Any) -> tuple[str, ...] | None:
    """The sources to ask, in order."""
    if value is None:
        return None
    if not isinstance(value, list):
        reading.reject(key, f"{'.'.join(key)} has to be a list of sources", names.SOURCES)
        return None
    for number, each in enumerate(value):
        if not isinstance(each, str) or each not in names.SOURCES:
            reading.reject(key, f"there is no source {each!r}", names.SOURCES, str(each), number)
        elif each in value[:number]:
            reading.reject(key, f"the source {each!r} is named twice", element=number)
    return tuple(value)


def search_paths(reading: Reading, value: Any) -> Iterator[SearchPath]:
    if not isinstance(value, list):
        reading.reject(("paths",), "paths has to be a list of directories")
        return
    for number, each in enumerate(value):
        found = path(reading, ("paths",), each, number)
        if found is not None:
            yield SearchPath(found, reading.file, reading.line(("paths",), number) or 0)


READERS: Mapping[str, Callable[[Reading, Key, Any], Any]] = {
    "path": path,
    "package": package,
    "visibility": choice(names.OPTIONS["visibility"]),
    "verify": choice(names.OPTIONS["verify"]),
    "sources": sources,
}

# ----------------------------------------------------------------------------------------------------- where keys stand


def statements(text: str) -> Iterator[tuple[Key, tuple[int, list[str]]]]:
    """Every key of a valid text, with the number of its first line and the lines of its statement.

    A TOML parser does not tell where it found a key. But it tells whether a piece of text is complete; so it is asked for
    each line, together with those before it that were not.
    """
    table: Key = ()
    piece: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        piece.append(line)
        said = complete("\n".join(piece))
        if said is None:
            continue
        first = number - len(piece) + 1
        is_header = line.lstrip().startswith("[") and len(piece) == 1
        if is_header:
            table = deepest(said)
        for key in (table,) if is_header else keys(said):
            yield (key if is_header else (*table, *key)), (first, piece)
        piece = []


def complete(piece: str) -> dict[str, Any] | None:
    try:
        said: dict[str, Any] = tomllib.loads(piece)
    except tomllib.TOMLDecodeError:
        return None
    return said


def deepest(said: dict[str, Any]) -> Key:
    """The name of the table that a header opens, which is all that there is."""
    found: list[str] = []
    while isinstance(said, dict) and said:
        (name,) = said
        found.append(name)
        said = said[name][0] if isinstance(said[name], list) else said[name]
    return tuple(found)


def keys(said: dict[str, Any]) -> Iterator[Key]:
    """Every key, those of inner tables too."""
    for name, value in said.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, *inner) for inner in keys(value))


def row_of(piece: list[str], key: str, element: int) -> int:
    """In which line of its statement an element of a list stands, counted from 0."""
    for row in range(len(piece)):
        said = complete("\n".join(piece[: row + 1]) + "\n]")
        values = said.get(key) if said is not None else None
        if isinstance(values, list) and len(values) > element:
            return row
    return len(piece) - 1

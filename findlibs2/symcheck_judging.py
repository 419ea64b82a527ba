"""Libraries that were given -> what they miss among themselves, and what was not looked at. Pure. Cold.

A library looks for its symbols in itself and in what its DT_NEEDED names lead to. Where these lead to a library that was
not given, only what that one certainly does not have can be missing; the rest is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from operator import eq
from os.path import basename, dirname

from . import expecting, link, underlinking, verdict
from .findings import MissingSymbols, MissingVersion, UnversionedProvider
from .formats.elf_symbols import gnu_hash
from .loaders import glibc_symbols, musl_symbols
from .model import Finding, Record
from .notes import CopiesDiffer
from .symcheck_inputs import Library
from .symcheck_suppliers import ALL_VERSIONED, may_have

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from .formats.elf_symbols import Symbols

MUSL = ("libc.musl-", "ld-musl-")
PYTHON = "the Python interpreter"  # supplies its C interface without being needed (PEP 513, on libpython)


class Absent(Record):
    """A library that was not given, and what is expected of it."""

    name: str
    versions: tuple[str, ...]  # the highest of each family: ("CXXABI_1.3.9", "GLIBCXX_3.4.21")
    wanted_by: tuple[str, ...]  # paths
    symbols: int  # how many different symbols may be its own, and were therefore not looked at


class Judgement(Record):
    """What was found about the libraries of one kind of machine."""

    machine: str  # "x86_64, 64-bit, little-endian"; of musl with "musl" at the end
    libraries: tuple[Library, ...]
    findings: tuple[Finding, ...]
    absent: tuple[Absent, ...]
    system: tuple[str, ...]  # paths of this machine's own libraries that were taken in
    unreadable: tuple[str, ...]  # paths of libraries whose symbols cannot be read

    @property
    def passes(self) -> bool:
        return all(each.severity != "error" for each in self.findings)


System = Callable[[str, Library], "Library | None"]


def judgements(libraries: Iterable[Library], system: System) -> tuple[Judgement, ...]:
    """One for each kind of machine, in the order of the inputs. `system`: this machine's own library of a name."""
    given = tuple(libraries)
    of_musl = {each.origin for each in given if any(need.name.startswith(MUSL) for need in each.binary.needed)}
    groups: dict[str, list[Library]] = {}
    for each in given:
        binary = each.binary
        machine = f"{binary.machine}, {binary.bits}-bit, {binary.byteorder}-endian"
        groups.setdefault(machine + (", musl" if each.origin in of_musl else ""), []).append(each)
    return tuple(judge(machine, group, system) for machine, group in groups.items())


def judge(machine: str, given: Sequence[Library], system: System) -> Judgement:
    rules = musl_symbols if machine.endswith("musl") else glibc_symbols
    group = Group(given, system, rules)
    asked = [Question(group, each) for each in given if each.symbols is not None]
    found: list[Finding] = list(several(given))
    for each in asked:
        found += each.missing()
        found += each.versions(aborting=rules is glibc_symbols)
    return Judgement(
        machine,
        tuple(given),
        tuple(found),
        absent(asked),
        tuple(sorted({each.path for each in group.from_system.values() if each is not None})),
        tuple(each.path for each in given if each.symbols is None),
    )


class Group:
    """What a name leads to."""

    def __init__(self, given: Sequence[Library], system: System, rules: ModuleType) -> None:
        self.given = given
        self.rules = rules  # what the loader takes for a reference
        self.system = system
        self.from_system: dict[str, Library | None] = {}
        self.known: dict[tuple[str, str], Library | None] = {}
        self.exports: dict[str, list[bytes]] = {}
        self.named: dict[str, list[Library]] = {}
        # A file may be found by its own name where DT_SONAME is another; who carries the name goes first.
        for name, library in (
            *[(each.name, each) for each in given],
            *[file for each in given for file in paths(each)],
        ):
            if library not in self.named.setdefault(name, []):
                self.named[name].append(library)

    def lead(self, name: str, by: Library) -> Library | None:
        """The library that one gets for a name that it needs: of several the nearest, then the first given."""
        key = (name, dirname(by.path))
        if key not in self.known:
            candidates = self.named.get(basename(name), [])
            carrying = [each for each in candidates if each.name == name] or candidates
            near = max(carrying, key=lambda each: nearness(each, by), default=None)
            self.known[key] = near if near is not None else self.of_system(name, by)
        return self.known[key]

    def of_system(self, name: str, by: Library) -> Library | None:
        if name not in self.from_system:
            self.from_system[name] = self.system(name, by)
        return self.from_system[name]

    def sorted_exports(self, library: Library) -> list[bytes]:
        if library.path not in self.exports:
            self.exports[library.path] = sorted(library.symbols.exports()) if library.symbols is not None else []
        return self.exports[library.path]


def paths(library: Library) -> list[tuple[str, Library]]:
    return [(basename(path), library) for path in (library.path, *library.copies)]


def nearness(library: Library, by: Library) -> int:
    """How many directories two paths share."""
    here = dirname(by.path).split("/")
    places = [dirname(path).split("/") for path in (library.path, *library.copies)]
    return max(len(list(takewhile(bool, map(eq, place, here)))) for place in places)


class Question:
    """What one library finds in its closure."""

    def __init__(self, group: Group, library: Library) -> None:
        assert library.symbols is not None
        self.group, self.library, self.symbols = group, library, library.symbols
        self.closure, self.absent = closure(group, library)
        self.expected: dict[str, set[bytes]] = {}  # of a library that was not given -> names that may be its own

    def named(self, file: bytes) -> Library | None:
        return self.group.lead(file.decode("utf-8", "surrogateescape"), self.library)

    def missing(self) -> Iterator[Finding]:
        unmet = self.unmet([each.symbols for each in self.closure if each.symbols is not None])
        elsewhere = self.elsewhere() if unmet else {}
        under: list[tuple[str, str]] = []
        nowhere: dict[str | None, list[str]] = {}
        for each in unmet:
            outside = underlinking.supplier(each, elsewhere, self.group.rules)
            expected = self.should_have(each)
            if self.is_unknown(each, outside or expected):
                continue
            if outside is not None:
                under.append((outside, verdict.spelled(each.name, each.version)))
            else:
                nowhere.setdefault(expected, []).append(verdict.spelled(each.name, each.version))
        given = {each.path: each for each in self.group.given}
        for expected, names in nowhere.items():
            exports = len(self.group.sorted_exports(given[expected])) if expected in given else 0
            yield MissingSymbols(self.library.path, tuple(names), None, expected, None, exports)
        yield from underlinking.told(self.library.path, under)

    def unmet(self, providers: Sequence[Symbols]) -> list[link.Missing]:
        """What the closure does not have, but for what is certainly expected of others that were not given."""
        found = []
        for each in link.missing({self.library.path: self.symbols}, providers, self.table, self.group.rules):
            if each.file is not None and self.table(each.file) is None:
                self.expected.setdefault(each.file.decode("utf-8", "surrogateescape"), set()).add(each.name)
            elif each.version is None and each.name.startswith((b"Py", b"_Py")):
                self.expected.setdefault(PYTHON, set()).add(each.name)
            else:
                found.append(each)
        return found

    def table(self, file: bytes) -> Symbols | None:
        found = self.named(file)
        return found.symbols if found is not None else None

    def elsewhere(self) -> dict[str, Symbols]:
        """Libraries that were given, are not in the closure, and no rivals of one that is."""
        inside = {each.name for each in self.closure}
        return {each.path: each.symbols for each in self.group.given if each.name not in inside and each.symbols}

    def is_unknown(self, missing: link.Missing, claimed: str | None) -> bool:
        """Whether a library that nobody could look into may have the symbol. It is then noted as expected there.

        `claimed`: the library that has it, or has others of that prefix.
        """
        if any(each.symbols is None for each in self.closure):
            return True
        suppliers = [name for name in self.absent if may_have(name, missing, claimed is not None)]
        likely = [name for name in suppliers if name not in ALL_VERSIONED or missing.name.startswith(b"_Z")]
        suppliers = likely or suppliers
        for name in suppliers:
            self.expected.setdefault(name, set()).add(missing.name)
        return bool(suppliers)

    def should_have(self, missing: link.Missing) -> str | None:
        """As `verdict.expected`: a guess, for people."""
        if missing.file is not None:
            found = self.named(missing.file)
            return found.path if found is not None else None
        direct = [self.group.lead(each.name, self.library) for each in self.library.binary.needed]
        suppliers = [each for each in direct if each is not None and each in self.group.given]
        given = {each.path: each for each in suppliers}
        return expecting.likeliest(missing.name, list(given), lambda path: self.group.sorted_exports(given[path]))

    def versions(self, aborting: bool) -> Iterator[Finding]:
        """elf/dl-version.c: a version that the file lacks of which it is wanted. `aborting`: it may be glibc."""
        for file, version, weak in self.symbols.needed_versions():
            supplier = self.named(file)
            if supplier is None or supplier.symbols is None:
                continue
            if self.group.rules.lacks(supplier.symbols, version) and not weak:
                wanted, of = (each.decode("utf-8", "backslashreplace") for each in (version, file))
                newest = highest(
                    each for each in supplier.symbols.defined_versions() if family(each) == family(version)
                )
                yield MissingVersion(self.library.path, wanted, of, supplier.path, newest[0] if newest else None)
            elif aborting and not supplier.symbols.versym and self.would_abort(supplier.symbols, file, version):
                said = version.decode("utf-8", "backslashreplace")
                yield UnversionedProvider(self.library.path, supplier.path, (said,))

    def would_abort(self, supplier: Symbols, file: bytes, version: bytes) -> bool:
        wanted = (name for name, of, by, _ in self.symbols.imports() if (of, by) == (version, file))
        return any(next(supplier.named(name, gnu_hash(name)), None) is not None for name in wanted)


def closure(group: Group, library: Library) -> tuple[list[Library], list[str]]:
    """What a library leads to, itself first, breadth first as the loader does; and the names that lead nowhere."""
    found, seen, nowhere = [library], {library.path}, dict[str, None]()
    for each in found:
        for need in each.binary.needed:
            other = group.lead(need.name, each)
            if other is None:
                nowhere[need.name] = None
            elif other.path not in seen:
                seen.add(other.path)
                found.append(other)
    return found, list(nowhere)


def several(given: Sequence[Library]) -> Iterator[CopiesDiffer]:
    """Libraries of one name that are not the same."""
    named: dict[str, list[str]] = {}
    for each in given:
        if each.binary.name is not None:
            named.setdefault(each.binary.name, []).append(each.path)
    return (CopiesDiffer(name, first, tuple(others)) for name, (first, *others) in named.items() if others)


def absent(asked: Iterable[Question]) -> tuple[Absent, ...]:
    """What was expected of libraries that were not given, by their names."""
    wanted_by: dict[str, dict[str, None]] = {}
    versions: dict[str, set[bytes]] = {}
    names: dict[str, set[bytes]] = {}
    for each in asked:
        wanted = [need.name for need in each.library.binary.needed if each.group.lead(need.name, each.library) is None]
        for name in (*wanted, *each.expected):
            wanted_by.setdefault(name, {})[each.library.path] = None
        for name, symbols in each.expected.items():
            names.setdefault(name, set()).update(symbols)
        for file, version, weak in each.symbols.needed_versions():
            if not weak and each.named(file) is None:
                versions.setdefault(file.decode("utf-8", "surrogateescape"), set()).add(version)
    return tuple(
        Absent(name, highest(versions.get(name, ())), tuple(wanted_by[name]), len(names.get(name, ())))
        for name in sorted(wanted_by)
    )


def family(version: bytes) -> bytes:
    """ "GLIBC_" of "GLIBC_2.28"; the whole of a version that does not end in a number."""
    head, line, tail = version.rpartition(b"_")
    return head + line if verdict.digits(tail) else version


def highest(versions: Iterable[bytes]) -> tuple[str, ...]:
    """The highest of each family."""
    best: dict[bytes, bytes] = {}
    for version in sorted(versions, key=lambda each: (verdict.digits(each.rpartition(b"_")[2]), each)):
        best[family(version)] = version
    return tuple(sorted(version.decode("utf-8", "backslashreplace") for version in best.values()))

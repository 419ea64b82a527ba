"""Names: "mir" -> wrapper package `mirlib`, variable `FINDLIBS2_LIB_MIR`, files `libmir.so`, `libmir.so.1`. Pure.

A library is named by what stands between `lib` and `.so` in its file name: "mir", "eckit_geo", "multio-api", "stdc++".
"""

from __future__ import annotations

from os import fsencode

from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .model import Considered, File, Finding, Host, LibrarySettings, Package, Settings

    Version = tuple[tuple[int, str], ...]

GROUP = "findlibs2.names"  # of entry points, by which distributions give names to libraries
OVERRIDE = "FINDLIBS2_LIB_"  # how the variables begin that put another file in the place of a library
MAX_FILE_NAME = 255  # bytes; NAME_MAX of Linux (limits.h)
DIGITS = frozenset("0123456789")  # str.isdigit also knows "²", which no version is written with
SUFFIXES = (".so", ".dylib", ".dll")

# What the published wrappers hold besides lib<name>.so of <name>lib: every lib*.so* below their lib64, read off the
# wheels of counters 33, 32 (odclib) and 27. What auditwheel put into eckitlib.libs is hashed: nobody's wish.
HELD = {
    "atlaslib_ecmwf": "atlas atlas_io pluto pluto_f qhull_r",
    "eccodeslib": "aec eccodes_memfs openjp2 png16",
    "eckitlib": (
        "eckit_codec eckit_distributed eckit_geo eckit_geometry eckit_linalg eckit_maths eckit_mpi eckit_option"
        " eckit_spec eckit_sql eckit_web"
    ),
    "multiolib": (
        "multio-action-aggregate multio-action-average-rate multio-action-debug-sink multio-action-encode"
        " multio-action-encode-mtg2 multio-action-interpolate multio-action-interpolate-mtg2 multio-action-mask"
        " multio-action-metadata-mapping multio-action-null multio-action-print multio-action-renumber-healpix"
        " multio-action-scale multio-action-select multio-action-single-field-sink multio-action-sink"
        " multio-action-statistics multio-action-statistics-mtg2 multio-action-transport multio-api multio-fdb5"
        " multio-grib-to-mtg2 multio-grib2grib multio-mars2mars"
    ),
    "odclib": "odccore odctest odctools",
}

# Where libraries are looked for, in this order, and the variable that switches each off: both as in findlibs 0.1.3.
SOURCES = {
    "package": "FINDLIBS_DISABLE_PACKAGE",
    "python": "FINDLIBS_DISABLE_PYTHON",
    "home": "FINDLIBS_DISABLE_HOME",
    "config": "FINDLIBS_DISABLE_CONFIG_PATHS",
    "library-path": "FINDLIBS_DISABLE_LD_PATH",
    "system": "FINDLIBS_DISABLE_SYS",
    "ld-cache": "FINDLIBS_DISABLE_CTYPES_UTIL",
}

HOME_SUFFIXES = ("HOME", "DIR")  # of the variables of findlibs 0.1.3; what CMake knows goes behind all of them
CMAKE_SUFFIX = "ROOT"  # cmake-variables(7), <PackageName>_ROOT
# What findlibs 0.1.3 does not derive: the variables that people know, by the name that it would derive them from.
KNOWN_AS = {"FDB5": "FDB", "ATLASLIB_ECMWF": "ATLAS"}

# How a library is loaded: what each option can be, the default first.
OPTIONS = {"visibility": ("auto", "global", "private"), "verify": ("symbols", "headers", "off")}

# Names of projects whose library has another name. The library of that very name goes first, should there be one.
ALIASES = {
    "fdb": ("fdb5", "fdb5lib"),
    "odc": ("odccore", "odclib"),  # as pyodc asks for it: find("odccore", pkg_name="odclib")
}


class Wish(Record):
    """One place where a name may be meant to be: this library in that package."""

    library: str  # file name without "lib" and ".so": "multio-api"
    package: str  # import name
    because: str


class Ask(Record):
    """What somebody wants: a library, the package as given, and what else decides where it is looked for."""

    name: str
    pkg_name: str | None
    variables: Mapping[str, str]  # the environment; empty under -E and -I
    host: Host
    settings: Settings | None = None  # None: there is no configuration

    @property
    def setting(self) -> LibrarySettings | None:
        """What the configuration says of this library; None: nothing."""
        return self.settings.of(self.name) if self.settings is not None else None

    @property
    def libraries(self) -> tuple[str, ...]:
        """The library as given, and those that the name may stand for: "fdb" for "fdb5"."""
        return tuple(dict.fromkeys((self.name, *(wish.library for wish in wishes(self.name, self.pkg_name)))))


class Answer(Record):
    """What one source said. `file` None: not here, the last of `considered` says why."""

    considered: tuple[Considered, ...]
    file: File | None = None
    package: Package | None = None
    findings: tuple[Finding, ...] = ()


# ------------------------------------------------------------------------------------------------------------ packages


def wishes(name: str, pkg_name: str | None = None) -> tuple[Wish, ...]:
    """Where to look for a library, best first: in the named package, and only there; else by table, by rule."""
    if pkg_name is not None:
        package = import_name(pkg_name)
        return (Wish(name, package, "asked for"), *aliased(name, package))
    table = (Wish(name, package, "table of irregular names") for package, held in HELD.items() if name in held.split())
    ruled = Wish(name, import_name(f"{name}lib"), "rule: lib<name>.so is in <name>lib")
    return (*table, *((ruled,) if is_package_name(f"{name}lib") else ()), *aliased(name))


def aliased(name: str, package: str | None = None) -> tuple[Wish, ...]:
    """The library that is meant by the name of its project, if *package* (None: any) is where that is."""
    library, home = ALIASES.get(name, ("", None))
    return (Wish(library, home, f"{name} is a name for {library}"),) if home and package in (None, home) else ()


def import_name(spelling: str) -> str:
    """The import name for a distribution's or an import package's: "atlaslib-ecmwf" -> "atlaslib_ecmwf".

    The letters keep their case. A wrapper is a top-level package, so a dot can only be a distribution's, where "-", "_"
    and "." are one (PyPA, Names and normalization).
    """
    return spelling.replace("-", "_").replace(".", "_")


def is_package_name(spelling: str) -> bool:
    """Whether a package can be called that, in either spelling: identifiers, joined by single "-" or "."."""
    # PyPA, Names and normalization: starts and ends with a letter or number; of an import name also "_".
    separated = spelling.replace("-", ".").split(".")
    return all(separated) and import_name(spelling).isidentifier() and fits_a_file_name(spelling)


def variable(name: str) -> str:
    """The environment variable that overrides a library: "multio-api" -> "FINDLIBS2_LIB_MULTIO_API".

    POSIX.1, 8.1: upper-case letters, digits and "_". The libraries "multio-api" and "multio_api" would share one.
    """
    portable = (char if char.isascii() and char.isalnum() else "_" for char in name)
    return OVERRIDE + "".join(portable).upper()


def homes(name: str, pkg_name: str | None) -> tuple[str, ...]:
    """The variables of a library, in order: FDB5LIB_HOME, FDB5LIB_DIR, ..., FDB5_HOME, ..., FDB_HOME, ..., FDB5LIB_ROOT."""
    known = stems(name, pkg_name)
    return (
        *(f"{stem}_{suffix}" for stem in known for suffix in HOME_SUFFIXES),
        *(f"{stem}_{CMAKE_SUFFIX}" for stem in known),
    )


def stems(name: str, pkg_name: str | None) -> tuple[str, ...]:
    """What they begin with: the package with and without its "lib", then the library and its other names."""
    packages = (pkg_name or f"{name}lib", *(wish.package for wish in wishes(name, pkg_name)))
    found: dict[str, None] = {}
    for package in map(import_name, packages):
        for stem in (package, package[: -len("lib")]) if package.endswith("lib") else (package,):
            found.update(dict.fromkeys((stem.upper(), stem.lower())))
    found[variable(name)[len(OVERRIDE) :]] = None
    for stem in tuple(found):
        if stem in KNOWN_AS:
            found[KNOWN_AS[stem]] = None
    return tuple(found)


# ---------------------------------------------------------------------------------------------------- what may be asked


def check(name: object, pkg_name: object = None) -> None:
    """Whether this can be the name of a library, and of a package. Errors: `BadNameError`, its reason says why not."""
    reason = objection(name)
    if reason is not None:
        refuse(name, reason)
    if pkg_name is not None and not (isinstance(pkg_name, str) and is_package_name(pkg_name)):
        refuse(pkg_name, "no package can be called that: a wrapper is named as it is imported or as it is installed")


def refuse(name: object, reason: str) -> None:
    from .errors import BadNameError

    raise BadNameError(name, reason)


def objection(name: object) -> str | None:
    """Why this cannot be the name of a library; None: it can."""
    if not isinstance(name, str):
        return f"the name of a library is a str, not {type(name).__name__}"
    if not name:
        return "the name of a library is not empty"
    stem = bare(name)
    if stem != name and stem:
        return f'that is the name of a file; write "{stem}"'
    if "/" in name or "\\" in name:
        return "the name of a library is no path; a path is given by FINDLIBS2_LIB_<NAME>"
    if any(char < " " or char == "\x7f" for char in name):
        return "the name of a library holds no control character"
    if name[0] in ".-":
        return f'the name of a library does not start with "{name[0]}"'
    return None if fits_a_file_name(f"lib{name}.so") else "no file can have that name: it is too long, or not encodable"


def bare(name: str) -> str:
    """What to write for the name or path of a file: "/opt/lib/libaec.so.0.1.6" -> "aec"; another name as it is."""
    file_name = name.replace("\\", "/").rpartition("/")[2]
    for suffix in SUFFIXES:
        stem, found, version = file_name.partition(suffix)
        if found and (not version or is_version(version)):
            return stem.removeprefix("lib")
    return name


def fits_a_file_name(name: str) -> bool:
    """Whether a file can have the name, by its length and by its characters."""
    try:
        return len(fsencode(name)) <= MAX_FILE_NAME
    except UnicodeEncodeError:  # a lone surrogate, or a character that the file system's encoding does not know
        return False


# ---------------------------------------------------------------------------------------------------------- file names


def spellings(library: str, names: Iterable[str]) -> tuple[str, ...]:
    """Of a directory's names those of the library: lib<name>.so, then lib<name>.so.<version>, newest version first."""
    plain = f"lib{library}.so"
    found = {name: name[len(plain) :] for name in names if name.startswith(plain)}
    versioned = (name for name, version in found.items() if is_version(version))
    newest_first = sorted(versioned, key=lambda name: (age(found[name]), name), reverse=True)
    return ((plain,) if plain in found else ()) + tuple(newest_first)


def respelled(name: str) -> tuple[str, ...]:
    """How a library may be spelled that somebody calls so: "Eckit-Geo" -> "eckit_geo", "eckit-geo"; "libmir" -> "mir"."""
    plain = name.lower().removeprefix("lib")
    forms = (plain, plain.replace("-", "_"), plain.replace("_", "-"), plain.replace(".", "_"))
    return tuple(each for each in dict.fromkeys(forms) if each != name and objection(each) is None)


def is_version(suffix: str) -> bool:
    """Numbers after dots, and what is attached to them: ".8.1-alpha3", ".1.1.1k"; neither ".debug" nor ".1.bak"."""
    first, *numbers = suffix.split(".")
    return not first and bool(numbers) and all(number[:1] in DIGITS for number in numbers)


def age(version: str) -> Version:
    """A key that grows with the version, as ldconfig understands it.

    glibc, elf/dl-cache.c, _dl_cache_libcmp: digits are compared as numbers, all else character by character; a digit is
    more than any other character, and the end is less than anything.
    """
    key: list[tuple[int, str]] = []
    number = ""
    for char in version + "\0":
        if char in DIGITS:
            number += char
            continue
        key += [(int(number), "")] if number else []
        key.append((-1, char))
        number = ""
    return tuple(key[:-1])

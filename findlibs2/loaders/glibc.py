"""What the GNU C library's loader believes: ld.so(8), elf/dl-load.c. Pure: it is told what is there, touches nothing.

Every rule stands under its sentence; tests/oracle/rules/glibc asks the loader itself the same questions.
"""

from __future__ import annotations

from os.path import dirname

from ..model import Candidate, Record
from . import ldcache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model import Binary, CacheEntry, File, Host, Loaded
    from .hwcaps import Processor

    Ask = Callable[[str], tuple[CacheEntry, ...]]
    Holds = Callable[[Candidate, str], bool]

# A list besides the search paths; RUNPATH for the needed ones' needs; an object answers to its file's name, not DT_SONAME.
KEEPS_CACHE, INHERITS_RUNPATH, BY_FILE_NAME = True, False, False
GLIBC_HWCAPS = "glibc-hwcaps"
FIRST_WITH_LEVELS = (2, 33)  # NEWS of 2.33: "subdirectories under the glibc-hwcaps directory"
FIRST_WITHOUT_PROGRAMS = (2, 30)  # NEWS of 2.30, bug 24930
PASSED_OVER = ("absent", "dangling-link", "unreadable", "link-ring")  # open_path: the last one ends its list
FIRST_WITHOUT_LEGACY = (2, 37)  # NEWS of 2.37: 'no longer loads shared objects from the "tls"' ...
# First parts of legacy subdirectories on any processor of a machine; "tls" and the platform everywhere.
LEGACY = {"x86_64": ("tls", "xeon_phi", "haswell", "avx512_1", "x86_64"), "aarch64": ("tls", "atomics", "aarch64")}


NAMES = ("ORIGIN", "PLATFORM", "LIB")  # the order in which elf/dl-load.c, _dl_dst_substitute, tries them
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


class Place(Candidate):
    """A candidate, with what it comes from."""

    written: str = ""  # the element of the path list as it stands there: "$ORIGIN/../lib64"
    below: str = ""  # subdirectory for this processor: "glibc-hwcaps/x86-64-v3"; "": the directory itself


def satisfies(opened: Loaded, wanted: str) -> bool:
    """Would an object in the process be taken for `wanted`? elf/dl-load.c, _dl_lookup_map.

    "If the requested name matches the soname of a loaded object, use that object", or any name by which it was found
    (_dl_name_match_p); the names are compared byte for byte, paths are not normalised. Of the names by which it was
    found only the path is known here; the others lead to the same file, which is recognised by device and inode.
    """
    return bool(wanted) and wanted in (opened.path, opened.name)


can_stand_for = satisfies  # can an object of the process be made to be taken for a name? It is, or it is not


def names(binary: Binary) -> tuple[str, ...]:
    """By which names others may ask for a file: once it was opened by its path, it answers to its DT_SONAME."""
    return () if binary.name is None else (binary.name,)


def key(binary: Binary) -> str:
    """The name under which an object that was opened by path answers: its DT_SONAME; without one only that path."""
    return binary.path if binary.name is None else binary.name


def outcome(file: File, host: Host) -> str:
    """What the loader does with a file it finds on its search: "taken", "skipped" (it goes on), or "fatal".

    elf/dl-load.c, open_verify: "ignore only ELF files for other architectures. Non-ELF files and ELF files with
    different header information cause fatal errors since this could mean there is something wrong in the installation
    and the user might want to know about this."
    """
    if file.binary is None:
        return "skipped" if file.problem is not None and file.problem.code in PASSED_OVER else "fatal"
    # Of another byte order upstream's source says that the search ends ("ELF file data encoding not little-endian");
    # Debian's 2.36 goes on.
    if (file.binary.machine, file.binary.bits, file.binary.byteorder) != (host.machine, host.bits, host.byteorder):
        return "skipped"
    # "only ET_DYN and ET_EXEC can be loaded"; of these _dl_map_object_from_fd refuses programs, "cannot dynamically
    # load executable", and since 2.30 also those that look like libraries, "cannot dynamically load
    # position-independent executable".
    program = "PIE" in file.binary.flags and host.libc_version >= FIRST_WITHOUT_PROGRAMS
    return "taken" if file.binary.kind == "shared" and not program else "fatal"


def search(
    wanted: str,
    by: Binary,
    ancestry: Sequence[Binary],
    host: Host,
    cached: Ask,
    default_directories: Callable[[], tuple[str, ...]],
    processor: Callable[[], Processor] | None = None,
    holds: Holds | None = None,
) -> Iterator[Place]:
    """Where the loader would look for `wanted`, in order, if `by` needs it (_dl_map_new_object).

    `ancestry`: who made the loader open `by`, nearest first; () for what was opened by path. The last four are asked
    only when the search comes there: what ld.so.cache has for a name, the directories built into the loader, the
    processor (None: as `host` says), and whether a candidate's directory holds an entry (None: what is not known is
    not yielded, so no subdirectories for processors). Paths may be relative: to the current directory, as for the
    loader.
    """
    seeker = Seeker(host, default_directories, processor or told(host), holds or holds_nothing)
    if "/" in wanted:
        # ld.so(8): "If the string contains a slash [...] then the dependency string is interpreted as a pathname".
        path = expand(wanted, seeker.tokens(by))
        if path:
            yield Place(path, dirname(path), "path", by.path, wanted)
        return
    if by.runpath is None:
        yield from seeker.rpaths(wanted, by, ancestry)
    yield from seeker.library_path(wanted)
    # ld.so(8), (3): "Using the directories specified in the DT_RUNPATH dynamic section attribute of the binary if
    # present. Such directories are searched only to find those objects required by DT_NEEDED entries and do not apply
    # to those objects' children".
    if by.runpath is not None:
        yield from seeker.of_list(wanted, "RUNPATH", by.path, by.runpath, seeker.tokens(by))
    yield from seeker.cache(wanted, by, cached)
    # ld.so(8), (5): "In the default path /lib, and then /usr/lib. (On some 64-bit architectures, the default paths for
    # 64-bit shared objects are /lib64, and then /usr/lib64.) If the binary was linked with the -z nodeflib linker
    # option, this step is skipped."
    if "NODEFLIB" not in by.flags:
        for directory in default_directories():
            yield from seeker.of_directory(wanted, "default directory", "", directory, directory)


class Seeker:
    """One search's surroundings."""

    def __init__(
        self, host: Host, system: Callable[[], tuple[str, ...]], processor: Callable[[], Processor], holds: Holds
    ) -> None:
        self.host, self.system, self.processor, self.holds = host, system, processor, holds

    def tokens(self, of: Binary) -> Tokens:
        program = of == self.host.executable
        return Tokens(origin(of), lambda: self.processor().platform, self.system, self.host.secure, program)

    def rpaths(self, wanted: str, by: Binary, ancestry: Sequence[Binary]) -> Iterator[Place]:
        # ld.so(8), (1): "Using the directories specified in the DT_RPATH dynamic section attribute of the binary if
        # present and DT_RUNPATH attribute does not exist." elf/dl-load.c: "First try the DT_RPATH of the dependent
        # object that caused NAME to be loaded. Then that object's dependent, and on up."
        for binary in (by, *ancestry):
            if binary != self.host.executable:
                yield from self.rpath(wanted, "RPATH", binary)
        # "If dynamically linked, try the DT_RPATH of the executable itself."
        if self.host.executable is not None:
            yield from self.rpath(wanted, "RPATH of the executable", self.host.executable)

    def rpath(self, wanted: str, rule: str, binary: Binary) -> Iterator[Place]:
        # elf/get-dynamic-info.h: "If both RUNPATH and RPATH are given, the latter is ignored." Whether the walk upwards
        # ends at such an object is not said. It does not.
        if binary.runpath is None and binary.rpath is not None:
            yield from self.of_list(wanted, rule, binary.path, binary.rpath, self.tokens(binary))

    def library_path(self, wanted: str) -> Iterator[Place]:
        # ld.so(8), (2): "Using the environment variable LD_LIBRARY_PATH, unless the executable is being run in
        # secure-execution mode"; "The items in the list are separated by either colons or semicolons, and there is no
        # support for escaping either separator. A zero-length directory name indicates the current working directory."
        path_list, program = self.host.library_path, self.host.executable
        if path_list and not self.host.secure:
            empty = Tokens(None, lambda: self.processor().platform, self.system)
            tokens = empty if program is None else self.tokens(program)
            yield from self.of_list(wanted, "LD_LIBRARY_PATH", "", path_list, tokens, ":;")

    def of_list(
        self, wanted: str, rule: str, by: str, path_list: str, tokens: Tokens, separators: str = ":"
    ) -> Iterator[Place]:
        if not path_list:  # elf/dl-load.c, decompose_rpath: "Ignore empty rpaths."
            return
        for written, directory in listed(path_list, tokens, separators):
            yield from self.of_directory(wanted, rule, by, written, directory)

    def of_directory(self, wanted: str, rule: str, by: str, written: str, directory: str) -> Iterator[Place]:
        """The subdirectories for this processor, then the directory: open_path."""
        plain = Place(joined(directory, wanted), directory, rule, by, written)
        for below in self.subdirectories(plain):
            yield plain.replace(path=joined(joined(directory, below), wanted), below=below)
        yield plain

    def subdirectories(self, plain: Place) -> Iterator[str]:
        version = self.host.libc_version
        if version >= FIRST_WITH_LEVELS and self.holds(plain, GLIBC_HWCAPS):
            yield from (f"{GLIBC_HWCAPS}/{level}" for level in self.processor().levels)
        if version < FIRST_WITHOUT_LEGACY:
            firsts = LEGACY.get(self.host.machine) or ("tls", self.processor().platform)
            held = [first for first in firsts if first and self.holds(plain, first)]
            if held:
                yield from (below for below in self.processor().legacy if below.partition("/")[0] in held)

    def cache(self, wanted: str, by: Binary, cached: Ask) -> Iterator[Place]:
        # ld.so(8), (4): "From the cache file /etc/ld.so.cache, which contains a compiled list of candidate shared
        # objects previously found in the augmented library path. If, however, the binary was linked with the -z
        # nodeflib linker option, shared objects in the default paths are skipped."
        entry = self.best(cached(wanted))
        if entry is None:
            return
        if "NODEFLIB" in by.flags and any(entry.path.startswith(place + "/") for place in self.system()):
            return
        yield Place(entry.path, dirname(entry.path), "ld.so.cache", "", entry.hwcap or "")

    def best(self, entries: Sequence[CacheEntry]) -> CacheEntry | None:
        """The one entry that the loader takes out of its cache (elf/dl-cache.c, search_cache); it tries no other."""
        named = [entry for entry in entries if ldcache.is_named(entry)]
        levels = self.processor().levels if named else ()
        usable = [entry for entry in named if entry.hwcap in levels]
        if usable:
            return min(usable, key=lambda entry: levels.index(entry.hwcap or ""))
        return next((entry for entry in entries if entry not in named and self.is_plain(entry)), None)

    def is_plain(self, entry: CacheEntry) -> bool:
        """Whether an entry outside glibc-hwcaps is for this processor. 2.37: "Skip entries with the legacy
        hwcap/platform mechanism".
        """
        if entry.hwcap is None:
            return True
        if self.host.libc_version >= FIRST_WITHOUT_LEGACY:
            return False
        from . import hwcaps

        return hwcaps.allows(self.processor(), int(entry.hwcap, 16))


def origin(binary: Binary) -> str:
    """What $ORIGIN stands for: the directory of the path by which it was opened, links not resolved.

    elf/dl-object.c, _dl_new_object. Of a relative path the loader makes an absolute one, with the directory that was
    current then; here it stays relative.
    """
    return dirname(binary.path) or "."


def joined(directory: str, name: str) -> str:
    """As the loader joins them: in "" it opens the bare name, in "/" just one slash."""
    return directory + name if not directory or directory.endswith("/") else f"{directory}/{name}"


def told(host: Host) -> Callable[[], Processor]:
    """The processor as far as the host's record has it."""
    from . import hwcaps

    return lambda: hwcaps.Processor(host.platform, host.hwcaps)


def holds_nothing(_place: Candidate, _entry: str) -> bool:
    return False


# ------------------------------------------------------------------- dynamic string tokens and path lists, ld.so(8)


class Tokens(Record):
    """What the tokens stand for. The last two are asked for only where a path has them."""

    origin: str | None  # directory of the object; None: unknown, and a path with $ORIGIN is dropped
    platform: Callable[[], str | None]
    system: Callable[[], tuple[str, ...]]  # the loader's default directories
    secure: bool = False  # AT_SECURE
    program: bool = False  # the path stands in the program itself


def listed(path_list: str, tokens: Tokens, separators: str = ":") -> Iterator[tuple[str, str]]:
    """Each directory of a path list as written and as searched, in order, each once.

    elf/dl-load.c, fillin_rpath: tokens are expanded for each element; one that cannot be is left out, one that is empty
    as written is the current directory; "Remove trailing slashes (except for '/')"; "See if this directory is already
    known", then it is not searched twice.
    """
    seen = set()
    for other in separators[1:]:
        path_list = path_list.replace(other, separators[0])
    for written in path_list.split(separators[0]):
        expanded = expand(written, tokens)
        if written and not expanded:
            continue
        directory = expanded.rstrip("/") or expanded[:1]
        if directory not in seen:
            seen.add(directory)
            yield written, directory


def expand(text: str, tokens: Tokens) -> str:
    """The text with its tokens replaced; "" where one of them stands for nothing, or is not trusted.

    "$ORIGIN", "${ORIGIN}"; a name that goes on ("$ORIGINAL") is no token, and any other "$" is a dollar sign.
    """
    if "$" not in text:
        return text
    before, *pieces = text.split("$")
    found = before
    for piece in pieces:
        name, rest = token(piece)
        if name is None:
            found += "$" + piece
            continue
        # "$ORIGIN appears as the first path element, and is the only string in the path or is immediately followed by
        # a path separator".
        if name == "ORIGIN" and tokens.secure and (found or rest[:1] not in ("", "/")):
            return ""
        value = meaning(name, tokens)
        if value is None:
            return ""
        found += value + rest
    if tokens.secure and tokens.program and "ORIGIN" in text and not is_trusted(found, tokens.system()):
        return ""
    return found


def token(piece: str) -> tuple[str | None, str]:
    """The token that follows a dollar sign, and what is behind it: elf/dl-load.c, is_dst."""
    for name in NAMES:
        if piece.startswith("{" + name + "}"):
            # Since the check for a longer name comes after the brace, a letter may follow the closing brace.
            return name, piece[len(name) + 2 :]
        if piece.startswith(name) and piece[len(name) : len(name) + 1] not in LETTERS:
            return name, piece[len(name) :]
    return None, piece


def meaning(name: str, tokens: Tokens) -> str | None:
    if name == "ORIGIN":
        return tokens.origin
    return tokens.platform() if name == "PLATFORM" else library_directory(tokens.system())


def library_directory(system: tuple[str, ...]) -> str | None:
    """What $LIB stands for: the last part of the directory where the C library was configured to be (elf/Makefile).

    With multiarch directories (Debian) it has two parts. That directory is the first one that the loader searches:
    "/lib64" -> "lib64", "/lib/x86_64-linux-gnu" -> "lib/x86_64-linux-gnu", "/opt/glibc/lib" -> "lib".
    """
    if not system:
        return None
    parts = system[0].removeprefix("/usr").strip("/").split("/")
    return "/".join(parts) if parts[0].startswith("lib") else parts[-1]


def is_trusted(path: str, system: tuple[str, ...]) -> bool:
    """elf/dl-load.c, is_trusted_path_normalize: below a default directory, "." and ".." resolved as text."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    normal = "/" + "".join(part + "/" for part in parts)
    return any(normal.startswith(directory.rstrip("/") + "/") for directory in system)

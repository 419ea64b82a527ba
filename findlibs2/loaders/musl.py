"""What musl's loader believes: ldso/dynlink.c. Pure: it is told what is there, touches nothing.

The line references are those of musl 1.2.3; all that stands here is the same from 1.1.24 to 1.2.5. DT_SONAME means nothing
to this loader, nor do versions, subdirectories for processors, DF_1_NODEFLIB or a cache. The loader itself is asked the
same questions in tests/oracle (test_rules_musl.py, test_worlds_musl.py).
"""

from __future__ import annotations

from os.path import basename, dirname

from ..model import Candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model import Binary, File, Host, Loaded

# A list besides the search paths; RUNPATH for the needed ones' needs; an object answers to its file's name, not DT_SONAME.
KEEPS_CACHE, INHERITS_RUNPATH, BY_FILE_NAME = False, True, True
NAME_MAX = 255  # bytes; limits.h
# load_library, "Catch and block attempts to reload the implementation itself": each with "lib" before and a dot behind.
RESERVED = ("c", "pthread", "rt", "m", "dl", "util", "xnet")
# path_open: ENOENT, ENOTDIR, EACCES and ENAMETOOLONG do not end the search, any other error does.
PASSED_OVER = frozenset({"absent", "dangling-link", "unreadable"})


def is_reserved(wanted: str) -> bool:
    """Whether the loader itself is meant: it is the C library, under whatever name ("libc.so.6", "libm.musl-x86_64.so.1").

    load_library: names that begin with "libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil." or "libxnet.".
    """
    return wanted.startswith(tuple(f"lib{name}." for name in RESERVED))


def is_loader(path: str) -> bool:
    """Whether an object of the process is the loader, by its path: the program's PT_INTERP, or as it was started."""
    name = basename(path)
    return name == "libc.so" or name.startswith("ld-musl-")


def satisfies(opened: Loaded, wanted: str) -> bool:
    """Would an object in the process be taken for `wanted`? load_library.

    "Search for the name to see if it's already loaded": by file name, and only of what a search has found ("Add a
    shortname only if name arg was not an explicit pathname"). Whether one has is not to be seen from outside; what was
    opened by path gets its name as soon as a search finds the same file, which the object does that findlibs2 opens.
    """
    if is_reserved(wanted):
        return is_loader(opened.path)
    return bool(wanted) and wanted == (opened.path if "/" in wanted else basename(opened.path))


def can_stand_for(opened: Loaded, wanted: str) -> bool:
    """Whether an object in the process can be made to be taken for `wanted`: by a link of that name, which leads to it."""
    return satisfies(opened, wanted) or (opened.name == wanted and opened.path.startswith("/"))


def names(binary: Binary) -> tuple[str, ...]:
    """By which names others may ask for a file: that of the file; and by a link, the DT_SONAME, which linkers write."""
    return (basename(binary.path),) if binary.name is None else (basename(binary.path), binary.name)


def key(binary: Binary) -> str:
    """The name under which an object answers: the name of its file."""
    return basename(binary.path)


def outcome(file: File, host: Host) -> str:
    """What the loader does with a file it finds on its search: "taken", "skipped" (it goes on), or "fatal".

    The first file that can be opened ends the search, whatever it is (path_open). Of a file that is no library it says
    "Exec format error" (map_library). It compares neither machine nor word size: a file for another processor it maps,
    and dies of it, or refuses it by chance. Programs it opens like libraries.
    """
    if file.binary is None:
        return "skipped" if file.problem is not None and file.problem.code in PASSED_OVER else "fatal"
    if (file.binary.machine, file.binary.bits, file.binary.byteorder) != (host.machine, host.bits, host.byteorder):
        return "fatal"
    return "taken" if file.binary.kind in ("shared", "executable") else "fatal"


def search(
    wanted: str,
    by: Binary,
    ancestry: Sequence[Binary],
    host: Host,
    _cached: object,
    default_directories: Callable[[], tuple[str, ...]],
    _processor: object = None,
    _holds: object = None,
) -> Iterator[Candidate]:
    """Where the loader would look for `wanted`, in order, if `by` needs it (load_library).

    `ancestry`: who made the loader open `by`, nearest first, the program left out: that is always the last one.
    """
    program = host.executable
    rest = [binary for binary in (by, *ancestry) if binary != program]
    return places(wanted, (*rest, program) if program is not None else rest, host, default_directories)


def places(
    wanted: str, chain: Sequence[Binary], host: Host, default_directories: Callable[[], tuple[str, ...]]
) -> Iterator[Candidate]:
    """The same, for a chain as the loader has it: who needs the name, who needed that one, and so on."""
    if is_reserved(wanted):
        path = host.executable.interpreter if host.executable is not None else None
        yield Candidate(path or "", dirname(path or ""), "the loader itself", "")
        return
    if "/" in wanted:  # "if (strchr(name, '/'))": opened as it is, nothing in it is expanded
        yield Candidate(wanted, dirname(wanted), "path", chain[0].path if chain else "")
        return
    if not wanted or len(wanted.encode("utf-8", "surrogateescape")) > NAME_MAX:
        return
    # "if (env_path) fd = path_open(name, env_path, ...)": before everything else. __dls3: "Only trust user/env if
    # kernel says we're not suid/sgid".
    if host.library_path and not host.secure:
        yield from of_list(wanted, "LD_LIBRARY_PATH", "", listed(host.library_path))
    # "for (p=needed_by; fd == -1 && p; p=p->needed_by)": every ancestor's, DT_RUNPATH as well as DT_RPATH.
    for binary in chain:
        is_program = binary == host.executable
        tag = "RPATH" if binary.runpath is None else "RUNPATH"
        rule = "RPATH of the executable" if is_program else tag
        yield from of_list(wanted, rule, binary.path, search_path(binary, is_program, host.secure))
    # "if (!sys_path) sys_path = "/lib:/usr/local/lib:/usr/lib"", or what the file beside the loader says.
    yield from of_list(wanted, "default directory", "", default_directories())


def of_list(wanted: str, rule: str, by: str, directories: Sequence[str]) -> Iterator[Candidate]:
    return (Candidate(f"{directory}/{wanted}", directory, rule, by) for directory in directories)


def listed(path_list: str) -> list[str]:
    """The directories of a path list, in order.

    path_open: `strspn(s, ":\\n")`: both separate, and an empty element is none. What stands there twice is searched twice.
    """
    return [each for each in path_list.replace("\n", ":").split(":") if each]


def search_path(binary: Binary, is_program: bool, secure: bool) -> list[str]:
    """The directories that an object brings, in order: fixup_rpath.

    decode_dyn: of DT_RPATH and DT_RUNPATH the latter counts. Only "$ORIGIN" and "${ORIGIN}" are known; with any other
    dollar sign the whole list is void. What follows the name is not looked at: "$ORIGINAL" is "$ORIGIN" and "AL". A colon
    in the directory separates, too.
    """
    path_list = binary.rpath if binary.runpath is None else binary.runpath
    if path_list is None or "$" not in path_list:
        return listed(path_list or "")
    if any(not piece.startswith(("ORIGIN", "{ORIGIN}")) for piece in path_list.split("$")[1:]):
        return []
    # "$ORIGIN searches cannot be performed for the main program when it is suid/sgid/AT_SECURE", and: "Disallow
    # non-absolute origins for suid/sgid/AT_SECURE".
    place = origin(binary)
    if secure and (is_program or not place.startswith("/")):
        return []
    return listed(path_list.replace("$ORIGIN", "${ORIGIN}").replace("${ORIGIN}", place))


def origin(binary: Binary) -> str:
    """What $ORIGIN stands for: the directory of the path by which it was opened, links not resolved.

    Of the program it is that of /proc/self/exe. "" for what lies in the root directory.
    """
    directory, slash, _ = binary.path.rpartition("/")
    return directory if slash else "."

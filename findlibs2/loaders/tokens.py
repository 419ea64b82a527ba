"""Dynamic string tokens and path lists, as glibc reads them: ld.so(8), "Dynamic string tokens". Pure."""

from __future__ import annotations

from ..model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = ("ORIGIN", "PLATFORM", "LIB")  # the order in which elf/dl-load.c, _dl_dst_substitute, tries them
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


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

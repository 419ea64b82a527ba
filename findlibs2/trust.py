"""Who else could put a library into a directory. Effect: lstat(2) and readlink(2), nothing is opened.

What is looked at is what a person looks at: owners and the permission bits for others, of the directory and of every
directory and link on the way to it. That a group may write is not held against a directory (groups of one user make it
common), and access control lists are not read.
"""

from __future__ import annotations

import os
import stat
from errno import ENOENT

from . import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Seen = dict[str, "os.stat_result | int"]
    Owners = Callable[[], frozenset[int]]

MAX_LINKS = 40  # path_resolution(7)
OVERFLOW = 65534  # uid that stands for every owner a user namespace cannot name; user_namespaces(7)


def reason(
    directory: str, owners: Owners = lambda: frozenset(), chosen: bool = False, seen: Seen | None = None
) -> str | None:
    """Why the directory is not to be searched, as a short phrase; None: nobody else could fill it.

    `owners` tells user ids that are trusted besides root and the effective user: the owner of the file that names the
    directory could as well have put the code into that file. It is asked only where somebody else has a hand in it.
    `chosen`: a person chose the directory (LD_LIBRARY_PATH), so it may belong to anybody. `seen` keeps what was learnt
    for the next question; it must not outlive one plan.
    A directory that does not exist and that nobody else could create is harmless: None.
    """
    return judge(directory, owners, chosen, {} if seen is None else seen)[0]


def judge(directory: str, owners: Owners, chosen: bool, seen: Seen, foreign: bool = False) -> tuple[str | None, bool]:
    """The same, and whether the directory is there at all: below one that is not, nobody needs to look.

    `foreign`: a file that was built elsewhere names it. Where everybody may create directories, one that happens to have
    that name is not the one that was meant, whoever made it.
    """
    if not directory.startswith("/"):
        return "relative to the current directory", True
    walk = Walk(directory, None if chosen else owners, seen, foreign)
    return walk.reason(), not walk.absent


def of_file(path: str) -> str | None:
    """Why the content of a file is not to be trusted, its directory being fine; None: only its owner could write it."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None
    return f"anyone can write to {path}" if mode & stat.S_IWOTH else None


def owners(path: str) -> frozenset[int]:
    """The owner of a file, who may as well be trusted with the directories that it names."""
    try:
        return frozenset({os.stat(path).st_uid})
    except (OSError, ValueError):
        return frozenset()


class Walk:
    """The way from the root to a directory, through every link, as path_resolution(7) has it."""

    def __init__(self, directory: str, owners: Owners | None, seen: Seen, foreign: bool = False) -> None:
        self.owners = owners  # whom to trust besides root and the effective user; None: everybody
        self.seen = seen
        self.foreign = foreign  # nothing below what is open to all is trusted
        self.shared: str | None = None  # what is open to all, and was passed
        self.names = directory.split("/")[::-1]  # still to come, the next one last
        self.links = 0
        self.here = ""  # real path of the directory that was reached; "" is the root
        self.exposed = False  # others may create in it
        self.absent = False  # the way ends before the goal

    def reason(self) -> str | None:
        found = self.of_directory("/", self.look("/"))
        while self.names and found is None:
            name = self.names.pop()
            if name == "..":
                self.leave()
            elif name not in ("", "."):
                path = f"{self.here}/{name}"
                status = self.look(path)
                if isinstance(status, int):
                    return self.of_absence(status)
                found = self.of_entry(path, status)
        return found or self.of_goal()

    def leave(self) -> None:
        """To the parent, which is judged already, whether it was passed on the way or by a link from the root."""
        self.here = self.here.rpartition("/")[0]
        self.exposed = self.is_open(self.look(self.here or "/"))

    def look(self, path: str) -> os.stat_result | int:
        """What lstat says of it; an errno where it says nothing."""
        if path not in self.seen:
            try:
                self.seen[path] = os.lstat(path)
            except OSError as error:
                self.seen[path] = error.errno or ENOENT
            except ValueError:  # embedded NUL: no such path, for no loader
                self.seen[path] = ENOENT
        return self.seen[path]

    def of_entry(self, path: str, status: os.stat_result) -> str | None:
        if stat.S_ISDIR(status.st_mode):
            self.here = path
            return self.of_directory(path, status)
        # In a directory with the sticky bit, and only there, the owner of an entry may replace it. chmod(1)
        if self.exposed and self.is_stranger(status.st_uid):
            return f"passes {path}, which belongs to user {status.st_uid}"
        if stat.S_ISLNK(status.st_mode):
            return self.follow(path)
        self.names.clear()  # a file stands where a directory should: nobody searches it
        self.exposed, self.absent = False, True
        return None

    def follow(self, path: str) -> str | None:
        self.links += 1
        try:
            target = os.readlink(path)
        except OSError:  # replaced this very moment
            return f"passes {path}, which changes"
        if self.links > MAX_LINKS:
            return "passes too many symbolic links"
        if target.startswith("/"):
            self.here = ""
            self.exposed = self.is_open(self.look("/"))
        self.names += target.split("/")[::-1]
        return None

    def of_directory(self, path: str, status: os.stat_result | int) -> str | None:
        if isinstance(status, int):
            return None
        self.exposed = self.is_open(status)
        if self.is_stranger(status.st_uid):
            return f"{self.where(path)}belongs to user {status.st_uid}"
        # The sticky bit keeps others from replacing what is in it. What is missing there they may still create. Where the
        # root itself is open to all (some containers), all that runs there is, and no directory is worse than another.
        if self.exposed and path != "/":
            if not status.st_mode & stat.S_ISVTX:
                return f"anyone can write to {path}"
            self.shared = path
        return None

    def of_goal(self) -> str | None:
        """The directory itself is reached: nobody may add to it, sticky or not."""
        if self.exposed:
            return f"anyone can write to {self.here or '/'}"
        return f"lies below {self.shared}, where anyone can write" if self.foreign and self.shared else None

    def of_absence(self, error: int) -> str | None:
        self.absent = True
        if self.exposed and error == ENOENT:
            return f"does not exist, and anyone can create it below {self.here or '/'}"
        return None

    def where(self, path: str) -> str:
        """How the reason begins: the directory itself, or one on the way to it."""
        return f"lies below {path}, which " if any(self.names) else ""

    def is_open(self, status: os.stat_result | int) -> bool:
        return not isinstance(status, int) and bool(status.st_mode & stat.S_IWOTH)

    def is_stranger(self, user: int) -> bool:
        if self.owners is None or user in (0, os.geteuid()) or user in self.owners():
            return False
        return not (user == OVERFLOW and in_small_namespace())


def in_small_namespace() -> bool:
    """Whether this user namespace cannot name all users, so that the owner of most system directories is unknown.

    So it is in unprivileged containers (Apptainer, Bubblewrap). What cannot be known is not held against a directory:
    there, /usr itself belongs to the overflow user. user_namespaces(7), /proc/pid/uid_map
    """
    lines = process.content("/proc/self/uid_map").split(b"\n")
    ranges = [line.split() for line in lines if line]
    return bool(ranges) and sum(int(length) for _inside, _outside, length in ranges) < 1 << 31

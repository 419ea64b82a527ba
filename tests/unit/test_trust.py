"""A search path is as safe as the directories on it (design, section 8: trust of a search path)."""

from __future__ import annotations

import os
from errno import ENOENT
from pathlib import Path

import pytest

from findlibs2 import process, trust
from tests import need

STRANGER, FRIEND = 4711, 4712

pytestmark = [need.linux(), need.root()]


@pytest.fixture
def safe(tmp_path: Path) -> Path:
    """A directory that only the superuser can fill, all the way up."""
    assert trust.reason(str(tmp_path)) is None, "the directory for temporary files must be safe itself"
    return tmp_path


def directory(path: Path, mode: int = 0o755, owner: int = 0) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    os.chown(path, owner, -1)
    return path


def reason(path: Path, *owners: int, chosen: bool = False) -> str | None:
    return trust.reason(str(path), lambda: frozenset(owners), chosen)


class TestDirectory:
    def test_that_only_the_superuser_can_write_is_safe(self, safe: Path) -> None:
        assert reason(directory(safe / "lib")) is None

    def test_that_its_group_can_write_is_safe(self, safe: Path) -> None:
        assert reason(directory(safe / "lib", 0o775)) is None

    @pytest.mark.parametrize("mode", [0o777, 0o1777, 0o757, 0o733])
    def test_that_anyone_can_write_is_not(self, safe: Path, mode: int) -> None:
        """The sticky bit does not help: files can be added."""
        assert reason(directory(safe / "lib", mode)) == f"anyone can write to {safe}/lib"

    def test_of_another_user_is_not(self, safe: Path) -> None:
        assert reason(directory(safe / "lib", owner=STRANGER)) == f"belongs to user {STRANGER}"

    def test_of_the_owner_of_the_file_that_names_it_is_safe(self, safe: Path) -> None:
        assert reason(directory(safe / "lib", owner=FRIEND), FRIEND) is None

    def test_that_is_a_file_is_harmless(self, safe: Path) -> None:
        (safe / "lib").touch()
        assert reason(safe / "lib" / "sub") is None

    @pytest.mark.parametrize("written", ["", ".", "lib64", "../lib", "./lib"])
    def test_that_is_relative_is_not_safe_wherever_one_is(
        self, safe: Path, written: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(safe)
        assert trust.reason(written) == trust.reason(written, chosen=True) == "relative to the current directory"

    @pytest.mark.parametrize("spelling", ["{}/lib/", "{}//lib", "{}/./lib/.", "{}/lib/../lib", "{}/lib/sub/.."])
    def test_is_the_same_however_it_is_spelled(self, safe: Path, spelling: str) -> None:
        directory(safe / "lib/sub")
        directory(safe / "lib", owner=STRANGER)
        assert trust.reason(spelling.format(safe)) in (
            f"belongs to user {STRANGER}",
            f"lies below {safe}/lib, which belongs to user {STRANGER}",
        )


class TestAncestors:
    def test_a_directory_in_which_anyone_can_replace_it(self, safe: Path) -> None:
        directory(safe / "open/lib")
        directory(safe / "open", 0o777)
        assert reason(safe / "open/lib") == f"anyone can write to {safe}/open"

    def test_a_sticky_one_keeps_what_is_ones_own(self, safe: Path) -> None:
        """chmod(1): "prevents unprivileged users from removing or renaming a file unless they own the file" """
        directory(safe / "tmp/lib")
        directory(safe / "tmp", 0o1777)
        assert reason(safe / "tmp/lib") is None

    def test_one_of_another_user(self, safe: Path) -> None:
        directory(safe / "home/lib")
        directory(safe / "home", owner=STRANGER)
        assert reason(safe / "home/lib") == f"lies below {safe}/home, which belongs to user {STRANGER}"


class TestAbsence:
    def test_of_what_nobody_else_can_create_is_harmless(self, safe: Path) -> None:
        assert reason(safe / "cxx-deps/lib64") is None

    @pytest.mark.parametrize("mode", [0o1777, 0o777])
    def test_of_what_anyone_can_create_is_not(self, safe: Path, mode: int) -> None:
        where = directory(safe / "tmp", mode)
        below = f"does not exist, and anyone can create it below {where}"
        assert reason(where / "qhull/target/lib64") == (below if mode == 0o1777 else f"anyone can write to {where}")

    def test_below_a_directory_of_ones_own_in_a_sticky_one_is_harmless(self, safe: Path) -> None:
        directory(safe / "tmp/own")
        directory(safe / "tmp", 0o1777)
        assert reason(safe / "tmp/own/lib64") is None

    def test_behind_a_dangling_link_is_absence_where_it_leads(self, safe: Path) -> None:
        directory(safe / "tmp", 0o1777)
        (safe / "lib").symlink_to("tmp/gone")
        assert reason(safe / "lib") == f"does not exist, and anyone can create it below {safe}/tmp"

    @pytest.mark.parametrize("written", ["/a\0b", "/" + "x" * 5000])
    def test_of_what_can_never_be_is_harmless(self, written: str) -> None:
        assert trust.reason(written) is None


def test_a_root_that_is_open_to_all_is_held_against_no_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in containers that were copied together; there anyone could replace /usr, and Python with it."""
    looked = {name: os.lstat("/") for name in ("/", "/usr")}
    opened = os.stat_result((0o40777, *looked["/"][1:]))
    assert trust.reason("/usr", seen={"/": opened, "/usr": looked["/usr"]}) is None
    assert (
        trust.reason("/gone", seen={"/": opened, "/gone": ENOENT}) == "does not exist, and anyone can create it below /"
    )


class TestPresence:
    """What is not there need not be searched, however safe it is."""

    def test_goes_with_the_judgement(self, safe: Path) -> None:
        (safe / "file").touch()
        paths = [str(directory(safe / "lib")), f"{safe}/gone", f"{safe}/gone/below", f"{safe}/file/below"]
        there = [trust.judge(path, lambda: frozenset(), False, {}) for path in paths]
        assert there == [(None, True), (None, False), (None, False), (None, False)]


class TestLinks:
    """Both hold: the directories on the way to the link, and those on the way to where it leads."""

    def test_a_safe_link_to_a_safe_directory(self, safe: Path) -> None:
        directory(safe / "real")
        (safe / "link").symlink_to("real")
        assert reason(safe / "link") is None

    @pytest.mark.parametrize("target", ["{}/open", "open", "./x/../open"])
    def test_a_safe_link_to_an_open_directory(self, safe: Path, target: str) -> None:
        directory(safe / "open", 0o777)
        directory(safe / "x")
        (safe / "link").symlink_to(target.format(safe))
        assert reason(safe / "link") == f"anyone can write to {safe}/open"

    def test_a_link_in_an_open_directory(self, safe: Path) -> None:
        directory(safe / "real")
        directory(safe / "open")
        (safe / "open/link").symlink_to("../real")
        directory(safe / "open", 0o777)
        assert reason(safe / "open/link") == f"anyone can write to {safe}/open"

    def test_a_link_of_another_user_in_a_sticky_directory(self, safe: Path) -> None:
        """Its owner can replace it. Elsewhere the owner of a link has no power over it."""
        directory(safe / "real")
        for name, mode in (("tmp", 0o1777), ("opt", 0o755)):
            directory(safe / name)
            (safe / name / "link").symlink_to("../real")
            os.lchown(safe / name / "link", STRANGER, -1)
            directory(safe / name, mode)
        passes = f"passes {safe}/tmp/link, which belongs to user {STRANGER}"
        assert (reason(safe / "tmp/link"), reason(safe / "opt/link")) == (passes, None)

    def test_the_parent_of_a_link_is_the_parent_of_where_it_leads(self, safe: Path) -> None:
        """path_resolution(7); as text, "link/../lib" would be the safe "lib"."""
        directory(safe / "lib")
        directory(safe / "home/sub")
        directory(safe / "home/lib", owner=STRANGER)
        (safe / "link").symlink_to("home/sub")
        assert reason(safe / "link/../lib") == f"belongs to user {STRANGER}"

    def test_the_parent_of_a_directory_is_judged_again(self, safe: Path) -> None:
        directory(safe / "tmp/own")
        directory(safe / "tmp", 0o1777)
        words = f"does not exist, and anyone can create it below {safe}/tmp"
        assert reason(safe / "tmp/own/../gone") == words

    def test_as_many_links_as_the_kernel_follows(self, safe: Path) -> None:
        """path_resolution(7): "the maximum number of symbolic links [...] is 40"; one more, and nobody gets there."""
        directory(safe / "link0")
        for number in range(41):
            (safe / f"link{number + 1}").symlink_to(f"link{number}")
        words = [reason(safe / f"link{number}") for number in (40, 41)]
        assert (words, os.path.isdir(safe / "link40"), os.path.isdir(safe / "link41")) == (
            [None, "passes too many symbolic links"],
            True,
            False,
        )

    def test_a_ring_of_links(self, safe: Path) -> None:
        (safe / "one").symlink_to("two")
        (safe / "two").symlink_to("one")
        assert reason(safe / "one/lib") == "passes too many symbolic links"


class TestChosen:
    """What a person chose may belong to anybody; not so what anyone can fill."""

    def test_a_directory_of_another_user(self, safe: Path) -> None:
        assert reason(directory(safe / "lib", owner=STRANGER), chosen=True) is None

    def test_a_directory_below_one_of_another_user(self, safe: Path) -> None:
        directory(safe / "home/lib")
        directory(safe / "home", owner=STRANGER)
        assert reason(safe / "home/lib", chosen=True) is None

    def test_an_open_directory(self, safe: Path) -> None:
        assert reason(directory(safe / "lib", 0o1777), chosen=True) == f"anyone can write to {safe}/lib"

    def test_one_that_anyone_can_create(self, safe: Path) -> None:
        where = directory(safe / "tmp", 0o1777)
        assert reason(where / "lib", chosen=True) == f"does not exist, and anyone can create it below {where}"


class TestNamespaces:
    """user_namespaces(7): an owner who has no number here is shown as the overflow user."""

    @pytest.mark.parametrize(
        ("uid_map", "words"),
        [
            (b"         0          0 4294967295\n", f"belongs to user {trust.OVERFLOW}"),
            (b"         0       1000          1\n", None),
            (b"0 1000 1\n1 100000 65536\n", None),
            (b"", f"belongs to user {trust.OVERFLOW}"),
        ],
        ids=["initial", "one-user", "rootless", "unknown"],
    )
    def test_the_overflow_user_is_a_stranger_only_where_all_users_have_numbers(
        self, safe: Path, uid_map: bytes, words: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(process, "content", lambda _: uid_map)
        assert reason(directory(safe / "lib", owner=trust.OVERFLOW)) == words


class TestMemory:
    def test_what_was_seen_is_not_asked_again(self, safe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: trust.Seen = {}
        first = trust.reason(str(directory(safe / "a")), seen=seen)
        asked: list[str] = []
        real = os.lstat

        def lstat(path: str) -> os.stat_result:
            asked.append(path)
            return real(path)

        monkeypatch.setattr(os, "lstat", lstat)
        second = trust.reason(str(safe / "b"), seen=seen)
        assert (first, second, asked) == (None, None, [f"{safe}/b"])

    def test_without_a_memory_every_question_is_new(self, safe: Path) -> None:
        before = reason(directory(safe / "lib"))
        after = reason(directory(safe / "lib", 0o777))
        assert (before, after) == (None, f"anyone can write to {safe}/lib")


def test_an_unprivileged_user_trusts_the_superuser_and_oneself_only(
    safe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: FRIEND)
    answers = [reason(directory(safe / str(owner), owner=owner)) for owner in (0, FRIEND, STRANGER)]
    assert answers == [None, None, f"belongs to user {STRANGER}"]


class TestForeign:
    """A directory that a file names which was built elsewhere: below what is open to all it is never the one meant."""

    def test_below_a_shared_directory_nobodys_is_trusted(self, safe: Path) -> None:
        shared = directory(safe / "tmp", 0o1777)
        lib = directory(shared / "mir" / "lib64")
        told = f"lies below {shared}, where anyone can write"
        assert (judged(lib, foreign=True), judged(lib, foreign=False)) == ((told, True), (None, True))

    def test_nor_one_of_a_stranger_whose_own_reason_is_told(self, safe: Path) -> None:
        lib = directory(directory(safe / "tmp", 0o1777) / "lib64", owner=STRANGER)
        assert judged(lib, foreign=True) == (f"belongs to user {STRANGER}", True)

    def test_what_is_not_there_is_told_as_before(self, safe: Path) -> None:
        shared = directory(safe / "tmp", 0o1777)
        told = f"does not exist, and anyone can create it below {shared}"
        assert judged(shared / "gone", foreign=True) == (told, False)

    def test_elsewhere_it_is_as_safe_as_any(self) -> None:
        assert judged(Path("/usr/lib"), foreign=True) == (None, True)


def judged(path: Path, foreign: bool) -> tuple[str | None, bool]:
    return trust.judge(str(path), lambda: frozenset(), False, {}, foreign)

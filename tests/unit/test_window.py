"""No byte outside the file is asked for, whatever a file claims."""

from __future__ import annotations

import pytest

from findlibs2.formats.window import PAGE, BadFile, Window


class Disk:
    """A file that remembers what was read of it, and may become shorter than it said."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[tuple[int, int]] = []

    def pread(self, count: int, offset: int) -> bytes:
        self.asked.append((offset, count))
        return self.content[offset : offset + count]


def facts(bad: pytest.ExceptionInfo[BadFile]) -> tuple[str, str, int | None]:
    return bad.value.code, bad.value.what, bad.value.offset


def test_the_first_page_is_read_once_and_serves_what_lies_in_it() -> None:
    disk = Disk(bytes(range(256)) * 32)
    window = Window("f", len(disk.content), disk.pread)
    assert (window.read(2, 3, "x"), window.read(4090, 6, "y")) == (b"\2\3\4", bytes(range(250, 256)))
    assert disk.asked == [(0, PAGE)]


def test_what_lies_behind_it_is_read_exactly() -> None:
    disk = Disk(bytes(range(256)) * 32)
    assert Window("f", len(disk.content), disk.pread).read(PAGE - 1, 3, "x") == b"\xff\0\1"
    assert disk.asked == [(0, PAGE), (PAGE - 1, 3)]


def test_a_small_file_is_not_asked_for_more_than_it_has() -> None:
    disk = Disk(b"abc")
    assert (Window("f", 3, disk.pread).read(0, 3, "x"), disk.asked) == (b"abc", [(0, 3)])


def test_an_empty_file_is_not_read() -> None:
    disk = Disk(b"")
    assert (Window("f", 0, disk.pread).first, disk.asked) == (b"", [])


@pytest.mark.parametrize(("offset", "count"), [(0, 11), (10, 1), (1 << 63, 1), (3, 1 << 63), (-1, 1), (4, -1)])
def test_a_read_that_leaves_the_file_is_refused_and_not_tried(offset: int, count: int) -> None:
    disk = Disk(b"0123456789")
    window = Window("f", 10, disk.pread)
    with pytest.raises(BadFile) as bad:
        window.read(offset, count, "the table")
    assert facts(bad) == ("damaged", f"the table ends at byte {offset + count} of a file of 10 bytes", offset)
    assert disk.asked == [(0, 10)]


def test_a_file_that_became_shorter_is_damaged() -> None:
    disk = Disk(bytes(100))
    with pytest.raises(BadFile) as bad:
        Window("f", 9000, disk.pread).read(90, 20, "the table")
    assert facts(bad) == ("damaged", "the table is cut: the file became shorter while it was read", 90)

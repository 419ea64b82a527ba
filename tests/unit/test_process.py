"""The walk through a process's memory, over memories that were made up; and over this one."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from findlibs2 import process
from findlibs2.model import Loaded
from tests import need

WORD = struct.calcsize("P")
DT_STRTAB, DT_SONAME, DT_DEBUG = 5, 14, 21  # gABI, written out: what shares its tables agrees with every mistake
PT_DYNAMIC, PT_PHDR = 2, 6


class Space:
    """A made-up address space: a sparse file. What was never written and lies behind the end is not mapped."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        self.write(0xFFFFF, b"\0")

    def write(self, address: int, content: bytes) -> int:
        os.pwrite(self.descriptor, content, address)
        return address

    def words(self, address: int, *values: int) -> int:
        return self.write(address, struct.pack(f"@{len(values)}P", *values))

    def memory(self) -> process.Memory:
        return process.Memory(self.descriptor)

    def chain(self, *objects: tuple[int, int, int]) -> int:
        """A link_map list at 0x1000: (l_addr, l_name, l_ld) each; the address of r_debug."""
        places = [0x1000 + 0x100 * number for number in range(len(objects))]
        for number, place in enumerate(places):
            after = places[number + 1] if number + 1 < len(places) else 0
            before = places[number - 1] if number else 0
            self.words(place, *objects[number], after, before)
        return self.write(0x800, struct.pack("@iP", 1, places[0] if places else 0))


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    made = Space(tmp_path / "memory")
    yield made
    os.close(made.descriptor)


def walked(space: Space, debug: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Loaded, ...]:
    """The list, where DT_DEBUG says that r_debug is at `debug`."""
    monkeypatch.setattr(process, "program_headers", lambda: (0, 0))
    monkeypatch.setattr(process, "rendezvous", lambda *_: debug)
    return process.walked(space.memory())


class TestList:
    """elf/link.h: struct r_debug { int r_version; struct link_map *r_map; ... }, and link_map by l_next and l_prev."""

    def test_objects_come_in_load_order_with_the_path_they_were_opened_by(
        self, space: Space, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        space.write(0x4000, b"./liba.so\0/b/libb.so\0")
        debug = space.chain((0, 0, 0), (0x10000, 0x4000, 0), (0x20000, 0x400A, 0))
        assert walked(space, debug, monkeypatch) == (
            Loaded("", None, 0),
            Loaded("./liba.so", None, 0x10000),
            Loaded("/b/libb.so", None, 0x20000),
        )

    def test_a_list_that_returns_to_itself_is_no_list(self, space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
        debug = space.chain((0, 0, 0), (1, 0, 0))
        space.words(0x1100 + 3 * WORD, 0x1000)  # l_next of the second is the first
        with pytest.raises(process.Lost):
            walked(space, debug, monkeypatch)

    def test_an_object_that_does_not_point_back_was_freed(self, space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
        debug = space.chain((0, 0, 0), (1, 0, 0))
        space.words(0x1100 + 4 * WORD, 0xDEAD)
        with pytest.raises(process.Lost):
            walked(space, debug, monkeypatch)

    def test_an_endless_list_ends_at_the_limit(self, space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "MAX_OBJECTS", 2)
        debug = space.chain((0, 0, 0), (1, 0, 0), (2, 0, 0))
        with pytest.raises(process.Lost):
            walked(space, debug, monkeypatch)

    def test_an_object_that_is_not_mapped_any_more_is_an_error_and_no_crash(
        self, space: Space, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        debug = space.chain((0, 0xFFFFFF00, 0))
        with pytest.raises(process.Lost):
            walked(space, debug, monkeypatch)

    def test_a_process_without_a_list_has_none(self, space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(process.Lost):
            walked(space, space.chain(), monkeypatch)


class TestSoname:
    """gABI, DT_SONAME: an offset into the string table that DT_STRTAB records."""

    BASE = 0x20000

    def soname(self, space: Space, strings: int, place: int = 0x30000) -> str | None:
        space.write(self.BASE + 0x500, b"\0libx.so.1\0")
        space.words(place, 1, 7, DT_STRTAB, strings, DT_SONAME, 1, 0, 0)
        return process.soname(space.memory(), self.BASE, place)

    def test_of_a_string_table_that_the_loader_relocated(self, space: Space) -> None:
        assert self.soname(space, self.BASE + 0x500) == "libx.so.1"

    def test_of_a_string_table_as_it_stands_in_the_file(self, space: Space) -> None:
        """The vdso with glibc, and everything with musl."""
        assert self.soname(space, 0x500) == "libx.so.1"

    def test_across_the_end_of_a_piece(self, space: Space) -> None:
        assert self.soname(space, 0x500, place=0x30000 + process.PIECE - WORD) == "libx.so.1"

    def test_is_absent_where_the_tag_is(self, space: Space) -> None:
        space.words(0x30000, DT_STRTAB, 0x500, 0, 0)
        assert process.soname(space.memory(), self.BASE, 0x30000) is None

    def test_is_absent_without_a_dynamic_section(self, space: Space) -> None:
        assert process.soname(space.memory(), self.BASE, 0) is None

    def test_tags_behind_dt_null_do_not_count(self, space: Space) -> None:
        space.words(0x30000, DT_STRTAB, 0x500, 0, 0, DT_SONAME, 1)
        assert process.soname(space.memory(), self.BASE, 0x30000) is None

    def test_a_section_that_does_not_end_is_an_error(self, space: Space) -> None:
        for place in range(0x30000, 0x30000 + 2 * process.MAX_TAGS * 2 * WORD, WORD):
            space.words(place, 1)
        with pytest.raises(process.Lost):
            process.soname(space.memory(), self.BASE, 0x30000)

    def test_a_name_that_does_not_end_is_an_error(self, space: Space) -> None:
        space.write(self.BASE + 0x500, b"x" * 3 * process.MAX_TEXT)
        space.words(0x30000, DT_STRTAB, 0x500, DT_SONAME, 1, 0, 0)
        with pytest.raises(process.Lost):
            process.soname(space.memory(), self.BASE, 0x30000)


class TestRendezvous:
    """gABI, PT_PHDR "specifies the location and size of the program header table itself"; DT_DEBUG is in PT_DYNAMIC."""

    def test_is_found_through_the_programs_own_headers(self, space: Space) -> None:
        space.write(0x50040, self.header(PT_PHDR, 0x40) + self.header(PT_DYNAMIC, 0x2000))
        space.words(0x52000, DT_DEBUG, 0x7777, 0, 0)
        assert process.rendezvous(space.memory(), 0x50040, 2) == 0x7777

    def test_without_pt_phdr_nobody_knows_where_the_program_lies(self, space: Space) -> None:
        space.write(0x50040, self.header(PT_DYNAMIC, 0x2000))
        assert process.rendezvous(space.memory(), 0x50040, 1) == 0

    def test_a_static_program_has_none(self, space: Space) -> None:
        space.write(0x50040, self.header(PT_PHDR, 0x40))
        assert process.rendezvous(space.memory(), 0x50040, 1) == 0

    @staticmethod
    def header(kind: int, address: int) -> bytes:
        if WORD == 8:
            return struct.pack("@II6Q", kind, 0, address, address, address, 0, 0, 0)
        return struct.pack("@8I", kind, address, address, address, 0, 0, 0, 0)


class TestMaps:
    """proc(5), /proc/pid/maps."""

    def test_an_image_is_where_the_beginning_of_a_file_is_mapped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = (
            b"1a0-2b0 r--p 00000000 08:01 7 /x.so\n"
            b"2b0-3c0 r-xp 0001a000 08:01 7 /x.so\n"
            b"4d0-5e0 rw-p 00000000 00:00 0 \n"
        )
        monkeypatch.setattr(process, "content", lambda _: lines)
        assert list(process.images()) == [0x1A0]

    @pytest.mark.parametrize(
        ("raw", "paths"),
        [
            (b"/a b/libx.so", {"/a b/libx.so"}),
            (b"/a\\012b/libx.so", {"/a\nb/libx.so", "/a\\012b/libx.so"}),
            (b"/a/libx.so (deleted)", {"/a/libx.so", "/a/libx.so (deleted)"}),
            (b"/a/\xff.so", {"/a/\udcff.so"}),
        ],
    )
    def test_a_path_is_known_by_everything_that_its_line_may_mean(self, raw: bytes, paths: set[str]) -> None:
        assert process.spellings(raw) == paths

    def test_a_replaced_file_is_there_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = (
            b"10-20 r--p 00000000 08:01 7                          /lib/x.so (deleted)\n"
            b"20-30 r-xp 00001000 08:01 7                          /lib/x.so (deleted)\n"
            b"30-40 r--p 00000000 103:1f 9                         /lib/x.so\n"
            b"40-50 rw-p 00000000 00:00 0                          [heap]\n"
            b"50-60 rw-p 00000000 00:00 0 \n"
        )
        monkeypatch.setattr(process, "content", lambda _: lines)
        old, new = (os.makedev(8, 1), 7), (os.makedev(0x103, 0x1F), 9)
        expected = {"/lib/x.so": frozenset({old, new}), "/lib/x.so (deleted)": frozenset({old})}
        assert process.mapped() == expected

    def test_without_proc_nothing_is_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "content", lambda _: b"")
        assert process.mapped() is None


@need.linux()
class TestThisProcess:
    def test_the_program_comes_first_and_its_mapping_is_its_file(self) -> None:
        found, mapped = process.loaded(), process.mapped()
        assert found is not None
        assert mapped is not None
        status = os.stat("/proc/self/exe")
        places = mapped[os.readlink("/proc/self/exe")]
        assert (found[0].name, places) == (None, frozenset({(status.st_dev, status.st_ino)}))

    def test_without_permission_nothing_is_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> int:
            raise PermissionError

        monkeypatch.setattr(os, "open", refuse)
        monkeypatch.setattr(process, "_auxiliary", {})
        assert (process.loaded(), process.mapped(), process.auxiliary()) == (None, None, {})

    def test_a_list_that_never_stands_still_is_not_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def move(_: object) -> int:
            raise process.Lost

        monkeypatch.setattr(process, "head", move)
        assert process.loaded() is None

    def test_no_descriptor_is_left_open(self) -> None:
        before = set(os.listdir("/proc/self/fd"))
        process.loaded(), process.mapped(), process.auxiliary_text(1)
        assert set(os.listdir("/proc/self/fd")) == before

    def test_the_word_size_of_the_kernel_is_not_asked(self) -> None:
        assert process.auxiliary()[process.AT_PHENT] == (56 if sys.maxsize > 1 << 32 else 32)

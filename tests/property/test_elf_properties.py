"""Whatever was written is read, and whatever is there, nothing but the file's own fault is raised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from findlibs2.formats import elf
from findlibs2.formats.window import BadFile, Window
from findlibs2.model import Binary, Needed
from tests.build.elf import DT, PT, Segment, library

NAMES = st.binary(min_size=1, max_size=300).filter(lambda raw: b"\0" not in raw)
NUMBERS = st.one_of(st.integers(0, 600), st.integers(0, (1 << 64) - 1), st.sampled_from([1 << 12, 1 << 31, 1 << 63]))
SEGMENTS = st.builds(
    Segment, st.sampled_from(sorted(PT)), st.integers(0, 7), NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS
)
LIBRARY = library("libx.so.1", ["liba.so", "libb.so.2"], runpath="$ORIGIN", flags_1=1, tls=8, interpreter="/ld.so")


def read(content: bytes) -> Binary | BadFile:
    """The facts, or what is wrong; and no byte outside the file was asked for."""

    def pread(count: int, offset: int) -> bytes:
        assert 0 <= offset <= offset + count <= len(content)
        return content[offset : offset + count]

    found = _facts(Window("x", len(content), pread))
    if isinstance(found, BadFile):
        assert (found.code in ("damaged", "not-a-library"), found.what != "") == (True, True)
        assert found.offset is None or 0 <= found.offset < 1 << 64
    return found


def _facts(window: Window) -> Binary | BadFile:
    try:
        return elf.read(window)
    except BadFile as bad:
        return bad


def text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


class TestWhatWasWrittenIsRead:
    """gABI, Dynamic Section: "Except for the DT_NULL element at the end of the array, and the relative order of
    DT_NEEDED elements, entries may appear in any order."
    """

    @given(
        st.none() | NAMES, st.lists(NAMES, max_size=12), st.none() | NAMES, st.none() | NAMES,
        st.sampled_from([32, 64]), st.sampled_from(["little", "big"]), st.integers(0, 1 << 20),
        st.sampled_from([None, "rw", "rwx"]), st.booleans(),
    )  # fmt: skip
    def test_names(
        self, soname: bytes | None, needed: list[bytes], rpath: bytes | None, runpath: bytes | None, bits: int,
        byteorder: str, tls: int, stack: str | None, sysv: bool,
    ) -> None:  # fmt: skip
        content = library(
            soname, needed, rpath=rpath, runpath=runpath, bits=bits, byteorder=byteorder, machine=40, tls=tls,
            stack=stack, hash_style="sysv" if sysv else "both",
        )  # fmt: skip
        assert read(content) == Binary(
            "x", "elf", "arm", bits, byteorder, "shared", None if soname is None else text(soname),
            tuple(Needed(text(name)) for name in needed), None if rpath is None else text(rpath),
            None if runpath is None else text(runpath), frozenset(), None, stack, tls, len(content), 0,
        )  # fmt: skip


class TestNothingElseIsRaised:
    """Trust no count that the file supplies until it fits in the file."""

    @given(st.binary(max_size=600))
    def test_any_bytes(self, content: bytes) -> None:
        read(content)

    @given(st.binary(max_size=600), st.integers(0, 3))
    def test_any_bytes_behind_a_good_beginning(self, content: bytes, kind: int) -> None:
        read(b"\x7fELF" + bytes([1 + kind % 2, 1 + kind // 2, 1]) + bytes(9) + content)

    @given(st.lists(st.tuples(st.integers(0, len(LIBRARY) - 1), st.integers(0, 255)), max_size=20))
    def test_any_bytes_changed(self, changes: list[tuple[int, int]]) -> None:
        content = bytearray(LIBRARY)
        for place, value in changes:
            content[place] = value
        read(bytes(content))

    @given(st.integers(0, len(LIBRARY)))
    def test_cut_anywhere(self, size: int) -> None:
        assert isinstance(read(LIBRARY[:size]), BadFile if size < len(LIBRARY) else Binary)

    @given(st.lists(st.tuples(st.sampled_from(sorted(DT)), NUMBERS), max_size=12))
    def test_any_tags(self, tags: list[tuple[str, int]]) -> None:
        read(library("libx.so", tags=tags))

    @given(st.lists(SEGMENTS, max_size=6))
    def test_any_segments(self, segments: list[Segment]) -> None:
        read(library("libx.so", segments=segments))


class TestTheTailIsNotLoaded:
    """What lies behind the last PT_LOAD changes no fact but the size that is missing."""

    @given(st.binary(max_size=200))
    def test_any_tail(self, tail: bytes) -> None:
        assert read(LIBRARY + tail) == read(LIBRARY)

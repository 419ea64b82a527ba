"""Inputs that are damaged, hostile or none: a clear line each, never an exception, never a hang."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import pytest

from findlibs2 import symcheck_wheels
from tests import need
from tests.symcheck.asked import check, facts, made, wheel


def refused(*inputs: Path) -> list[tuple[str, str, str]]:
    """Code, file and reason of every finding about an input."""
    told = facts(*inputs)["findings"]
    return [
        (each["code"], os.path.basename(each["path"]), each.get("reason") or each["problem"]["what"]) for each in told
    ]


@pytest.fixture
def good(tmp_path: Path) -> bytes:
    return made(tmp_path / "made" / "liba.so", has=["a"]).read_bytes()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_stored_and_deflated(tmp_path: Path, good: bytes, method: int) -> None:
    given = wheel(tmp_path / "a-1-py3-none-any.whl", {"a/liba.so": good, "a/text.so.py": b"no library"}, method)
    (machine,) = facts(given)["machines"]
    assert [each["path"] for each in machine["libraries"]] == [f"{given}/a/liba.so"]


def test_a_wheel_of_every_length_is_judged_or_refused(tmp_path: Path, good: bytes) -> None:
    whole = wheel(tmp_path / "whole.whl", {"a/liba.so": good}).read_bytes()
    cut = tmp_path / "cut.whl"
    for length in range(0, len(whole), 7):
        cut.write_bytes(whole[:length])
        assert [code for code, _, _ in refused(cut)] == ["uncheckable"]


def test_a_member_of_every_length_is_judged_or_refused(tmp_path: Path, good: bytes) -> None:
    for length in range(0, len(good), 13):
        given = wheel(tmp_path / "cut.whl", {"a/liba.so": good[:length]})
        said = check(given)
        assert said.status in (0, 1)
        assert said.err == ""


def test_what_stands_beside_the_member_in_the_archive_is_checked(tmp_path: Path, good: bytes) -> None:
    given = wheel(tmp_path / "bad.whl", {"a/liba.so": good}, zipfile.ZIP_STORED)
    given.write_bytes(given.read_bytes().replace(good, good[:-1] + b"x"))
    ((code, name, reason),) = refused(given)
    assert (code, name, reason.split(":")[1]) == ("uncheckable", "liba.so", " BadZipFile")


def marked(given: Path, change: dict[str, int]) -> Path:
    """The archive with fields of its directory changed. zip APPNOTE, 4.3.12: flags at 8, method at 10, sizes at 20, 24."""
    raw = bytearray(given.read_bytes())
    at = raw.rindex(b"PK\1\2")
    places = {"flags": (8, "<H"), "method": (10, "<H"), "size": (24, "<I")}
    for field, value in change.items():
        struct.pack_into(places[field][1], raw, at + places[field][0], value)
    given.write_bytes(raw)
    return given


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"flags": 1}, "it is encrypted"),
        ({"method": 12}, "it is compressed by method 12; wheels use 0 and 8"),
        ({"size": 0x7FFFFFFF}, "it has 2,147,483,647 bytes, and the wheel 2,147,483,647 up to here: more than is read"),
    ],
)
def test_a_member_that_is_no_wheels_is_refused(
    tmp_path: Path, good: bytes, change: dict[str, int], reason: str
) -> None:
    given = marked(wheel(tmp_path / "a.whl", {"a/liba.so": good}), change)
    assert refused(given) == [("uncheckable", "liba.so", reason)]


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    given = wheel(tmp_path / "a.whl", {"a/liba.so": bytes(1 << 26)})
    ((code, _, reason),) = refused(given)
    assert (code, reason.endswith("bytes would become 67,108,864: no library shrinks like that")) == (
        "uncheckable",
        True,
    )


def test_all_libraries_of_a_wheel_together_have_a_limit(
    tmp_path: Path, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(symcheck_wheels, "MAX_WHEEL", len(good))
    given = wheel(tmp_path / "a.whl", {"a/liba.so": good, "a/libb.so": good})
    assert [(code, name) for code, name, _ in refused(given)] == [("uncheckable", "libb.so")]


@pytest.mark.parametrize("name", ["../liba.so", "/liba.so", "a/../../liba.so", "C:/liba.so", "..\\liba.so"])
def test_a_name_that_leads_out_of_the_wheel_is_refused(tmp_path: Path, good: bytes, name: str) -> None:
    ((_, _, reason),) = refused(wheel(tmp_path / "a.whl", {name: good}))
    assert reason == "its name leads out of the wheel"


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path, good: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("liba.so", good)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("liba.so", good)
    assert {reason for _, _, reason in refused(tmp_path / "a.whl")} == {"the wheel has 2 members of that name"}


def test_names_are_shown_escaped(tmp_path: Path) -> None:
    made(tmp_path / "lib\x1b[31m\nred.so", wants=["_Z\x1b[2J"])
    made(tmp_path / "liba.so", "lib\x1b]0;x\x07.so")
    (tmp_path / "lib\x1bmac.dylib").write_bytes(b"\xcf\xfa\xed\xfe" + bytes(64))
    (tmp_path / "lib\x1btext.so").write_text("text")
    said = check(tmp_path)
    assert [char for char in said.out + said.err if not char.isprintable() and char != "\n"] == []
    assert "lib\\x1b[31m\\nred.so" in said.out


def test_directories_are_walked_once_whatever_links_to_them(tmp_path: Path) -> None:
    made(tmp_path / "one" / "liba.so", wants=["_ZN1aEv"])
    (tmp_path / "one" / "ring").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "one" / "liba.so.1").symlink_to("liba.so")
    (tmp_path / "one" / "libself.so").symlink_to("libself.so")
    os.link(tmp_path / "one" / "liba.so", tmp_path / "libhard.so")
    (machine,) = facts(tmp_path)["machines"]
    assert [(each["path"], each["copies"]) for each in machine["libraries"]] == [(f"{tmp_path}/libhard.so", [])]


@need.linux()
def test_a_fifo_stops_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "liba.so")
    os.mkfifo(tmp_path / "a.whl")
    assert refused(tmp_path / "liba.so", tmp_path / "a.whl") == [
        ("bad-file", "liba.so", "a fifo"),
        ("uncheckable", "a.whl", "it is no regular file"),
    ]


def test_what_is_called_like_a_library_in_a_directory_and_is_none_is_told(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "libc.so").write_text("/* GNU ld script */ GROUP ( /lib/libc.so.6 )")
    (tmp_path / "liba.so.debug").write_bytes(b"\x7fELF")  # of which nothing is told: debuggers alone read it
    wheel(tmp_path / "a.whl", {"liba.so": good})
    assert refused(tmp_path) == []
    beside = [(os.path.basename(each["path"]), each["what"]) for each in facts(tmp_path)["beside"]]
    assert beside == [
        ("a.whl", "a wheel, which is read where it is named itself"),
        ("libc.so", "a script for the linker, which names the real library"),
    ]


def test_a_damaged_library_is_a_finding(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "made" / "liba.so").write_bytes(good[: len(good) // 2])
    assert ([code for code, _, _ in refused(tmp_path / "made")], check(tmp_path / "made").status) == (["bad-file"], 1)

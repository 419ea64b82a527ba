"""What people and programs see: whole texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import findlibs2
from tests.symcheck.asked import Said, check, made, wheel

MACHO = b"\xcf\xfa\xed\xfe\x07\x00\x00\x01" + bytes(64)
PE = b"MZ" + bytes(128)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A wheel that wants more than the library beside it has, and something of the C library."""
    wants: list[str | tuple[str, str, str]] = ["codes_new_one", "outside_one"]
    wants += [("memcpy", "GLIBC_2.14", "libc.so.6"), ("f", "B_2", "libb.so")]
    asking = made(tmp_path / "made" / "liba.so", "libb.so", "libc.so.6", wants=wants)
    wheel(tmp_path / "a.whl", {"a/liba.so": asking.read_bytes()})
    asking.unlink()
    made(tmp_path / "libb.so", has=["codes_old_one", "f"], versions=["B_1"])
    made(tmp_path / "libc.so", has=["outside_one"])
    return tmp_path


INPUTS = ("./a.whl", "./libb.so", "./libc.so")
TEXT = """\
x86_64, 64-bit, little-endian: 3 libraries
liba.so needs 2 symbols that libb.so does not have [missing-symbol]
    codes_new_one
    f@B_2
    wanted by     ./a.whl/a/liba.so
    expected in   ./libb.so           (exports 2 symbols; not these)
note: liba.so uses 1 symbol of libc.so, which it does not say it needs [under-linked]
    outside_one
    wanted by   ./a.whl/a/liba.so
    found in    ./libc.so
liba.so needs B_2 of libb.so, which is too old or another [missing-version]
    wanted by     ./a.whl/a/liba.so
    expected in   ./libb.so           defines B_1 at most
not looked at   libc.so.6   wanted by 1 library, 1 symbol   up to GLIBC_2.14
2 findings
"""
JSON = {
    "schema": "findlibs2-symcheck/1",
    "findlibs2": findlibs2.__version__,
    "passes": False,
    "findings": [],
    "machines": [
        {
            "machine": "x86_64, 64-bit, little-endian",
            "libraries": [
                {"path": "./a.whl/a/liba.so", "name": "liba.so", "copies": []},
                {"path": "./libb.so", "name": "libb.so", "copies": []},
                {"path": "./libc.so", "name": "libc.so", "copies": []},
            ],
            "findings": [
                {
                    "code": "missing-symbol",
                    "severity": "error",
                    "path": "./a.whl/a/liba.so",
                    "symbols": ["codes_new_one", "f@B_2"],
                    "package": None,
                    "expected_in": "./libb.so",
                    "expected_package": None,
                    "exports": 2,
                    "absent": None,
                },
                {
                    "code": "under-linked",
                    "severity": "note",
                    "path": "./a.whl/a/liba.so",
                    "symbols": ["outside_one"],
                    "found_in": "./libc.so",
                },
                {
                    "code": "missing-version",
                    "severity": "error",
                    "path": "./a.whl/a/liba.so",
                    "version": "B_2",
                    "of": "libb.so",
                    "supplier": "./libb.so",
                    "newest": "B_1",
                    "package": None,
                },
            ],
            "not_given": [
                {"name": "libc.so.6", "versions": ["GLIBC_2.14"], "wanted_by": ["./a.whl/a/liba.so"], "symbols": 1}
            ],
            "system": [],
            "unreadable": [],
        }
    ],
    "installed": None,
    "not_yet": [],
    "beside": [],
}


def test_findings_first_then_what_was_not_looked_at_then_the_outcome(mixed: Path) -> None:
    assert check(*INPUTS, here=mixed) == Said(1, TEXT, "")


def test_the_same_facts_for_programs(mixed: Path) -> None:
    said = check("--json", *INPUTS, here=mixed)
    assert (said.status, said.err, json.loads(said.out)) == (1, "", JSON)


def test_libraries_of_other_systems_are_not_checked_yet(tmp_path: Path) -> None:
    (tmp_path / "liba.dylib").write_bytes(MACHO)
    (tmp_path / "b.dll").write_bytes(PE)
    told = "not yet: ./liba.dylib is a Mach-O library\nnot yet: ./b.dll is a PE library\n"
    alone = "findlibs2-symcheck: there was no library that can be checked\n"
    assert check("./liba.dylib", "./b.dll", here=tmp_path) == Said(2, told + "nothing was looked at\n", alone)
    made(tmp_path / "liba.so")
    said = check("./liba.dylib", "./b.dll", "./liba.so", here=tmp_path)
    assert said == Said(
        0, "x86_64, 64-bit, little-endian: 1 library\n" + told + "nothing is missing in what was looked at\n", ""
    )


def test_what_cannot_be_checked_is_a_finding_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"PK")
    assert check("./a.whl", here=tmp_path).out == (
        "a.whl is not checked [uncheckable]\n"
        "    file      ./a.whl\n"
        "    because   it is no zip archive that can be read: BadZipFile: File is not a zip file\n"
        "1 finding\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing was given to check"),
        (("./no\x1b.so",), "./no\\x1b.so: there is no such file"),
    ],
)
def test_misuse_is_told_on_the_other_output(words: tuple[str, ...], said: str) -> None:
    assert check(*words) == Said(2, "", f"findlibs2-symcheck: {said}\n")


def test_a_directory_that_could_be_a_name_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "tulip").mkdir()
    said = check("tulip", here=tmp_path)
    assert (said.status, said.out) == (2, "")
    assert said.err.endswith("findlibs2-symcheck: tulip is here in this directory: write ./tulip\n")

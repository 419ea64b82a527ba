"""What libraries miss among themselves, and what is not looked at."""

from __future__ import annotations

from pathlib import Path

from tests.symcheck.asked import check, facts, found, made


def not_given(*inputs: Path) -> dict[str, tuple[list[str], int]]:
    """Of what was not given: the highest versions wanted, and how many symbols may be its own."""
    (machine,) = facts(*inputs)["machines"]
    return {each["name"]: (each["versions"], each["symbols"]) for each in machine["not_given"]}


def test_a_symbol_that_nobody_has_is_missing(tmp_path: Path) -> None:
    made(tmp_path / "liba.so", "libb.so", wants=["_ZN1b3oneEv", "_ZN1b3twoEv"])
    made(tmp_path / "libb.so", has=["_ZN1b3oneEv"])
    assert found(tmp_path) == [("missing-symbol", "liba.so", ("_ZN1b3twoEv",))]
    assert check(tmp_path).status == 1


def test_what_is_needed_through_others_supplies_too(tmp_path: Path) -> None:
    made(tmp_path / "liba.so", "libb.so", wants=["c"])
    made(tmp_path / "libb.so", "libc.so")
    made(tmp_path / "libc.so", has=["c"])
    assert (found(tmp_path), check(tmp_path).status) == ([], 0)


def test_a_version_that_the_library_does_not_define_is_missing(tmp_path: Path) -> None:
    made(tmp_path / "liba.so", "libb.so", wants=[("f", "B_1.10", "libb.so")])
    made(tmp_path / "libb.so", has=["f"], versions=["B_1.9"])
    (machine,) = facts(tmp_path)["machines"]
    assert [(each["code"], each.get("version"), each.get("newest")) for each in machine["findings"]] == [
        ("missing-symbol", None, None),
        ("missing-version", "B_1.10", "B_1.9"),
    ]


def test_a_library_without_versions_must_not_stand_where_versions_are_wanted_of_it(tmp_path: Path) -> None:
    made(tmp_path / "liba.so", "libb.so", wants=[("f", "B_1", "libb.so")])
    made(tmp_path / "libb.so", has=["f"])
    assert found(tmp_path) == [("unversioned-provider", "liba.so", ["B_1"])]


def test_that_is_told_of_no_library_for_musl(tmp_path: Path) -> None:
    made(tmp_path / "liba.so", "libb.so", "libc.musl-x86_64.so.1", wants=[("f", "B_1", "libb.so")])
    made(tmp_path / "libb.so", has=["f"])
    assert found(tmp_path) == []


def test_for_musl_no_version_is_missing(tmp_path: Path) -> None:
    wants = [("f", "B_1.10", "libb.so")]
    made(tmp_path / "liba.so", "libb.so", "libc.musl-x86_64.so.1", wants=wants)
    made(tmp_path / "libb.so", has=["f"], versions=["B_1.9"])
    assert found(tmp_path) == []


def test_of_a_library_that_was_not_given_the_highest_version_of_each_family_is_told(tmp_path: Path) -> None:
    wants = [("f", "GLIBC_2.9", "libc.so.6"), ("g", "GLIBC_2.28", "libc.so.6"), ("h", "CXXABI_1.3", "libc.so.6")]
    made(tmp_path / "liba.so", "libc.so.6", wants=wants)
    assert not_given(tmp_path) == {"libc.so.6": (["CXXABI_1.3", "GLIBC_2.28"], 3)}


def test_what_a_library_that_was_not_given_may_have_is_not_looked_at(tmp_path: Path) -> None:
    made(tmp_path / "liba.so", "libother.so", wants=["_ZN1b3oneEv", "plain"])
    assert (found(tmp_path), not_given(tmp_path)) == ([], {"libother.so": ([], 2)})


def test_a_library_in_plain_c_may_have_plain_names_alone(tmp_path: Path) -> None:
    made(tmp_path / "liba.so", "libz.so.1", wants=["_ZN1b3oneEv", "inflate"])
    assert found(tmp_path) == [("missing-symbol", "liba.so", ("_ZN1b3oneEv",))]
    assert not_given(tmp_path) == {"libz.so.1": ([], 1)}


def test_the_cxx_runtime_may_have_names_of_std_alone(tmp_path: Path) -> None:
    wants = ["_ZNSt6thread4joinEv", "_ZTVN10__cxxabiv117__class_type_infoE", "_ZdlPv", "_ZTISt9exception", "_ZTIi"]
    made(tmp_path / "liba.so", "libstdc++.so.6", wants=[*wants, "_ZTIN1b5otherE", "_ZN1b3newESs"])
    assert found(tmp_path) == [("missing-symbol", "liba.so", ("_ZTIN1b5otherE", "_ZN1b3newESs"))]


def test_the_c_library_may_have_what_is_wanted_without_a_version(tmp_path: Path) -> None:
    """scipy's _fmm_core wants pthread_create so, and finds it in the C library or in what the interpreter has open."""
    made(tmp_path / "liba.so", "libc.so.6", wants=["pthread_create", "index_of"])
    assert (found(tmp_path), not_given(tmp_path)) == ([], {"libc.so.6": ([], 2)})


def test_but_not_what_has_the_prefix_of_a_library_that_was_given(tmp_path: Path) -> None:
    made(tmp_path / "liba.so", "libb.so", "libc.so.6", wants=["codes_new_one"])
    made(tmp_path / "libb.so", has=["codes_old_one"])
    assert found(tmp_path) == [("missing-symbol", "liba.so", ("codes_new_one",))]


def test_what_begins_as_pythons_own_names_do_is_the_interpreters(tmp_path: Path) -> None:
    made(tmp_path / "a.cpython-311-x86_64-linux-gnu.so", has=["PyInit_a"], wants=["PyList_New", "_Py_NoneStruct"])
    assert (found(tmp_path), not_given(tmp_path)) == ([], {"the Python interpreter": ([], 2)})


def test_symbols_of_a_library_that_is_not_needed_are_a_note(tmp_path: Path) -> None:
    made(tmp_path / "liba.so", "libc.so.6", wants=["b_one"])
    made(tmp_path / "libb.so", has=["b_one"])
    assert found(tmp_path) == [("under-linked", "liba.so", ("b_one",))]
    assert check(tmp_path).status == 0


def test_a_rival_of_the_library_that_is_taken_supplies_nothing(tmp_path: Path) -> None:
    made(tmp_path / "old" / "libb.so", has=["b_zero"])
    made(tmp_path / "new" / "libb.so", has=["b_one"])
    asking = made(tmp_path / "liba.so", "libb.so", wants=["b_one"])
    assert found(asking, tmp_path / "old", tmp_path / "new") == [
        ("copies-differ", "", "libb.so"),
        ("missing-symbol", "liba.so", ("b_one",)),
    ]


def test_of_several_libraries_of_one_name_the_nearest_is_taken(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made(tmp_path / name / "libb.so", has=[f"b_{name}"])
        made(tmp_path / name / f"lib{name}.so", "libb.so", wants=[f"b_{name}"])
    assert found(tmp_path) == [("copies-differ", "", "libb.so")]


def test_machines_are_judged_apart(tmp_path: Path) -> None:
    made(tmp_path / "x86" / "liba.so", "libb.so", wants=["b"])
    made(tmp_path / "x86" / "libb.so", has=["b"])
    made(tmp_path / "arm" / "libb.so", machine=183)
    made(tmp_path / "arm" / "liba.so", "libb.so", wants=["_ZN1bEv"], machine=183)
    made(tmp_path / "ppc" / "liba.so", has=["a"], wants=["_ZN1cEv"], machine=20, bits=32, byteorder="big")
    told = {each["machine"]: [found["symbols"] for found in each["findings"]] for each in facts(tmp_path)["machines"]}
    assert told == {
        "aarch64, 64-bit, little-endian": [["_ZN1bEv"]],
        "ppc, 32-bit, big-endian": [["_ZN1cEv"]],
        "x86_64, 64-bit, little-endian": [],
    }


def test_copies_are_judged_once(tmp_path: Path) -> None:
    first = made(tmp_path / "libb.so", wants=["_ZN1bEv"])
    (tmp_path / "libb.so.1").write_bytes(first.read_bytes())
    (machine,) = facts(tmp_path)["machines"]
    assert [(each["path"], each["copies"]) for each in machine["libraries"]] == [(str(first), [f"{first}.1"])]
    assert found(tmp_path) == [("missing-symbol", "libb.so", ("_ZN1bEv",))]


def test_a_program_that_is_given_supplies_its_plugins(tmp_path: Path) -> None:
    plugin = made(tmp_path / "liba.so", "libc.so.6", wants=["_ZN4host3runEv"])
    assert found(plugin) == [("missing-symbol", "liba.so", ("_ZN4host3runEv",))]
    program = made(tmp_path / "bin" / "host", has=["_ZN4host3runEv"])
    assert found(plugin, program) == [("under-linked", "liba.so", ("_ZN4host3runEv",))]

"""The rule, the table, the spellings."""

from __future__ import annotations

import pytest

from findlibs2.errors import BadNameError
from findlibs2.names import Wish, check, import_name, is_package_name, respelled, spellings, variable, wishes

BY_RULE = "rule: lib<name>.so is in <name>lib"
BY_TABLE = "table of irregular names"


class TestWishes:
    def test_a_library_is_in_the_package_of_its_name_and_lib(self) -> None:
        assert wishes("mir") == (Wish("mir", "mirlib", BY_RULE),)

    def test_a_hyphen_in_a_library_is_an_underscore_in_its_package(self) -> None:
        assert wishes("my-own") == (Wish("my-own", "my_ownlib", BY_RULE),)

    def test_no_package_can_be_called_after_a_library_with_other_characters(self) -> None:
        assert wishes("stdc++") == ()

    @pytest.mark.parametrize(
        ("library", "package"),
        [
            ("atlas", "atlaslib_ecmwf"),
            ("pluto", "atlaslib_ecmwf"),
            ("pluto_f", "atlaslib_ecmwf"),  # until counter 30
            ("qhull_r", "atlaslib_ecmwf"),
            ("eckit_geo", "eckitlib"),
            ("eckit_maths", "eckitlib"),
            ("odccore", "odclib"),
            ("multio-api", "multiolib"),
            ("multio-mars2mars", "multiolib"),  # until counter 27
            ("openjp2", "eccodeslib"),
            ("aec", "eccodeslib"),
            ("png16", "eccodeslib"),
        ],
    )
    def test_the_table_of_irregular_names_goes_before_the_rule(self, library: str, package: str) -> None:
        assert wishes(library) == (
            Wish(library, package, BY_TABLE),
            Wish(library, f"{import_name(library)}lib", BY_RULE),
        )

    def test_the_name_of_a_project_means_its_library_where_none_has_that_very_name(self) -> None:
        assert wishes("fdb") == (
            Wish("fdb", "fdblib", BY_RULE),
            Wish("fdb5", "fdb5lib", "fdb is a name for fdb5"),
        )

    def test_odc_is_the_library_that_pyodc_asks_for(self) -> None:
        assert wishes("odc")[-1] == Wish("odccore", "odclib", "odc is a name for odccore")

    def test_a_package_that_is_named_is_the_only_one(self) -> None:
        assert wishes("atlas", "mylib") == (Wish("atlas", "mylib", "asked for"),)

    @pytest.mark.parametrize("spelling", ["atlaslib-ecmwf", "atlaslib_ecmwf", "atlaslib.ecmwf"])
    def test_a_package_can_be_named_as_it_is_imported_and_as_it_is_installed(self, spelling: str) -> None:
        assert wishes("atlas", spelling) == (Wish("atlas", "atlaslib_ecmwf", "asked for"),)

    def test_the_name_of_a_project_means_nothing_in_another_package(self) -> None:
        assert wishes("odc", "mylib") == (Wish("odc", "mylib", "asked for"),)

    def test_the_name_of_a_project_is_understood_in_its_own_package_too(self) -> None:
        assert wishes("odc", "odclib") == (
            Wish("odc", "odclib", "asked for"),
            Wish("odccore", "odclib", "odc is a name for odccore"),
        )


class TestVariable:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("mir", "FINDLIBS2_LIB_MIR"),
            ("multio-api", "FINDLIBS2_LIB_MULTIO_API"),
            ("eckit_geo", "FINDLIBS2_LIB_ECKIT_GEO"),
            ("stdc++", "FINDLIBS2_LIB_STDC__"),
            ("boost_python3.11", "FINDLIBS2_LIB_BOOST_PYTHON3_11"),
            ("straße", "FINDLIBS2_LIB_STRA_E"),
        ],
    )
    def test_a_variable_is_upper_case_letters_digits_and_underscores(self, name: str, expected: str) -> None:
        assert variable(name) == expected


class TestPackageNames:
    @pytest.mark.parametrize("name", ["mirlib", "atlaslib-ecmwf", "a.b", "_private", "lib2", "é"])
    def test_identifiers_joined_by_hyphens_or_dots_are_names(self, name: str) -> None:
        assert is_package_name(name)

    @pytest.mark.parametrize("name", ["", ".", "..", "a..b", "-a", "a-", "2lib", "a b", "a/b", "a\0", "a" * 256, "a\n"])
    def test_anything_else_is_none(self, name: str) -> None:
        assert not is_package_name(name)


class TestCheck:
    @pytest.mark.parametrize(
        "name",
        [
            "mir",
            "stdc++",
            "c++abi",
            "boost_python3.11",
            "multio-api",
            "eckit_geo",
            "7z",
            "gtk-3",
            "foo.sound",
            "libmir",
            "liber",
            "proj-e5164a33",
            "größe",
            "m" * 249,
        ],
    )
    def test_a_real_name_passes(self, name: str) -> None:
        check(name)

    @pytest.mark.parametrize(
        ("name", "write"),
        [
            ("libmir.so", "mir"),
            ("mir.so", "mir"),
            ("libaec.so.0.1.6", "aec"),
            ("/opt/lib/libmir.so", "mir"),
            ("./libmir.so", "mir"),
            ("libmir.dylib", "mir"),
            ("bin\\eccodes.dll", "eccodes"),
        ],
    )
    def test_the_name_of_a_file_is_answered_by_what_to_write(self, name: str, write: str) -> None:
        assert refused(name) == (name, f'that is the name of a file; write "{write}"')

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("", "the name of a library is not empty"),
            (None, "the name of a library is a str, not NoneType"),
            (b"mir", "the name of a library is a str, not bytes"),
            (3, "the name of a library is a str, not int"),
            ("..", 'the name of a library does not start with "."'),
            (".hidden", 'the name of a library does not start with "."'),
            ("-rf", 'the name of a library does not start with "-"'),
            ("a/b", "the name of a library is no path; a path is given by FINDLIBS2_LIB_<NAME>"),
            ("../a", "the name of a library is no path; a path is given by FINDLIBS2_LIB_<NAME>"),
            ("a\\b", "the name of a library is no path; a path is given by FINDLIBS2_LIB_<NAME>"),
            ("mir\0", "the name of a library holds no control character"),
            ("mir\x1b[2J", "the name of a library holds no control character"),
            ("m" * 250, "no file can have that name: it is too long, or not encodable"),
            ("ü" * 125, "no file can have that name: it is too long, or not encodable"),
            ("\ud800", "no file can have that name: it is too long, or not encodable"),
        ],
    )
    def test_what_cannot_be_a_name_is_refused_with_the_reason(self, name: object, reason: str) -> None:
        assert refused(name) == (name, reason)

    @pytest.mark.parametrize("pkg_name", [None, "mirlib", "atlaslib-ecmwf"])
    def test_a_package_may_be_named_in_either_spelling_or_not_at_all(self, pkg_name: str | None) -> None:
        check("mir", pkg_name)

    @pytest.mark.parametrize("pkg_name", ["", "..", "mir/lib", "/mirlib", 3, b"mirlib", "mirlib\0"])
    def test_what_cannot_be_a_package_is_refused(self, pkg_name: object) -> None:
        with pytest.raises(BadNameError) as caught:
            check("mir", pkg_name)
        reason = "no package can be called that: a wrapper is named as it is imported or as it is installed"
        assert caught.value.facts == (pkg_name, reason)


def refused(name: object) -> tuple[object, ...]:
    with pytest.raises(BadNameError) as caught:
        check(name)
    return caught.value.facts


class TestSpellings:
    def test_the_unversioned_name_comes_first_then_the_newest_version(self) -> None:
        listing = ["libaec.so", "libaec.so.0", "libaec.so.0.1.6", "libaec.so.0.1.10", "libeccodes.so"]
        assert spellings("aec", listing) == ("libaec.so", "libaec.so.0.1.10", "libaec.so.0.1.6", "libaec.so.0")

    def test_versions_are_numbers_not_texts(self) -> None:
        listing = ["libx.so.9", "libx.so.10", "libx.so.2"]
        assert spellings("x", listing) == ("libx.so.10", "libx.so.9", "libx.so.2")

    def test_the_age_of_a_version_with_letters_is_what_ldconfig_takes_it_for(self) -> None:
        qhull = ["libqhull_r.so.8.1", "libqhull_r.so.8.1-alpha3", "libqhull_r.so.8.1.0"]
        assert spellings("qhull_r", qhull) == (
            "libqhull_r.so.8.1.0",
            "libqhull_r.so.8.1-alpha3",
            "libqhull_r.so.8.1",
        )
        openssl = ["libssl.so.1.1.1", "libssl.so.1.1.1k", "libssl.so.1.1.1b", "libssl.so.1.1.0z"]
        assert spellings("ssl", openssl) == (
            "libssl.so.1.1.1k",
            "libssl.so.1.1.1b",
            "libssl.so.1.1.1",
            "libssl.so.1.1.0z",
        )

    def test_a_library_without_an_unversioned_name_is_found(self) -> None:
        assert spellings("png16", ["libpng16.so.16"]) == ("libpng16.so.16",)

    def test_other_libraries_and_what_is_no_version_are_left_out(self) -> None:
        listing = [
            "libmir_f.so",
            "libmirror.so",
            "mir.so",
            "libmir.a",
            "libmir.so.bak",
            "libmir.so.1.debug",
            "libmir.so.",
        ]
        assert spellings("mir", [*listing, "libmir.so~", "libmir.so.²", "Libmir.so"]) == ()

    def test_characters_of_a_name_are_not_a_pattern(self) -> None:
        assert spellings("c++", ["libc++.so", "libccc.so", "libc++.so.1"]) == ("libc++.so", "libc++.so.1")

    def test_the_answer_does_not_depend_on_the_order_of_the_directory(self) -> None:
        listing = ["libx.so.01", "libx.so.1", "libx.so", "libx.so.1.0"]
        assert spellings("x", listing) == spellings("x", listing[::-1])


def test_a_name_is_also_looked_for_in_the_spellings_that_people_take_for_it() -> None:
    assert respelled("Eckit-Geo") == ("eckit-geo", "eckit_geo")
    assert respelled("libmir") == ("mir",)
    assert respelled("mir") == ()

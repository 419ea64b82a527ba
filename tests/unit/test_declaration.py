"""What a source declares, without running it."""

from __future__ import annotations

import sys
import threading
import warnings

import pytest

from findlibs2.declaration import MAX_SOURCE, Declaration, Source, may_warn, mentions, of_attributes, read
from findlibs2.notes import BadDeclaration, DependenciesUnknown

INIT = "/site/mirlib/__init__.py"
NOT_LITERAL = "is not assigned a literal list of names"


def said(source: str | bytes) -> Declaration:
    return read(source.encode() if isinstance(source, str) else source, INIT, "mirlib")


def why_unknown(source: str | bytes) -> str:
    """The reason, of a declaration of which nothing else is known."""
    found = said(source)
    (problem,) = found.problems
    assert isinstance(problem, DependenciesUnknown)
    assert found == Declaration(None, True, problems=(DependenciesUnknown("mirlib", INIT, problem.reason),))
    return problem.reason


def bad(line: int, attribute: str, value: str) -> BadDeclaration:
    return BadDeclaration("mirlib", INIT, line, attribute, value)


class TestLiterals:
    def test_a_published_source_is_three_literal_lines(self) -> None:
        published = (
            "__version__ = '1.30.2.33'\n"
            "__commit_hash__ = '5a2b08b8b5a29fd9924c1689091abe50f3f8dafc'\n"
            'findlibs_dependencies = ["eccodeslib", "eckitlib", "atlaslib_ecmwf"]\n'
        )
        assert said(published) == Declaration(("eccodeslib", "eckitlib", "atlaslib_ecmwf"), True, "1.30.2.33")

    def test_a_published_source_is_read_without_the_parser(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr("findlibs2.declaration.parsed")
        published = "__version__ = '2.5.0.33'\n__commit_hash__ = '11fa27c9'\nfindlibs_dependencies = []\n"
        assert said(published) == Declaration((), True, "2.5.0.33")

    @pytest.mark.parametrize(
        "source",
        [
            'depends_on = ["a", "b"]',
            "depends_on = ('a', 'b')",
            "depends_on = 'a', 'b'",
            'depends_on: list[str] = ["a", "b"]',
            'depends_on = findlibs_dependencies = ["a", "b"]',
            'DEPENDS = depends_on = ["a", "b"]',
            'depends_on = [\n    "a",  # first\n    "b",\n]',
            'depends_on = ["a" "", "b"]',
            'depends_on = None\ndepends_on = ["a", "b"]',
            'depends_on = compute()\ndepends_on = ["a", "b"]',
            '"""A docstring."""\nimport os\ndepends_on = ["a", "b"]\nif os.name == "nt":\n    os.add("lib")',
            '\ufeffdepends_on = ["a", "b"]',
            'depends_on = ["a", "b"]\r\n',
            'depends_on: "list[str]"\ndepends_on = ["a", "b"]',
        ],
    )
    def test_a_plain_assignment_of_a_literal_is_read_however_it_is_written(self, source: str) -> None:
        assert said(source) == Declaration(("a", "b"), True)

    def test_an_empty_list_is_a_declaration(self) -> None:
        assert said("findlibs_dependencies = []") == Declaration((), True)

    def test_both_attributes_are_one_list_the_documented_one_first(self) -> None:
        both = 'findlibs_dependencies = ["b", "c"]\ndepends_on = ["a", "b"]'
        assert said(both) == Declaration(("a", "b", "c"), True)

    def test_a_name_in_either_spelling_is_an_import_name_once(self) -> None:
        spellings = 'depends_on = ["atlaslib-ecmwf", "eckitlib", "atlaslib_ecmwf"]'
        assert said(spellings) == Declaration(("atlaslib_ecmwf", "eckitlib"), True)

    def test_a_package_that_needs_itself_needs_nothing_for_it(self) -> None:
        assert said('depends_on = ["mirlib", "eckitlib"]') == Declaration(("eckitlib",), True)

    def test_a_source_in_another_encoding_is_read_as_it_says(self) -> None:
        latin = '# coding: latin-1\nauthor = "Jürgen"\ndepends_on = ["a"]\n'.encode("latin-1")
        assert said(latin) == Declaration(("a",), True)


class TestNoDeclaration:
    @pytest.mark.parametrize(
        "source",
        [
            "",
            "import os\n",
            "from x import *\n",
            "this is not Python",
            "\0",
            "# depends_on is not used here\n",
            'words = "depends_on"\n',
            '__commit_hash__ = "depends_on"',
            "class Task:\n    depends_on = []\n",
            "def f(task):\n    depends_on = task.depends_on\n    return depends_on\n",
            "task.depends_on = []\n",
            "depends_on: list[str]\n",
            "f(depends_on=[])\n",
            pytest.param("x = 1\n" * MAX_SOURCE, id="a long source"),
        ],
    )
    def test_a_source_that_binds_neither_attribute_declares_nothing(self, source: str) -> None:
        assert said(source) == Declaration((), False)

    def test_its_version_is_read_all_the_same(self) -> None:
        assert said('__version__ = "2.0"') == Declaration((), False, "2.0")


class TestVersion:
    @pytest.mark.parametrize(
        "source",
        [
            '__version__ = "1.2"',
            '__version__: str = "1.2"',
            '__version__ = VERSION = "1.2"\nVERSION_INFO = tuple(map(int, __version__.split(".")))',
            '__version__ = get()\n__version__ = "1.2"\nprint(__version__)',
        ],
    )
    def test_a_literal_version_is_read_and_reading_it_does_not_change_it(self, source: str) -> None:
        assert said(f"{source}\ndepends_on = []") == Declaration((), True, "1.2")

    @pytest.mark.parametrize(
        "source",
        [
            "__version__ = 12",
            "__version__ = get()",
            "from ._version import __version__",
            '__version__ = "1.2"\nif dev:\n    __version__ += ".dev"',
            '__version__ = "1.2"\n__version__ += ".dev"',
        ],
    )
    def test_any_other_version_is_not_known(self, source: str) -> None:
        assert said(f"{source}\ndepends_on = []") == Declaration((), True, None)

    def test_the_version_is_known_where_the_dependencies_are_not(self) -> None:
        unknown = DependenciesUnknown("mirlib", INIT, f"line 2: depends_on {NOT_LITERAL}")
        assert said('__version__ = "1.2"\ndepends_on = f()') == Declaration(None, True, "1.2", (unknown,))


class TestVisibility:
    @pytest.mark.parametrize(
        ("source", "visibility"),
        [
            ('depends_on = []\nfindlibs_visibility = "global"\n', "global"),
            ('depends_on: list = []\nfindlibs_visibility: str = "global"\nprint(findlibs_visibility)\n', "global"),
            ('depends_on = make()\nfindlibs_visibility = "global"\n', "global"),
            ("depends_on = []\n", None),
            ("depends_on = []\nfindlibs_visibility = visibility()\n", None),
            ("depends_on = []\nfindlibs_visibility = 1\n", None),
        ],
    )
    def test_it_is_what_a_literal_says(self, source: str, visibility: str | None) -> None:
        assert said(source).visibility == visibility

    def test_a_module_that_was_imported_says_it_too(self) -> None:
        found = {"depends_on": [], "findlibs_visibility": "global"}
        assert of_attributes(found, Source(b"", INIT, "mirlib")).visibility == "global"


class TestNotLiteral:
    @pytest.mark.parametrize(
        ("source", "line"),
        [
            ("depends_on = compute()", 1),
            ('depends_on = ["a"] + ["b"]', 1),
            ('depends_on = ["a", name]', 1),
            ('depends_on = [*others, "a"]', 1),
            ('depends_on = [f"{name}lib"]', 1),
            ("depends_on = other", 1),
            ('depends_on = ["a"] if linux else []', 1),
            ('depends_on = [each for each in ("a",)]', 1),
            ('depends_on = ["a"]\ndepends_on += ["b"]', 2),
            ('depends_on = ["a"]\ndepends_on.append("b")', 2),
            ('depends_on = ["a"]\ndepends_on[0] = "b"', 2),
            ('depends_on = ["a"]\nextend(depends_on)', 2),
            ('depends_on = ["a"]\nlast = depends_on.pop()', 2),
            ('depends_on = ["a"]\ndel depends_on', 2),
            ('depends_on, other = ["a"], 1', 1),
            ('other = (depends_on := ["a"])', 1),
            ('\nif linux:\n    depends_on = ["a"]', 2),
            ('try:\n    depends_on = ["a"]\nexcept ImportError:\n    pass', 1),
            ("try:\n    f()\nexcept ImportError as depends_on:\n    pass", 1),
            ("with f() as depends_on:\n    pass", 1),
            ("for depends_on in f():\n    pass", 1),
            ("match f():\n    case [*depends_on]:\n        pass", 1),
            ('match f():\n    case {"a": 1, **depends_on}:\n        pass', 1),
            ("from ._names import depends_on", 1),
            ("from ._names import names as depends_on", 1),
            ("import depends_on.names", 1),
            ("def depends_on(): ...", 1),
            ("class depends_on: ...", 1),
            ('def f():\n    global depends_on\n    depends_on = ["a"]\nf()', 1),
            ('class C:\n    def f(self):\n        global depends_on\n        depends_on = ["a"]', 1),
        ],
    )
    def test_what_only_running_it_would_tell_is_unknown_and_the_line_is_named(self, source: str, line: int) -> None:
        assert why_unknown(source) == f"line {line}: depends_on {NOT_LITERAL}"

    def test_one_attribute_that_is_unknown_makes_both_unknown(self) -> None:
        mixed = 'depends_on = ["a"]\nfindlibs_dependencies = f()'
        assert why_unknown(mixed) == f"line 2: findlibs_dependencies {NOT_LITERAL}"


class TestNotParsed:
    def test_a_source_of_64_kib_is_parsed(self) -> None:
        source = 'depends_on = ["a"]\n#'
        assert said(source + "x" * (MAX_SOURCE - len(source))) == Declaration(("a",), True)

    def test_a_longer_one_is_not(self) -> None:
        source = 'depends_on = ["a"]\n#'
        assert why_unknown(source + "x" * (MAX_SOURCE + 1 - len(source))) == "its source is longer than 64 KiB"

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            (b"depends_on = [", "SyntaxError: '[' was never closed (__init__.py, line 1)"),
            (b"depends_on = []\n\xff = 1", "SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff"),
            (b"# coding: nonsense\ndepends_on = []", "SyntaxError: unknown encoding: nonsense"),
        ],
    )
    def test_the_words_of_the_parser_are_kept(self, source: bytes, reason: str) -> None:
        assert why_unknown(source).startswith(f"its source cannot be parsed: {reason}")

    @pytest.mark.parametrize(
        "source",
        [
            pytest.param(b"depends_on = []\0", id="a null byte"),
            pytest.param("depends_on = []".encode("utf-16"), id="another encoding than it says"),
            pytest.param(b"depends_on = []\nx = " + b"1" * 60_000, id="a number too long to read"),
            pytest.param(b"depends_on = []\nx = " + b"(" * 30_000 + b")" * 30_000, id="deep parentheses"),
            pytest.param(b"depends_on = []\nx = " + b"-" * 65_000 + b"1", id="deep negation"),
            pytest.param(b"depends_on = []\nx = " + b"not " * 16_000 + b"1", id="deep nots"),
            pytest.param(b"depends_on = []\nx = " + b"lambda:" * 9_000 + b"1", id="deep lambdas"),
        ],
    )
    def test_what_the_parser_refuses_is_unknown(self, source: bytes) -> None:
        found = said(source)
        assert found in (Declaration(), Declaration(None, True, problems=found.problems))

    @pytest.mark.parametrize(
        "part", [b"+1", b".a", b"()", b"[0]", b"**1", b" if 1 else 1", b"<1"], ids=lambda part: part.decode()
    )
    def test_a_deep_tree_never_ends_the_process(self, part: bytes) -> None:
        start = b"depends_on = []\nfindlibs_dependencies = x"
        found = said(start + part * ((MAX_SOURCE - len(start)) // len(part)))
        assert found.depends_on is None


class TestBadDeclarations:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ('"eckitlib"', '"eckitlib"'),
            ("None", "None"),
            ("3", "3"),
            ("{'a', 'b'}", "{'a', 'b'}"),
            ('{"a": "1"}', '{"a": "1"}'),
            ("[1]", "[1]"),
            ('["a", None]', '["a", None]'),
            ('[["a"]]', '[["a"]]'),
            ('[\n    "a",\n    b"b",\n]', '[ "a", b"b", ]'),
            (f"[{'1, ' * 40}]", f"[{'1, ' * 40}]"[:80]),
        ],
    )
    def test_a_literal_that_is_no_list_of_str_names_nothing(self, value: str, shown: str) -> None:
        assert said(f"\ndepends_on = {value}") == Declaration((), True, None, (bad(2, "depends_on", shown),))

    @pytest.mark.parametrize("name", ["", ".", "../evil", "a b", "1lib", "a/b", "-r"])
    def test_a_str_that_can_be_no_package_is_left_out_and_the_others_stand(self, name: str) -> None:
        value = f'["eckitlib", "{name}"]'
        expected = Declaration(("eckitlib",), True, None, (bad(1, "depends_on", value),))
        assert said(f"depends_on = {value}") == expected

    def test_each_attribute_is_judged_alone(self) -> None:
        mixed = 'depends_on = "a"\nfindlibs_dependencies = ["b"]'
        assert said(mixed) == Declaration(("b",), True, None, (bad(1, "depends_on", '"a"'),))

    def test_the_value_is_shown_as_it_is_written_behind_characters_of_several_bytes(self) -> None:
        source = '\ufeffname = "é"; depends_on = "ü"; other = 1'
        assert said(source).problems == (bad(1, "depends_on", '"ü"'),)


class TestWarnings:
    """ "No warning is shown, or becomes an error": an invalid escape, a number that runs into a keyword."""

    WARNED = (
        r'pattern = "\d"' + '\ndepends_on = ["a"]',
        'depends_on = ["a"]\nx = 1if 1else 0',
        'x = 0xfor 1\ndepends_on = ["a"]',
    )

    @pytest.mark.parametrize("source", WARNED)
    def test_a_source_that_the_parser_warns_of_is_read_without_a_word(self, source: str) -> None:
        for action in ("error", "always"):
            with warnings.catch_warnings(record=True) as shown:
                warnings.simplefilter(action)
                assert said(source) == Declaration(("a",), True)
            assert shown == []

    def test_the_rules_of_others_are_as_before(self) -> None:
        before = list(warnings.filters)
        said(self.WARNED[0])
        said(b"depends_on = '\\d' + [")
        assert list(warnings.filters) == before

    def test_the_rules_of_others_are_as_before_when_many_threads_read_at_once(self) -> None:
        before = list(warnings.filters)
        threads = [threading.Thread(target=lambda: [said(self.WARNED[0]) for _ in range(50)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(warnings.filters) == before

    def test_a_published_source_does_not_need_the_module_warnings(self) -> None:
        assert not may_warn(b"__version__ = '2.5.0.33'\n__commit_hash__ = '0e1f27c9a'\nfindlibs_dependencies = []\n")


class TestNothingRuns:
    def test_a_source_is_not_executed(self) -> None:
        marker = "findlibs2_test_declaration_was_executed"
        said(f'import sys\nsys.{marker} = True\ndepends_on = ["a"]')
        assert not hasattr(sys, marker)


class TestMentions:
    def test_a_source_that_names_neither_attribute_needs_no_look(self) -> None:
        sources = [b"depends_on = []", b"x.findlibs_dependencies", b"dependencies = []", b""]
        assert [mentions(source) for source in sources] == [True, True, False, False]


class TestOfAttributes:
    """The same judgement over the values that an imported module has."""

    SOURCE = Source(b"import os\n\ndepends_on = compute()\n", INIT, "mirlib")

    def test_lists_and_tuples_of_names_are_read_as_from_a_source(self) -> None:
        values = {"findlibs_dependencies": ("b", "mirlib"), "depends_on": ["a-b", "b"], "__version__": "1.2"}
        assert of_attributes(values, self.SOURCE) == Declaration(("a_b", "b"), True, "1.2")

    def test_a_module_without_attributes_declares_nothing(self) -> None:
        assert of_attributes({}, self.SOURCE) == Declaration((), False)

    @pytest.mark.parametrize("value", ["eckitlib", None, 3, {"a"}, {"a": 1}, ["a", 1]])
    def test_any_other_value_is_a_bad_declaration_where_the_source_names_it_first(self, value: object) -> None:
        expected = Declaration((), True, None, (bad(3, "depends_on", repr(value)),))
        assert of_attributes({"depends_on": value}, self.SOURCE) == expected

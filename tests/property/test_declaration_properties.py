"""Reading a declaration, against the parser itself."""

from __future__ import annotations

import ast
import warnings

from hypothesis import example, given
from hypothesis import strategies as st

from findlibs2.declaration import MAX_SOURCE, Declaration, published, read

WORDS = (
    "'",
    '"',
    "[",
    "]",
    ",",
    " = ",
    " ",
    "\n",
    "=",
    "#",
    "\\",
    "\r",
    "\t",
    "\f",
    "\0",
    "é",
    "a",
    "1",
    "+",
    "*",
    "(",
    ")",
)
NAMES = ("depends_on", "findlibs_dependencies", "__version__", "__commit_hash__", "None", "x")
VALUES = (
    "'eckitlib'",
    '"eckitlib"',
    "['a', \"b\"]",
    "[]",
    "''",
    "[ 'a' ]",
    "['a',]",
    "['a' 'b']",
    "f'a'",
    "b'a'",
    "'''a'''",
)
LINES = st.builds(
    "{}{}{}".format, st.sampled_from(NAMES), st.sampled_from((" = ", "=", " =  ")), st.sampled_from(VALUES)
)
NOISE = st.lists(st.sampled_from((*WORDS, *NAMES, *VALUES)), max_size=12).map("".join)
SOURCES = st.lists(LINES | NOISE, max_size=5).map("\n".join).map(str.encode)


def assigned(source: bytes) -> dict[str, object]:
    """What a module of nothing but assignments of literals assigns, by the parser. Errors: it is another module."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = ast.parse(source)
    found: dict[str, object] = {}
    for statement in tree.body:
        assert isinstance(statement, ast.Assign)
        (target,) = statement.targets
        assert isinstance(target, ast.Name)
        found[target.id] = ast.literal_eval(statement.value)
    return found


class TestPublished:
    """ "What is accepted here has one meaning in every Python and every encoding." """

    @given(SOURCES)
    @example(b"depends_on = ['a', \"b\"]\n\n__version__ = '1'")
    @example(b"depends_on = ['a\0']")
    @example(b"depends_on = ['a\r']")
    @example(b"depends_on = '''")
    @example(b"depends_on = 'ab")
    @example(b"depends_on = ['a\\x41']")
    @example(b"depends_on = ['a', 'b' 'c']")
    @example(b"depends_on = ['a, b']")
    def test_what_is_read_without_the_parser_is_what_the_parser_reads(self, source: bytes) -> None:
        found = published(source)
        if found is not None:
            assert {name: value.value for name, value in found.items()} == assigned(source)

    @given(st.lists(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), max_size=4), st.text("0123456789.", max_size=9))
    def test_a_source_as_it_is_published_needs_no_parser(self, names: list[str], version: str) -> None:
        source = f"__version__ = {version!r}\n__commit_hash__ = '0f'\nfindlibs_dependencies = {names!r}\n"
        assert published(source.encode()) is not None
        assert read(source.encode(), "/i.py", "p1") == Declaration(tuple(dict.fromkeys(names)), True, version)


class TestRead:
    """ "Never raises, never warns." """

    @given(SOURCES | st.binary(max_size=300).map(b"depends_on = [".__add__))
    def test_any_source_is_answered(self, source: bytes) -> None:
        assert len(source) <= MAX_SOURCE
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = read(source, "/site/mirlib/__init__.py", "mirlib")
        assert (found.depends_on is None) == ("dependencies-unknown" in [problem.code for problem in found.problems])

    @given(st.lists(LINES, max_size=4).map("\n".join).map(str.encode))
    def test_both_ways_of_reading_agree_in_all_that_they_say(self, source: bytes) -> None:
        if published(source) is not None:
            commented = source + b"\n# what no published source has, so the parser reads it"
            assert published(commented) is None
            assert read(source, "/i.py", "p") == read(commented, "/i.py", "p")

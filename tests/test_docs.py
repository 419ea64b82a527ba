"""The documentation is true: its examples run, its links lead somewhere, and every code has its section."""

from __future__ import annotations

import ast
import doctest
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from findlibs2 import config, errors, findings, legacy, model, names
from tests import house, need

PAGES = sorted([house.ROOT / "README.md", *(house.ROOT / "docs").rglob("*.md")])
LANGUAGES = {"python", "console", "toml", "ini", "text", "sh"}  # all but the last two are tried here; `sh` in .ci/run
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CITED = re.compile(r"`(tests/\w[\w/]*\.py(?:::\w+)*)`")
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
API = house.ROOT / "docs" / "reference" / "api.md"
SOURCES = house.ROOT / "docs" / "reference" / "sources.md"
CONFIGURATION = house.ROOT / "docs" / "reference" / "configuration.md"
CODES = house.ROOT / "docs" / "reference" / "codes.md"
PATIENCE = 300  # seconds


class Block(NamedTuple):
    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 1) for found in FENCE.finditer(text)]


def name(page: Path) -> str:
    return page.relative_to(house.ROOT).as_posix()


def having(language: str) -> list[Path]:
    return [page for page in PAGES if any(block.language == language for block in blocks(page))]


@pytest.fixture
def reader(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who reads: the published stack is installed, `python` is this one, nothing is set."""
    from tests.wheels import environments

    counter = "33" if sys.version_info >= (3, 11) else "27"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "FINDLIBS", "LD_"))}
    return {
        **kept,
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join([str(environments.environment(counter).site), str(house.ROOT)]),
        "HOME": str(tmp_path),
    }


# A page is one session: blocks run one after the other and see each other's names. What follows a prompt is compared.
SESSION = """
import doctest, json, sys
names, failures = {"__name__": "__main__"}, 0
runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
for page, line, text in json.load(sys.stdin):
    if text.startswith(">>>"):
        test = doctest.DocTestParser().get_doctest(text, names, page, page, line)
        failures += runner.run(test, clear_globs=False).failed
        names.update(test.globs)
    else:
        exec(compile("\\n" * line + text, page, "exec"), names)
sys.exit(bool(failures))
"""


@need.index()
@need.glibc()
@pytest.mark.parametrize("page", having("python"), ids=name)
def test_what_a_page_shows_in_python_is_what_happens(page: Path, reader: dict[str, str], tmp_path: Path) -> None:
    session = json.dumps([[name(page), block.line, block.text] for block in blocks(page) if block.language == "python"])
    command = [sys.executable, "-c", SESSION]
    ran = subprocess.run(
        command,
        input=session,
        env=reader,
        cwd=tmp_path,
        text=True,
        timeout=PATIENCE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert ran.returncode == 0, ran.stdout


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, and what each is said to print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


@need.index()
@need.glibc()
@pytest.mark.parametrize("page", having("console"), ids=name)
def test_what_a_page_shows_in_a_shell_is_what_happens(page: Path, reader: dict[str, str], tmp_path: Path) -> None:
    told, happened = [], []
    for block in blocks(page):
        for command, expected in commands(block.text) if block.language == "console" else ():
            printed = shell(command, reader, tmp_path)
            told.append((command, expected))
            happened.append((command, expected if agrees(expected, printed) else printed))
    assert happened == told


def shell(command: str, environment: dict[str, str], directory: Path) -> str:
    """What a command prints on both of its outputs, and below it how it ended if not well."""
    ran = subprocess.run(
        ["bash", "-c", command],
        env=environment,
        cwd=directory,
        text=True,
        timeout=PATIENCE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return ran.stdout + (f"(exit status {ran.returncode})\n" if ran.returncode else "")


STATUS = re.compile(r"^\(exit status \d+\)\n\Z", re.MULTILINE)


def agrees(expected: str, printed: str) -> bool:
    """`...` stands for any text, but never for the way in which a command ended."""
    endings = STATUS.findall(expected), STATUS.findall(printed)
    return endings[0] == endings[1] and doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_what_it_is(page: Path) -> None:
    assert [block for block in blocks(page) if block.language not in LANGUAGES] == []


def test_every_configuration_that_a_page_shows_is_one(tmp_path: Path) -> None:
    shown = [block.text for page in PAGES for block in blocks(page) if block.language == "toml"]
    of_projects = [text for text in shown if text.startswith("[project")]
    for text in shown:
        if text not in of_projects:
            (tmp_path / "config.toml").write_text(text)
            config.read(str(tmp_path / "config.toml"))
    assert len(shown) > len(of_projects) > 0


def test_every_old_file_that_a_page_shows_is_read() -> None:
    (shown,) = (block.text for page in PAGES for block in blocks(page) if block.language == "ini")
    read = legacy.read("file", shown.encode())
    assert [entry.problem for entry in read] == [None] * (shown.count("\n") - 1)


def test_the_sources_and_their_switches_are_those_of_the_code() -> None:
    told = {row[0]: row[2] for row in rows(SOURCES) if len(row) == 3}
    assert told == {"override": "", **names.SOURCES}


def test_the_keys_of_the_configuration_are_those_of_the_code() -> None:
    keys = {"sources", "paths", *(f"library.<name>.{key}" for key in config.READERS)}
    assert {row[0] for row in rows(CONFIGURATION)} == keys


def test_only_the_readme_has_blocks_that_run_nowhere_but_in_continuous_integration() -> None:
    """.ci/run takes its two commands from there, by position."""
    found = {name(page): [block.text.count("\n") for block in blocks(page) if block.language == "sh"] for page in PAGES}
    assert {page: lines for page, lines in found.items() if lines} == {"README.md": [1, 1]}


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text("utf-8"))
    dead = [link for link in LINK.findall(prose) if not link.startswith("https://") and not leads(page, link)]
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_test_that_a_page_cites_is_there(page: Path) -> None:
    cited = CITED.findall(page.read_text("utf-8"))
    assert [test for test in cited if not stands(*test.split("::"))] == []


def stands(module: str, *names: str) -> bool:
    """Whether the module has a class or function of each of these names, one inside the other."""
    path = house.ROOT / module
    body: list[ast.stmt] = ast.parse(path.read_text("utf-8")).body if path.is_file() else []
    for wanted in names:
        inside = [node for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == wanted]
        body = inside[0].body if inside else []
    return bool(body)


def leads(page: Path, link: str) -> bool:
    where, _, fragment = link.partition("#")
    target = (page.parent / where).resolve() if where else page
    if not target.is_file() or not fragment:
        return target.is_file()
    return fragment in {anchor(heading) for _, heading in HEADING.findall(target.read_text("utf-8"))}


def test_every_page_can_be_reached_from_the_index() -> None:
    index = house.ROOT / "docs" / "index.md"
    linked = {(index.parent / link).resolve() for link in LINK.findall(index.read_text("utf-8"))}
    assert linked == {page for page in PAGES if page.name not in ("README.md", "index.md")}


def rows(page: Path) -> list[tuple[str, ...]]:
    """Rows of all tables on a page that hold nothing but names in backquotes."""
    cells = [line.strip("|").split("|") for line in page.read_text("utf-8").splitlines() if line.startswith("| `")]
    return [tuple(" ".join(re.findall(r"`([^`]+)`", cell)) for cell in row) for row in cells]


def test_the_tables_of_irregular_names_are_those_of_the_code() -> None:
    held, aliases = sorted(names.HELD.items()), sorted((name, *meant) for name, meant in names.ALIASES.items())
    assert rows(house.ROOT / "docs" / "reference" / "wrapper-packages.md") == [*held, *aliases]


def test_the_nouns_have_the_fields_that_the_page_says() -> None:
    told = {row[0]: row[2] for row in rows(API) if len(row) == 3}
    assert told == {noun: " ".join(getattr(model, noun)._fields) for noun in told}


def test_the_errors_are_also_what_the_page_says() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and len(each.__bases__) == 2]
    told = {row[0]: row[1] for row in rows(API) if len(row) == 4}
    assert told == {kind.__name__: kind.__bases__[1].__name__ for kind in kinds}


def kinds() -> dict[str, str]:
    """Every code of a finding, with its severity."""
    every = [kind for kind in vars(findings).values() if isinstance(kind, type) and issubclass(kind, model.Finding)]
    return {kind.code: kind.severity for kind in every if kind.code}


def codes_of_errors() -> set[str]:
    """What the words of an error without findings carry as its code."""
    trees = [ast.walk(house.tree(module)) for module in ("report", "shim")]
    calls = [node for tree in trees for node in tree if isinstance(node, ast.Call) and len(node.args) > 1]
    codes = [call.args[1] for call in calls if ast.unparse(call.func) == "beats"]
    return {str(code.value) for code in codes if isinstance(code, ast.Constant)}


def sections(part: int) -> list[str]:
    """Titles of the sections of one part of the page: 0 findings, 1 files, 2 errors."""
    parts = re.split(r"^# Codes of .*$", CODES.read_text("utf-8"), flags=re.MULTILINE)
    return sorted(re.findall(r"^## (\S+)$", parts[part], re.MULTILINE))


def test_every_code_of_a_finding_has_a_section_and_every_section_a_code() -> None:
    assert sections(0) == sorted(kinds())


def test_every_code_of_a_file_has_a_section_and_every_section_a_code() -> None:
    assert sections(1) == sorted(re.findall(r'"([a-z-]+)"', model.FileProblem.__doc__ or ""))


def test_every_code_of_an_error_has_a_section_and_every_section_a_code() -> None:
    assert sections(2) == sorted(codes_of_errors())


def test_every_section_of_a_finding_begins_with_its_severity() -> None:
    written = re.findall(r"^## (\S+)\n\n\*\*(\w+)\.\*\*", CODES.read_text("utf-8"), re.MULTILINE)
    assert dict(written) == kinds()

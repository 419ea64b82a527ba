"""The shim wheel: what is in it, how it is written, and what is said where it cannot be."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

import findlibs2
from findlibs2 import shim
from tests import need
from tests.wheels.run import run
from tests.words.said import requirements

FILES = ["findlibs/__init__.py", *(f"{shim.METADATA}/{name}" for name in ("METADATA", "WHEEL", "RECORD"))]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return Path(shim.build(str(tmp_path)))


def test_its_name_is_that_of_a_findlibs_for_every_python(wheel: Path) -> None:
    name, version, build, tags = parse_wheel_filename(wheel.name)
    assert (name, str(version), build, [str(tag) for tag in tags]) == (
        "findlibs",
        "0.1.3+findlibs2",
        (),
        ["py3-none-any"],
    )


@pytest.mark.parametrize("specifier", ["", "==0.1.3", ">=0.1.0", "~=0.1.1", ">=0.1.3,<1"])
def test_whoever_requires_findlibs_0_1_3_is_content_with_it(specifier: str) -> None:
    assert SpecifierSet(specifier).contains(findlibs2.compat.__version__)


def test_it_holds_one_module_and_says_what_it_requires(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.namelist() == FILES
        metadata = Parser().parsestr(archive.read(f"{shim.METADATA}/METADATA").decode())
    required = {name: metadata[name] for name in ("Name", "Version", "Requires-Python", "Requires-Dist")}
    assert required == {
        "Name": "findlibs",
        "Version": "0.1.3+findlibs2",
        "Requires-Python": ">=3.10",
        "Requires-Dist": f"findlibs2>={findlibs2.__version__}",
    }


def test_record_has_the_hash_and_the_size_of_every_file_but_itself(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        rows = list(csv.reader(archive.read(FILES[-1]).decode().splitlines()))
        expected = [[name, digest(archive.read(name)), str(archive.getinfo(name).file_size)] for name in FILES[:-1]]
    assert rows == [*expected, [FILES[-1], "", ""]]


def digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def test_it_is_the_same_to_the_byte_wherever_and_whenever_it_is_built(wheel: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    env = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1700000000"}
    done = run(
        "import os; os.umask(0o077)\nfrom findlibs2 import shim\nprint(shim.build('other'))", env=env, cwd=tmp_path
    )
    assert done.stdout == f"{other / wheel.name}\n", done.stderr
    assert (other / wheel.name).read_bytes() == wheel.read_bytes()


def test_it_replaces_an_older_one_whole(wheel: Path) -> None:
    whole = wheel.read_bytes()
    wheel.write_bytes(b"older")
    opened = wheel.open("rb")
    assert shim.build(str(wheel.parent)) == str(wheel)
    with opened:
        assert (opened.read(), wheel.read_bytes(), os.listdir(wheel.parent)) == (b"older", whole, [wheel.name])


MESSAGE = """\
the shim wheel cannot be written: {cause} [not-written]
    file         {directory}/{name}
    the system   {said}{fix}"""


def said(directory: Path | str) -> str:
    with pytest.raises(OSError) as raised:
        shim.build(str(directory))
    assert isinstance(raised.value, findlibs2.FindlibsError)
    return str(raised.value)


def test_a_directory_that_is_missing(tmp_path: Path) -> None:
    directory = tmp_path / "my wheels"
    assert said(directory) == MESSAGE.format(
        cause=f"there is no directory {directory}",
        directory=directory,
        name=shim.NAME,
        said="No such file or directory",
        fix=f"\n  fix: mkdir -p '{directory}'",
    )


def test_a_file_in_place_of_the_directory(wheel: Path) -> None:
    cause = f"{wheel} is no directory"
    assert said(wheel) == MESSAGE.format(cause=cause, directory=wheel, name=shim.NAME, said="Not a directory", fix="")


def test_a_directory_in_place_of_the_wheel(tmp_path: Path) -> None:
    (tmp_path / shim.NAME).mkdir()
    cause = f"{tmp_path} holds a directory of the name {shim.NAME}"
    assert said(tmp_path) == MESSAGE.format(
        cause=cause, directory=tmp_path, name=shim.NAME, said="Is a directory", fix=""
    )
    assert os.listdir(tmp_path) == [shim.NAME]


@need.root()
def test_a_directory_of_somebody_else(tmp_path: Path) -> None:
    """The superuser may write anywhere, so somebody else builds."""
    code = "import findlibs2.shim, os\nos.setuid(65534)\ntry: findlibs2.shim.build({!r})\nexcept OSError as e: print(e)"
    done = run(code.format(str(tmp_path)))
    cause = f"{tmp_path} may not be written to"
    assert done.stdout == (
        MESSAGE.format(cause=cause, directory=tmp_path, name=shim.NAME, said="Permission denied", fix="\n")
    )


def test_the_error_can_be_pickled() -> None:
    import pickle

    error = shim.NotWrittenError("/a/wheel", "No such file or directory", 2)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def command(*words: str, cwd: Path) -> tuple[int, str, str]:
    """How `findlibs2 shim` ends, and what it says on its two outputs."""
    done = run(f"from findlibs2 import cli; sys.exit(cli.main({['shim', *words]!r}))", requirements(), cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def test_the_command_line_prints_the_path_and_how_to_install_it(tmp_path: Path) -> None:
    path = tmp_path / shim.NAME
    install = f"install it in the place of findlibs: pip install {path}\n"
    assert command("--output", ".", cwd=tmp_path) == (0, f"{path}\n", install)
    assert path.read_bytes() == shim.wheel()


def test_the_command_line_tells_what_went_wrong(tmp_path: Path) -> None:
    status, out, err = command("--output", "nowhere", cwd=tmp_path)
    first = f"findlibs2: the shim wheel cannot be written: there is no directory {tmp_path}/nowhere [not-written]"
    assert (status, out, err.splitlines()[0]) == (1, "", first)


def test_the_command_line_wants_to_know_where(tmp_path: Path) -> None:
    status, out, err = command(cwd=tmp_path)
    assert (status, out, err.splitlines()[-1].partition(": ")[2]) == (
        2,
        "",
        "error: the following arguments are required: --output",
    )

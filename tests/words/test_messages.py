"""Every error that `load` can end in, as a person sees it: the whole text. Nothing is loaded in any of them."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests import need
from tests.build.elf import library
from tests.wheels.made import wrapper
from tests.words.said import said

pytestmark = need.glibc()

# The interpreter itself may lie where others cannot read: what a message needs is imported before.
BECOME_NOBODY = """
import os, ctypes, email.parser, findlibs2, findlibs2.findings, findlibs2.metadata, packaging.requirements
findlibs2.metadata.version("mirlib")
try:
    findlibs2.load("nosuch")
except findlibs2.NotFoundError as error:
    str(error)
os.setuid(65534)
"""
ONLY_HEADERS = "import os\nos.environ['FINDLIBS2_VERIFY'] = 'headers'\n"
NOT_OPENED = "  the loader, which opened nothing: {}: cannot open shared object file: No such file or directory"
REINSTALL = "  fix: pip install --force-reinstall --no-deps mirlib==1.30.2.33"


def test_the_stack_of_these_tests_loads(site: Path) -> None:
    assert said(site, "mir") == "loaded"


def elsewhere(name: str) -> str:
    """What is told of all sources outside the wrappers, where nothing is set and nothing is there."""
    stem = name.upper()
    roots = ("/", "/usr", "/usr/local", "/opt", "/opt/homebrew", "~/.local")
    return "\n".join(
        [
            "    python   SITE/prefix   does not exist",
            f"    home   {{{stem}LIB,{stem}}}_{{HOME,DIR,ROOT}}, CMAKE_PREFIX_PATH   not set",
            "    config   search paths   none are configured",
            "    library-path   LD_LIBRARY_PATH   not set",
            *(f"    system   {root}   holds no lib{name}.so" for root in roots),
            f"    ld-cache   /etc/ld.so.cache   no lib{name}.so",
        ]
    )


def test_unknown_name(site: Path) -> None:
    assert said(site, "nosuch") == (
        f"""NotFoundError
the library 'nosuch' is nowhere to be found [not-found]
    override   FINDLIBS2_LIB_NOSUCH   not set
    package   nosuchlib   not installed
    package   eckitlib   holds no libnosuch.so
    package   mirlib   holds no libnosuch.so
{elsewhere("nosuch")}
  fix: export FINDLIBS2_LIB_NOSUCH=FILE     # the library itself; or install the wrapper package that holds it"""
    )


@pytest.mark.parametrize("name", ["Mir", "libmir", "LIBMIR"])
def test_a_name_in_another_spelling(site: Path, name: str) -> None:
    cause, *_, fix = said(site, name).split("\n")[1:]
    assert cause == f"the library {name!r} is nowhere to be found; 'mir' is [not-found]"
    assert fix == "  fix: ask for 'mir'"


def test_a_package_that_declares_nothing_is_no_wrapper(site: Path) -> None:
    wrapper(site, "odd", [], [])
    (site / "oddlib" / "__init__.py").write_text("x = 1\n")
    assert said(site, "odd") == (
        f"""NotFoundError
the library 'odd' is nowhere to be found [not-found]
    override   FINDLIBS2_LIB_ODD   not set
    package   SITE/oddlib   oddlib declares neither depends_on nor findlibs_dependencies: no wrapper
    package   eckitlib   holds no libodd.so
    package   mirlib   holds no libodd.so
{elsewhere("odd")}
  fix: export FINDLIBS2_LIB_ODD=FILE     # the library itself; or install the wrapper package that holds it"""
    )
    assert said(site, "odd", "oddlib") == "loaded"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "'' is not the name of a library: the name of a library is not empty [bad-name]"),
        ("..", "'..' is not the name of a library: the name of a library does not start with \".\" [bad-name]"),
        ("libmir.so", "'libmir.so' is not the name of a library: that is the name of a file; write \"mir\" [bad-name]"),
    ],
)
def test_what_can_be_no_name(site: Path, name: str, reason: str) -> None:
    assert said(site, name) == f"BadNameError\n{reason}"


def test_missing_dependency(site: Path) -> None:
    (site / "eckitlib").rename(site / "gone")
    (site / "eckitlib-2.5.0.33.dist-info").rename(site / "gone.dist")
    assert said(site, "mir") == (
        f"""RefusedError
mir cannot be loaded: libeckit.so, which libmir.so needs, is nowhere to be found [missing-library]
    needed by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33
    package   mirlib   holds no libeckit.so
    ld.so.cache   no libeckit.so
  fix: pip install eckitlib==2.5.0.33     # what mirlib's own metadata asks for
  warning: eckitlib, which mirlib depends on, is not installed [package-missing]
        package   eckitlib   not installed
{NOT_OPENED.format("libeckit.so")}"""
    )


def test_missing_vendored_library(site: Path, libmir: Path) -> None:
    libmir.write_bytes(library("libmir.so", ["libeckit.so", "liblz4-0414571a.so.1.10.0"]))
    for metadata in site.glob("mirlib-*"):
        (metadata / "RECORD").write_text("mirlib.libs/liblz4-0414571a.so.1.10.0,,\n")
    assert said(site, "mir") == (
        f"""RefusedError
mir cannot be loaded: liblz4-0414571a.so.1.10.0, which libmir.so needs, is nowhere to be found [missing-library]
    needed by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33
    package   mirlib, eckitlib   hold no liblz4-0414571a.so.1.10.0
    ld.so.cache   no liblz4-0414571a.so.1.10.0
{REINSTALL}
{NOT_OPENED.format("liblz4-0414571a.so.1.10.0")}"""
    )


def test_everything_that_is_missing_is_told_at_once(site: Path, libmir: Path) -> None:
    libmir.write_bytes(library("libmir.so", ["libone.so", "libtwo.so"]))
    told = said(site, "mir").split("\n")
    assert told[1] == "mir cannot be loaded, for 2 reasons"
    assert [line for line in told if "missing-library" in line] == [
        "libone.so, which libmir.so needs, is nowhere to be found [missing-library]",
        "libtwo.so, which libmir.so needs, is nowhere to be found [missing-library]",
    ]


def test_the_loader_is_not_asked_where_it_would_search_what_anyone_can_create(site: Path, libmir: Path) -> None:
    open_to_all = site / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    libmir.write_bytes(library("libmir.so", ["libgone.so"], rpath=f"{open_to_all}/lib:lib64"))
    assert said(site, "mir") == (
        """RefusedError
mir cannot be loaded: libgone.so, which libmir.so needs, is nowhere to be found [missing-library]
    needed by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33
    package   mirlib, eckitlib   hold no libgone.so
    RPATH   SITE/open/lib   not searched: anyone can write to SITE/open
    RPATH   lib64   not searched: relative to the current directory
    ld.so.cache   no libgone.so
  to try it nevertheless, at the risk of running what others put there: FINDLIBS2_VERIFY=off"""
    )


def test_wrong_machine(site: Path, libmir: Path) -> None:
    libmir.write_bytes(library("libmir.so", machine=183))
    assert said(site, "mir") == (
        f"""RefusedError
mir cannot be loaded: libmir.so is made for another machine [wrong-machine]
    file   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33
    is for   aarch64, 64-bit, little-endian
    process is   x86_64, 64-bit, little-endian
{REINSTALL}
  to try it nevertheless, at the risk of a crash: FINDLIBS2_VERIFY=off"""
    )


def bad_file(cause: str, seen: str, fix: str = REINSTALL) -> str:
    return (
        f"RefusedError\nmir cannot be loaded: libmir.so {cause} [bad-file]\n"
        f"    file   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33\n    seen   {seen}\n{fix}\n"
        "  to try it nevertheless, at the risk of a crash: FINDLIBS2_VERIFY=off"
    )


def test_empty_file(site: Path, libmir: Path) -> None:
    libmir.write_bytes(b"")
    assert said(site, "mir") == bad_file("is empty", "0 bytes")


def test_linker_script(site: Path, libmir: Path) -> None:
    libmir.write_text("/* GNU ld script */\nGROUP ( libother.so )\n")
    assert said(site, "mir") == bad_file(
        "is a text for the linker (an ld script), no library", "a script for the linker, which names the real library"
    )


def test_directory_with_the_name_of_a_library(site: Path, libmir: Path) -> None:
    libmir.unlink()
    libmir.mkdir()
    assert said(site, "mir") == bad_file("is a directory", "a directory")


def test_dangling_link(site: Path, libmir: Path) -> None:
    libmir.unlink()
    libmir.symlink_to("gone.so")
    assert said(site, "mir") == bad_file(
        "is a symbolic link to nothing", "a symbolic link to 'gone.so', which does not exist"
    )


def test_library_of_another_system(site: Path, libmir: Path) -> None:
    libmir.write_bytes(b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(100))
    assert said(site, "mir") == bad_file("is no library for this system", "a PE library (Windows)")


def test_truncated_file(site: Path, libmir: Path) -> None:
    whole = libmir.read_bytes()
    libmir.write_bytes(whole[:200])
    told = said(site, "mir")
    assert told == bad_file("is damaged", "the program header table ends at byte 232 of a file of 200 bytes (byte 64)")


def test_zeroed_program_headers(site: Path, libmir: Path) -> None:
    whole = libmir.read_bytes()
    libmir.write_bytes(whole[:64] + bytes(168) + whole[232:])
    assert said(site, "mir") == bad_file("is damaged", "no PT_LOAD: nothing of the file would be mapped")


@need.root()
def test_unreadable_file_for_an_unprivileged_user(site: Path, libmir: Path) -> None:
    libmir.chmod(0)
    for directory in (site, *site.parents[:-1]):
        directory.chmod(directory.stat().st_mode | 0o055)
    told = said(site, "mir", before=BECOME_NOBODY)
    fix = "  fix: chmod u+r SITE/mirlib/lib64/libmir.so     # or ask its owner"
    assert told == bad_file("cannot be read", "[Errno 13] Permission denied", fix)


def test_a_damaged_dependency_names_who_needs_it(site: Path) -> None:
    (site / "eckitlib" / "lib64" / "libeckit.so").write_bytes(b"")
    assert said(site, "mir") == (
        """RefusedError
mir cannot be loaded: libeckit.so is empty [bad-file]
    file   SITE/eckitlib/lib64/libeckit.so   eckitlib 2.5.0.33
    seen   0 bytes
    needed by   SITE/mirlib/lib64/libmir.so
  fix: pip install --force-reinstall --no-deps eckitlib==2.5.0.33
  to try it nevertheless, at the risk of a crash: FINDLIBS2_VERIFY=off"""
    )


def test_ring_of_libraries(site: Path) -> None:
    """Opened as one object. Where there can be none, nothing is opened."""
    (site / "eckitlib" / "lib64" / "libeckit.so").write_bytes(library("libeckit.so", ["libmir.so"]))
    none = "from findlibs2 import scopes\nscopes.open_object = lambda *_: None\n"
    assert said(site, "mir") == "loaded"
    assert said(site, "mir", before=none) == (
        """RefusedError
mir cannot be loaded: 2 libraries need each other in a ring, so none of them can be opened before the others [needed-ring]
    needs   SITE/mirlib/lib64/libmir.so   libeckit.so
    needs   SITE/eckitlib/lib64/libeckit.so   libmir.so
  to try it nevertheless, at the risk of a crash: FINDLIBS2_VERIFY=off"""
    )


@pytest.mark.parametrize(
    ("statement", "raised"),
    [
        ("raise RuntimeError('no AVX512 here')", "RuntimeError: no AVX512 here"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import nosuchmodule", "ModuleNotFoundError: No module named 'nosuchmodule'"),
    ],
)
def test_a_wrapper_that_cannot_be_imported(site: Path, statement: str, raised: str) -> None:
    (site / "mirlib" / "__init__.py").write_text(f"depends_on = list(('eckitlib',))\n{statement}\n")
    assert said(site, "mir") == (
        f"""RefusedError
mir cannot be loaded: the wrapper package mirlib fails when it is imported [wrapper-failed]
    package   SITE/mirlib/__init__.py   mirlib 1.30.2.33
    raised   {raised}
    imported   because what it depends on is not written down literally
{REINSTALL}"""
    )


def test_a_wrapper_whose_literal_declaration_comes_before_an_error_is_never_executed(site: Path) -> None:
    (site / "mirlib" / "__init__.py").write_text("depends_on = ['eckitlib']\nraise SystemExit(3)\n")
    assert said(site, "mir") == "loaded"


def test_dependencies_of_a_wrong_type_explain_what_is_missing(site: Path) -> None:
    (site / "mirlib" / "__init__.py").write_text("findlibs_dependencies = 'eckitlib'\n")
    assert said(site, "mir") == (
        f"""RefusedError
mir cannot be loaded: libeckit.so, which libmir.so needs, is nowhere to be found [missing-library]
    needed by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33
    package   mirlib   holds no libeckit.so
    ld.so.cache   no libeckit.so
  warning: mirlib declares its dependencies in a form that cannot be used [bad-declaration]
        in   SITE/mirlib/__init__.py, line 1
        reads   findlibs_dependencies = 'eckitlib'
        expected   a list of import names, each a string
{NOT_OPENED.format("libeckit.so")}"""
    )


@need.tool("gcc")
def test_what_the_loader_refused_is_told_with_its_words_and_the_reasons(site: Path, libmir: Path) -> None:
    source = site / "mir.c"
    source.write_text("extern int nowhere(void); int mir(void) { return nowhere(); }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-soname,libmir.so", "-o", libmir, source], check=True)
    reason = "libmir.so needs 1 symbol that no library has [missing-symbol]\n    nowhere\n    wanted by"
    by, words = (
        "SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33",
        "SITE/mirlib/lib64/libmir.so: undefined symbol: nowhere",
    )
    assert said(site, "mir") == (
        f"RefusedError\nmir cannot be loaded: {reason}   {by}\n  the loader, which opened nothing: {words}"
    )
    assert said(site, "mir", before=ONLY_HEADERS) == said(site, "mir")


@need.tool("gcc")
def test_where_the_loader_stops_midway_what_is_open_is_told(site: Path, libmir: Path) -> None:
    source = site / "mir.c"
    source.write_text("extern int nowhere(void); int mir(void) { return nowhere(); }\n")
    eckit = site / "eckitlib" / "lib64"
    linked = ["-Wl,--no-as-needed", f"-L{eckit}", "-leckit", "-Wl,--as-needed"]
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-soname,libmir.so", "-o", libmir, source, *linked], check=True)
    assert "\n    so far   1 library was opened, and stays open\n" in said(site, "mir", before=ONLY_HEADERS)


def test_without_ctypes(site: Path) -> None:
    assert said(site, "mir", before="import sys\nsys.modules['ctypes'] = None\n") == (
        """InterpreterError
mir cannot be loaded: this interpreter cannot use ctypes [no-ctypes]
    python says   import of ctypes halted; None in sys.modules
  fix: load it in the main interpreter, of a Python that was built with ctypes"""
    )


def test_a_wrapper_in_a_zip(site: Path, tmp_path: Path) -> None:
    archive = tmp_path / "stack.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("ziplib/__init__.py", "depends_on = []\n")
        packed.writestr("ziplib/lib64/libzip.so", library("libzip.so"))
    assert said(site, "zip", before=f"import sys; sys.path.insert(0, {str(archive)!r})\n") == (
        "RefusedError\nzip cannot be loaded: the wrapper package ziplib lies inside a zip archive, "
        "where no loader can open a library [zipped-wrapper]\n    archive   SITE/stack.zip"
    )


def test_what_comes_from_outside_cannot_steer_a_terminal(site: Path, libmir: Path) -> None:
    libmir.write_bytes(library("libmir.so", ["lib\x1b[2Jevil\n.so"]))
    assert "\x1b" not in said(site, "mir")
    assert "lib\\x1b[2Jevil\\n.so, which libmir.so needs" in said(site, "mir")


def test_an_error_is_whole_after_pickling(site: Path) -> None:
    code = "import pickle; e = pickle.loads(pickle.dumps(error)); assert (type(e), str(e)) == (type(error), str(error))"
    told = said(site, "nosuch", before="")
    assert told.startswith("NotFoundError")
    again = f"""
import findlibs2
for name in ("nosuch", "..", "mir"):
    try:
        findlibs2.load(name)
    except findlibs2.FindlibsError as error:
        {code}
"""
    (site / "mirlib" / "lib64" / "libmir.so").write_bytes(b"")
    assert said(site, "eckit", before=again) == "loaded"


def test_errors_are_also_what_callers_already_catch() -> None:
    import findlibs2

    kinds = {
        findlibs2.NotFoundError: ModuleNotFoundError,
        findlibs2.RefusedError: ImportError,
        findlibs2.InterpreterError: ImportError,
        findlibs2.OpenFailedError: OSError,
        findlibs2.BadNameError: ValueError,
    }
    assert all(
        issubclass(ours, builtin) and issubclass(ours, findlibs2.FindlibsError) for ours, builtin in kinds.items()
    )

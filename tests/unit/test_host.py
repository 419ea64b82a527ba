"""The machine and the process as the loader saw them: made-up /proc, made-up loaders, and this process."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from findlibs2 import files, host, process
from findlibs2.model import Binary, File
from tests import need

PYTHON = Binary(
    path="/proc/self/exe", format="elf", machine="x86_64", bits=64, byteorder="little", kind="shared",
    interpreter="/lib64/ld-linux-x86-64.so.2",
)  # fmt: skip
LOADER = PYTHON.replace(name="ld-linux-x86-64.so.2", interpreter=None)
MUSL_LOADER = PYTHON.replace(name=None, interpreter=None)  # musl's own build gives it no name, Alpine does


@pytest.fixture
def proc(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """/proc, as far as it is asked; what is not put there cannot be read."""
    made: dict[str, bytes] = {}
    monkeypatch.setattr(process, "content", lambda path, _most=0: made.get(path, b""))
    return made


class TestLibraryPath:
    """ld.so(8): "This list of environment variables is read at program startup"; here, what the kernel keeps of it."""

    @pytest.mark.parametrize(
        ("environ", "path"),
        [
            (b"A=1\0LD_LIBRARY_PATH=/a:/b\0B=2\0", "/a:/b"),
            (b"LD_LIBRARY_PATH=/a\0LD_LIBRARY_PATH=/b\0", "/b"),
            (b"LD_LIBRARY_PATH=\0", ""),
            (b"LD_LIBRARY_PATH=/\xff\0", "/\udcff"),
            (b"XLD_LIBRARY_PATH=/a\0", None),
            (b"", None),
        ],
    )
    def test_is_that_of_the_start(
        self, proc: dict[str, bytes], environ: bytes, path: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LD_LIBRARY_PATH", "/later")
        proc["/proc/self/environ"] = environ
        assert host.library_path(PYTHON) == path

    @pytest.mark.parametrize("environ", [b"worker 7\0\0\0\0", b"\0\0\0\0", b"title", b"=x\0A=1\0"])
    def test_where_it_was_overwritten_the_present_one_is_the_best_guess(
        self, proc: dict[str, bytes], environ: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LD_LIBRARY_PATH", "/later")
        proc["/proc/self/environ"] = environ
        assert host.library_path(PYTHON) == "/later"

    @pytest.mark.parametrize(
        ("arguments", "path"),
        [
            (b"ld.so\0--library-path\0/given\0python\0", "/given"),
            (b"ld.so\0python\0", "/env"),
            (b"ld.so\0--library-path\0", "/env"),
        ],
    )
    def test_an_option_of_the_loader_goes_before(self, proc: dict[str, bytes], arguments: bytes, path: str) -> None:
        proc.update({"/proc/self/cmdline": arguments, "/proc/self/environ": b"LD_LIBRARY_PATH=/env\0"})
        assert host.library_path(LOADER) == path

    def test_musls_takes_the_first_of_several_and_an_option_behind_a_sign(self, proc: dict[str, bytes]) -> None:
        environ, arguments = b"LD_LIBRARY_PATH=/a\0LD_LIBRARY_PATH=/b\0", b"ld.so\0--library-path=/given\0python\0"
        proc.update({"/proc/self/cmdline": arguments, "/proc/self/environ": environ})
        assert host.library_path(PYTHON.replace(interpreter="/lib/ld-musl-x86_64.so.1")) == "/a"
        assert host.library_path(MUSL_LOADER) == "/given"

    def test_that_option_is_only_one_of_the_loader(self, proc: dict[str, bytes]) -> None:
        proc["/proc/self/cmdline"] = b"python\0--library-path\0/mine\0"
        assert host.library_path(PYTHON) is None


class TestTunables:
    @pytest.mark.parametrize(
        ("environ", "text"),
        [
            (b"GLIBC_TUNABLES=glibc.rtld.nns=1\0A=1\0", "glibc.rtld.nns=1"),
            (b"GLIBC_TUNABLES=glibc.rtld.nns=1\0glibc.rtld.execstack=2\0:glibc.x=1\0A=1\0glibc.y=1\0",
             "glibc.rtld.nns=1:glibc.rtld.execstack=2::glibc.x=1"),
            (b"GLIBC_TUNABLES=a=1\0GLIBC_TUNABLES=a=2\0", "a=2"),
            (b"A=1\0", None),
            (b"worker 7\0\0", "glibc.rtld.nns=later"),
        ],
    )  # fmt: skip
    def test_are_those_of_the_start_and_whole(
        self, proc: dict[str, bytes], environ: bytes, text: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GLIBC_TUNABLES", "glibc.rtld.nns=later")
        proc["/proc/self/environ"] = environ
        assert host.tunables() == text

    def test_in_secure_execution_mode_there_are_none(
        self, proc: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(host, "_snapshots", [host.snapshot().replace(secure=True)])
        proc["/proc/self/environ"] = b"GLIBC_TUNABLES=a=1\0"
        assert host.tunables() is None


class TestLoader:
    """Which program is a loader that was started to open the real one, and whose."""

    @pytest.mark.parametrize(
        ("program", "expected"),
        [
            (LOADER, (True, False)),
            (MUSL_LOADER, (True, True)),
            (MUSL_LOADER.replace(name="libc.musl-x86_64.so.1"), (True, True)),
            (PYTHON, (False, False)),
            (PYTHON.replace(interpreter="/lib/ld-musl-x86_64.so.1"), (False, True)),
            (MUSL_LOADER.replace(flags=frozenset({"PIE"})), (False, False)),
            (MUSL_LOADER.replace(kind="executable"), (False, False)),
            (None, (False, False)),
        ],
    )
    def test_a_library_that_runs_is_one(self, program: Binary | None, expected: tuple[bool, bool]) -> None:
        assert (host.is_loader(program), host.is_musls(program)) == expected


class TestLibrary:
    @pytest.fixture(autouse=True)
    def linux(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "linux")

    @pytest.mark.parametrize(
        ("told", "expected"),
        [
            ("glibc 2.36", ("glibc", (2, 36))),
            ("glibc 2.36.9000", ("glibc", (2, 36, 9000))),
            ("glibc 2.31-0ubuntu9", ("glibc", (2,))),
            ("other 1.0", (None, ())),
            (None, (None, ())),
        ],
    )
    def test_glibc_tells(
        self, told: str | None, expected: tuple[str | None, tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """confstr(3), _CS_GNU_LIBC_VERSION: "A string which identifies the GNU C library version on this system"."""
        monkeypatch.setattr(os, "confstr", lambda _: told)
        assert host.library(PYTHON) == expected

    def test_musl_is_known_by_its_loader_which_has_its_version(self, monkeypatch: pytest.MonkeyPatch) -> None:
        content = {"/lib/ld-musl-x86_64.so.1": b"\0musl libc (x86_64)\nVersion %s\n\x001.2.3\0"}
        monkeypatch.setattr(files, "source", lambda path, limit: content.get(path))
        assert host.library(PYTHON.replace(interpreter="/lib/ld-musl-x86_64.so.1")) == ("musl", (1, 2, 3))
        assert host.library(PYTHON.replace(interpreter="/opt/ld-musl-x86_64.so.1")) == ("musl", ())

    @pytest.mark.parametrize(
        ("content", "version"),
        [
            (b"\0127.0.0.1\x001.2.3\0", (1, 2, 3)),
            (b"\x001.2.5-git-40-gc47ad25\0", (1, 2, 5)),
            (b"\0libc.so.6\x001..2\x00x1.2.3\0", ()),
            (b"", ()),
        ],
    )
    def test_that_version_is_a_constant_of_three_numbers(self, content: bytes, version: tuple[int, ...]) -> None:
        assert host.version_of_musl(content) == version

    def test_another_one_does_not_know_the_question(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(_: str) -> str:
            raise ValueError("unrecognized configuration name")

        monkeypatch.setattr(os, "confstr", unknown)
        assert host.library(PYTHON) == (None, ())

    def test_elsewhere_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "darwin")
        assert host.library(None) == (None, ())


class TestMachine:
    def test_is_that_of_the_program_and_not_of_the_kernel(self) -> None:
        program = PYTHON.replace(machine="i686", bits=32)
        assert host.of_process(program) == ("i686", 32, "little")

    def test_without_a_program_the_kernel_is_asked(self) -> None:
        expected = (os.uname().machine, struct.calcsize("P") * 8, sys.byteorder)
        assert host.of_process(None) == expected


@need.linux()
class TestExecutable:
    def test_has_its_real_path(self) -> None:
        found = host.executable(PYTHON)
        assert found is not None
        assert found.path == os.path.realpath(os.readlink("/proc/self/exe"))

    def test_that_was_replaced_keeps_the_path_it_had(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "readlink", lambda _: "/opt/python3 (deleted)")
        assert host.executable(PYTHON) == PYTHON.replace(path="/opt/python3")

    @pytest.mark.parametrize("started", [LOADER, None], ids=["loader", "no /proc"])
    def test_that_the_kernel_does_not_know_is_the_one_python_knows(self, started: Binary | None) -> None:
        found = host.executable(started)
        assert found is not None
        assert found.path == os.path.realpath(sys.executable)


class TestDefaultDirectories:
    """elf/gen-trusted-dirs.awk: "/lib64/\\0/usr/lib64/"."""

    @pytest.mark.parametrize(
        ("content", "directories"),
        [
            (b"\0/lib64/\0/usr/lib64/\0\0", ("/lib64", "/usr/lib64")),
            (b"\x80\x01/lib/\0/usr/lib/\0x", ("/lib", "/usr/lib")),
            (b"\0@/lib/\0/usr/lib/\0", ("/lib", "/usr/lib")),
            (b"\0/proc/\0etc\0/lib/a/\0/usr/lib/a/\0/lib/\0/usr/lib/\0/etc/suid-debug\0",
             ("/lib/a", "/usr/lib/a", "/lib", "/usr/lib")),
            (b"\0/lib/\0\0/usr/lib/\0", ("/lib",)),
            (b"\0/gnu/store/x-glibc-2.39/lib/\0", ("/gnu/store/x-glibc-2.39/lib",)),
            (b"\0/lib\0/usr/lib", ()),
            (b"", ()),
        ],
    )  # fmt: skip
    def test_are_one_constant_of_the_loader(self, content: bytes, directories: tuple[str, ...]) -> None:
        assert host.trusted(content) == directories

    @pytest.mark.parametrize(
        ("listed", "directories"),
        [
            (b"/lib:/usr/lib\n/opt/lib\n", ("/lib", "/usr/lib", "/opt/lib")),
            (b"", ()),
            (None, ("/lib", "/usr/local/lib", "/usr/lib")),
        ],
    )
    def test_of_musl_are_in_a_file_beside_it(
        self, listed: bytes | None, directories: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = {"/etc/ld-musl-aarch64.path": listed}
        monkeypatch.setattr(files, "source", lambda path, _limit: known.get(path))
        assert host.of_musl("/lib/ld-musl-aarch64.so.1") == directories


class TestCache:
    @pytest.fixture(autouse=True)
    def forget(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(host, "_cache", [])
        monkeypatch.setattr(host, "_cache_paths", [])

    def as_program(self, monkeypatch: pytest.MonkeyPatch, interpreter: str | None) -> None:
        here = host.snapshot().replace(executable=PYTHON.replace(interpreter=interpreter))
        monkeypatch.setattr(host, "snapshot", lambda: here)

    @pytest.mark.parametrize("interpreter", ["/lib64/ld-linux-x86-64.so.2", "/lib/ld.so.1", None])
    def test_of_the_systems_loader_is_in_etc(self, interpreter: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        self.as_program(monkeypatch, interpreter)
        assert host.cache_path() == "/etc/ld.so.cache"

    def test_of_another_loader_is_where_that_says(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "ld.so").write_bytes(b"\x7fELF\0/cvmfs/compat/etc/ld.so.cache\0")
        self.as_program(monkeypatch, str(tmp_path / "ld.so"))
        assert host.cache_path() == "/cvmfs/compat/etc/ld.so.cache"

    def test_is_read_again_when_it_was_replaced(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "cache"
        monkeypatch.setattr(host, "_cache_paths", [str(path)])
        contents = []
        for content in (b"one", b"three"):
            path.write_bytes(content)
            contents += [host.cache_content(), host.cache_content()]
        assert contents == [b"one", b"one", b"three", b"three"]

    def test_that_is_not_there_has_no_entries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(host, "_cache_paths", ["/nowhere/cache"])
        assert host.cached("libz.so.1") == ()


class TestHolds:
    def test_a_directory_holds_an_entry(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "glibc-hwcaps").mkdir()
        monkeypatch.chdir(tmp_path)
        asked = [(str(tmp_path), "glibc-hwcaps"), ("", "glibc-hwcaps"), (str(tmp_path), "tls")]
        assert [host.holds(*each) for each in asked] == [True, True, False]


@need.linux()
class TestSnapshot:
    def test_of_this_process(self) -> None:
        here = host.snapshot()
        assert (here.os, here.bits, here.byteorder) == ("linux", struct.calcsize("P") * 8, sys.byteorder)

    def test_is_taken_once(self) -> None:
        assert host.snapshot() is host.snapshot()

    def test_in_secure_execution_mode_there_is_no_library_path(
        self, proc: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proc["/proc/self/environ"] = b"LD_LIBRARY_PATH=/a\0"
        monkeypatch.setattr(process, "auxiliary", lambda: {23: 1})
        taken = host.taken()
        assert (taken.secure, taken.library_path, taken.platform) == (True, None, None)

    def test_without_proc_it_is_still_one(self, monkeypatch: pytest.MonkeyPatch, proc: dict[str, bytes]) -> None:
        def absent(path: str) -> File:
            return File(path, None, None)

        monkeypatch.setattr(files, "read", absent)
        monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
        taken = host.taken()
        assert (taken.executable, taken.library_path, taken.bits) == (None, None, struct.calcsize("P") * 8)

    @pytest.mark.parametrize("change", ["", "os.environ['LD_LIBRARY_PATH'] = '/later'; "])
    def test_of_a_child_has_the_environment_it_was_started_with(self, change: str) -> None:
        root = Path(__file__).parents[2]
        script = f"import os; {change}from findlibs2 import host; print(host.snapshot().library_path)"
        environment = {**os.environ, "LD_LIBRARY_PATH": "/first;/second", "PYTHONPATH": str(root)}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
        assert done.stdout == "/first;/second\n", done.stderr

    @need.glibc()
    def test_says_of_the_platform_what_the_loader_was_told(self) -> None:
        """ld.so(8), LD_SHOW_AUXV: "Show the auxiliary array passed up from the kernel"."""
        environment = {**os.environ, "LD_SHOW_AUXV": "1"}
        shown = subprocess.run([sys.executable, "-c", ""], env=environment, capture_output=True, text=True).stdout
        told = dict(line.split(":", 1) for line in shown.splitlines() if ":" in line)
        here = (process.auxiliary_text(process.auxiliary()[host.AT_PLATFORM]), host.snapshot().secure)
        assert here == (told["AT_PLATFORM"].strip(), told["AT_SECURE"].strip() != "0")

    def test_of_a_forked_child_is_the_same(self) -> None:
        script = (
            "import os; from findlibs2 import host; before = host.snapshot(); pid = os.fork(); "
            "print(host.snapshot() == host.taken() == before) if not pid else os.waitpid(pid, 0)"
        )
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
        assert done.stdout == "True\n", done.stderr


def test_a_library_is_not_taken_for_a_loader() -> None:
    library = PYTHON.replace(name="libldap.so.2", interpreter=None)
    assert [host.is_loader(each) for each in (LOADER, library, PYTHON, None)] == [True, False, False, False]

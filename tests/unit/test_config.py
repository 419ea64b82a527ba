"""The configuration: which file it is, what it may say, where in the file a key stands. What is said of a wrong one:
tests/words/test_config_messages.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from findlibs2 import config, locating
from findlibs2.errors import ConfigError
from findlibs2.model import LibrarySettings, SearchPath, Settings
from tests import need


def file(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


class TestReading:
    def test_everything_that_can_be_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/home/me")
        said = """
sources = ["home", "package"]
paths = ["/opt/ecmwf", "~/builds/"]
[library.multio-api]
path = "~/lib"  # mine
package = "multio-lib"
visibility = "global"
verify = "off"
sources = []
[library]
eckit.package = "eckitlib"
"stdc++" = { path = "/opt/gcc" }
"""
        name = file(tmp_path / "c.toml", said)
        lines = (("path", 5), ("package", 6), ("visibility", 7), ("verify", 8), ("sources", 9))
        assert config.read(name) == Settings(
            name,
            (
                LibrarySettings("multio-api", name, lines, "/home/me/lib", "multio-lib", "global", "off", ()),
                LibrarySettings("eckit", name, (("package", 11),), package="eckitlib"),
                LibrarySettings("stdc++", name, (("path", 12),), "/opt/gcc"),
            ),
            ("home", "package"),
            (SearchPath("/opt/ecmwf", name, 3), SearchPath("/home/me/builds", name, 3)),
        )

    @pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "\ufeff", "[library]\n"])
    def test_nothing_said_is_nothing_set(self, tmp_path: Path, text: str) -> None:
        name = file(tmp_path / "c.toml", text)
        assert config.read(name) == Settings(name)

    def test_lines_may_end_as_on_windows(self, tmp_path: Path) -> None:
        name = tmp_path / "c.toml"
        name.write_bytes(b'\r\npaths = [\r\n  "/a",\r\n  "/b" ]\r\n')
        assert config.read(str(name)).paths == (SearchPath("/a", str(name), 3), SearchPath("/b", str(name), 4))

    @pytest.mark.parametrize(
        "text",
        ["library = 1", "[[library]]", "library.mir = 1", "[[library.mir]]", "paths = 1", "paths = [1]", "sources = 1",
         "sources = [1]", "sources = [[]]", "library.mir.path = 1", 'library.mir.path = ""', "library.mir.verify = []",
         'library.mir.package = "1-"', "[x]", "x.y = 1", "paths = 2020-01-01", 'paths = [""]', '[library.""]'],
    )  # fmt: skip
    def test_a_value_of_another_kind_is_one_problem_in_line_1(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(ConfigError) as raised:
            config.read(file(tmp_path / "c.toml", text))
        assert [problem.line for problem in raised.value.problems] == [1]

    def test_a_large_file_is_read_in_reasonable_time(self, tmp_path: Path) -> None:
        """Where keys stand is asked of the parser line by line; that must not go over the whole text each time."""
        text = "".join(f'[library.n{number}]\npath = "/n/{number}"\n' for number in range(4000))
        assert config.read(file(tmp_path / "c.toml", text)).libraries[-1].lines == (("path", 8000),)


class TestPlaces:
    """Which file it is: the first that exists, one file, never from the current directory."""

    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("FINDLIBS2_CONFIG", "XDG_CONFIG_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
        monkeypatch.chdir(tmp_path)

    def chosen(self) -> str | None:
        found = locating.settings()
        return found.file if found is not None else None

    def test_the_order(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.chosen() is None
        monkeypatch.setattr(locating, "_settings", {})
        prefix = file(tmp_path / "prefix/etc/findlibs2.toml", "")
        assert self.chosen() == prefix
        monkeypatch.setattr(locating, "_settings", {})
        home = file(tmp_path / "home/.config/findlibs2/config.toml", "")
        assert self.chosen() == home
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
        assert self.chosen() == prefix
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg2"))
        xdg = file(tmp_path / "xdg2/findlibs2/config.toml", "")
        assert self.chosen() == xdg
        monkeypatch.setenv("FINDLIBS2_CONFIG", file(tmp_path / "mine.toml", ""))
        assert self.chosen() == str(tmp_path / "mine.toml")

    def test_a_relative_directory_of_xdg_is_ignored(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file(tmp_path / "xdg/findlibs2/config.toml", "x = 1")
        monkeypatch.setenv("XDG_CONFIG_HOME", "xdg")
        assert self.chosen() is None

    def test_it_is_read_once_in_a_process(self, tmp_path: Path) -> None:
        file(tmp_path / "prefix/etc/findlibs2.toml", "")
        first = locating.settings()
        file(tmp_path / "prefix/etc/findlibs2.toml", "x = 1")
        assert locating.settings() is first

    def test_one_that_is_wrong_is_told_each_time(self, tmp_path: Path) -> None:
        file(tmp_path / "prefix/etc/findlibs2.toml", "x = 1")
        for _ in range(2):
            with pytest.raises(ConfigError):
                locating.settings()

    @pytest.mark.parametrize(("flag", "libraries"), [("-s", "mine"), ("-E", "prefix"), ("-I", "prefix")])
    def test_under_e_and_i_only_the_prefix_has_a_say(self, tmp_path: Path, flag: str, libraries: str) -> None:
        file(tmp_path / "prefix/etc/findlibs2.toml", "[library.prefix]")
        home = file(tmp_path / "home/.config/findlibs2/config.toml", "[library.home]")
        mine = file(tmp_path / "mine.toml", "[library.mine]")
        code = (
            f"import sys; sys.path[:0] = {sys.path!r}; sys.prefix = {str(tmp_path / 'prefix')!r}\n"
            "from findlibs2 import locating; print(locating.settings().libraries[0].name)"
        )
        env = {"FINDLIBS2_CONFIG": mine, "HOME": str(Path(home).parents[2])}
        done = subprocess.run([sys.executable, flag, "-c", code], env=env, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == (f"{libraries}\n", "")


class TestOptions:
    """The argument goes before the variable, that before the configuration, that before the default."""

    @pytest.fixture(autouse=True)
    def off_for_mir(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("FINDLIBS2_VERIFY", raising=False)
        monkeypatch.setenv("FINDLIBS2_CONFIG", file(tmp_path / "c.toml", 'library.mir.verify = "off"'))

    def test_in_that_order(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert [locating.option(name, "verify", None) for name in ("mir", "eckit")] == ["off", "symbols"]
        monkeypatch.setenv("FINDLIBS2_VERIFY", "headers")
        assert locating.option("mir", "verify", None) == "headers"
        assert locating.option("mir", "verify", "off") == "off"
        monkeypatch.setenv("FINDLIBS2_VERIFY", "")
        assert locating.option("mir", "verify", None) == "off"

    def test_one_that_does_not_exist(self) -> None:
        with pytest.raises(ConfigError, match="visibility cannot be 'everywhere'"):
            locating.option("mir", "visibility", "everywhere")


@need.tool("strace")
@need.glibc()
def test_a_configuration_that_does_not_exist_costs_one_look(tmp_path: Path) -> None:
    from tests.wheels.run import command, variables
    from tests.wheels.strace import trace

    code = "from inside import mark\nfrom findlibs2 import locating\nmark('begin')\nlocating.settings()\nmark('end')"
    env = {"HOME": str(tmp_path)}
    calls = trace(command(code, []), variables(env)).between("begin", "end")
    assert [path for path in calls.paths if "findlibs2" in path] == [
        f"{tmp_path}/.config/findlibs2/config.toml",
        calls.paths[-1],
    ]
    assert calls.paths[-1].endswith("/etc/findlibs2.toml")

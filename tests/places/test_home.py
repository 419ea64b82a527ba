"""What somebody installed below their home directory, with `cmake --install build --prefix ~/.local`, and no wrapper."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.elf import library
from tests.places import debian, prefixes
from tests.places.jobs import DECODED, ECCODES, INSTALL
from tests.words.said import plain

pytestmark = [*debian.NEEDED]

NOWHERE = "import findlibs2\ntry: findlibs2.load('ours')\nexcept findlibs2.NotFoundError as error: tell(str(error))"


@pytest.mark.parametrize("lib", ["lib", "lib64"])
def test_eccodes_below_the_home_directory_encodes_and_decodes(without_wrappers: Path, tmp_path: Path, lib: str) -> None:
    local = tmp_path / ".local"
    found = debian.install(local, lib, rpath=f"$ORIGIN/../{lib}")
    env = {"HOME": str(tmp_path), **debian.tables(local)}
    assert prefixes.said(without_wrappers, INSTALL + ECCODES, env=env) == [DECODED, str(found)]


def test_a_home_directory_that_others_can_write_to_is_left_alone(without_wrappers: Path, tmp_path: Path) -> None:
    """Whoever could put a library there would run in this process."""
    lib = tmp_path / ".local" / "lib"
    lib.mkdir(parents=True)
    (lib / "libours.so").write_bytes(library("libours.so"))
    lib.chmod(0o777)
    text = plain(prefixes.said(without_wrappers, NOWHERE, env={"HOME": str(tmp_path)}).replace(str(tmp_path), "HOME"))
    assert [row for row in text.split("\n") if "HOME/.local" in row] == [
        "    system   HOME/.local/lib/libours.so   not searched: anyone can write to HOME/.local/lib"
    ]

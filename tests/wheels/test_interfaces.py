"""The packages that people import do their work on a stack that findlibs2 loaded.

They call `findlibs.load`, and `mir` also `findlibs.find`; here these are findlibs2's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wheels import closure
from tests.wheels.environments import PYTHON, Environment
from tests.wheels.run import answer

REPLACED = """
import findlibs, findlibs2
findlibs.load, findlibs.find = findlibs2.load, findlibs2.find
"""
LOAD_REPLACED = """
import findlibs, findlibs2
findlibs.load = findlibs2.load
"""
# `mir` itself calls `findlibs.find`, and that of 0.1.3 opens libraries: with `load` alone replaced, both are at work.
FIELD = {
    "class": "rd", "expver": "xxxx", "stream": "oper", "date": "20200101", "time": "0000", "type": "an",
    "levtype": "sfc", "step": "0", "param": "167",
}  # fmt: skip
EITHER = pytest.mark.parametrize("replaced", [LOAD_REPLACED, REPLACED], ids=["load", "load-and-find"])
# What is published for 3.10 ends with counter 27. There findlibs 0.1.3 finds no mir without libgfortran, because it opens
# what nothing needs; and pyfdb begins with 3.11.
OLDEST = PYTHON == "3.10"

FDB = """
import json, pyfdb
with open({schema!r}, "w") as schema:
    schema.write("[ class, expver, stream, date, time [ type, levtype [ step, param ]]]")
roots = [{{"path": {root!r}}}]
spaces = [{{"handler": "Default", "roots": roots}}]
config = {{"type": "local", "engine": "toc", "schema": {schema!r}, "spaces": spaces}}
key = {key!r}
fdb = pyfdb.FDB(config)
fdb.archive(b"a field", key)
fdb.flush()
field = fdb.retrieve(key)
field.open()
tell([len(list(fdb.list({{"class": "rd"}}))), field.read(7).decode()])
"""


@EITHER
def test_eckit_says_its_version(newest: Environment, replaced: str) -> None:
    told = answer(f"{replaced}import eckit; tell([eckit.version(), eckit.git_sha1()])", *sites(newest))
    wrapper = newest.site / "eckitlib" / "__init__.py"
    known: dict[str, str] = {}
    exec(wrapper.read_text(), known)
    assert told == [known["__version__"].rpartition(".")[0], known["__commit_hash__"]]


@EITHER
def test_eckit_geo_knows_the_points_of_an_octahedral_grid(newest: Environment, replaced: str) -> None:
    told = answer(f"{replaced}from eckit.geo import Grid; tell([len(Grid('O32')), len(Grid('N80'))])", *sites(newest))
    # O<n> has 4 (i + 4) points on the i-th latitude from either pole, i = 1 ... n; N80 is classic: 35,718.
    assert told == [2 * sum(4 * (i + 4) for i in range(1, 33)), 35718]


@pytest.mark.parametrize("replaced", [REPLACED] if OLDEST else [LOAD_REPLACED, REPLACED])
def test_mir_interpolates_a_field(newest: Environment, replaced: str, tmp_path: Path) -> None:
    code = """
import mir, numpy
output = mir.ArrayOutput()
mir.Job(grid="30/30").execute(mir.ArrayInput(numpy.full(5248, 7.0), "O32"), output)
tell([list(output.shape), [round(value, 9) for value in numpy.unique(output.values().round(9))]])
"""
    told = answer(replaced + code, *sites(newest), env={"MIR_CACHE_PATH": str(tmp_path)})
    assert told == [[7, 12], [7.0]]


if not OLDEST:

    @EITHER
    def test_pyfdb_retrieves_what_it_archived(newest: Environment, replaced: str, tmp_path: Path) -> None:
        root = tmp_path / "root"
        root.mkdir()
        code = FDB.format(schema=str(tmp_path / "schema"), root=str(root), key=FIELD)
        assert answer(replaced + code, *sites(newest), env={"HOME": str(tmp_path)}) == [1, "a field"]


def test_all_of_them_in_one_process_hold_each_library_once(newest: Environment) -> None:
    imports = ["eckit", "eckit.geo", "mir", *([] if OLDEST else ["pyfdb"])]
    mapped = answer(f"{REPLACED}import {', '.join(imports)}\ntell(mapped())", *sites(newest))
    every = sorted(closure.names(mapped))
    assert every == sorted(set(every))


def sites(environment: Environment) -> tuple[Path, Path]:
    return environment.interfaces, environment.site

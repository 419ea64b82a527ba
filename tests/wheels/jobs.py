"""A small job for each package that people import, with an answer that is known without it.

A job is a script as anybody would write it: it knows nothing of findlibs2, and leaves its answer in `told`. Every job
runs in a fresh interpreter, in a directory of its own, which is also its HOME.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.wheels.environments import Environment, offered
from tests.wheels.run import answer

# Counter 33 has no ODC. What 3.10 gets ends with 27; pinned for that are the packages eckit and mir-python.
NAMES: Mapping[str, tuple[str, ...]] = {
    "33": ("eckit", "eckit.geo", "mir", "eccodes", "pyfdb", "pymetkit", "z3fdb", "multio", "pygribjump"),
    "32": ("codc",),
    "27": ("eckit", "eckit.geo", "mir"),
}
READERS = frozenset({"z3fdb", "pygribjump"})  # of what another process archived
EVERY = [(counter, name) for counter in offered() for name in NAMES[counter]]

INSTALL = "import findlibs2.compat\nfindlibs2.compat.install()\n"

ECKIT = """
import eckit
told = [eckit.version(), eckit.git_sha1()]
"""

ECKIT_GEO = """
from eckit.geo import Grid
told = [len(Grid("O32")), len(Grid("N80"))]
"""
# O<n> has 4 (i + 4) points on the i-th latitude from either pole, i = 1 ... n; N80 is classic: 35,718.
GRID_POINTS = [2 * sum(4 * (i + 4) for i in range(1, 33)), 35718]

MIR = """
import mir, numpy
regridded = mir.ArrayOutput()
mir.Job(grid="30/30").execute(mir.ArrayInput(numpy.full(5248, 7.0), "O32"), regridded)
told = [list(regridded.shape), numpy.unique(regridded.values().round(9)).tolist()]
"""

# 16 x 31 points. Integers up to 495 in 16 bits: multiples of 2^-7, so nothing is lost.
MESSAGE = """
import eccodes, numpy
def message(first, step):
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib1")
    mars = {"class": "rd", "type": "an", "stream": "oper", "expver": "xxxx"}
    for key, value in {**mars, "dataDate": 20200101, "paramId": 167, "stepRange": step, "bitsPerValue": 16}.items():
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set_values(handle, numpy.arange(first, first + 496.0))
    return eccodes.codes_get_message(handle)
"""

ECCODES = f"""{MESSAGE}
encoded = message(0, step=6)
handle = eccodes.codes_new_from_message(encoded)
keys = [eccodes.codes_get(handle, key) for key in ("shortName", "dataDate", "stepRange")]
told = [encoded[:4].decode(), encoded[-4:].decode(), keys, eccodes.codes_get_values(handle).tolist()]
"""
FIELD = [float(value) for value in range(496)]

# A database in the current directory.
DATABASE = """
import os, pyfdb
root, schema = os.path.abspath("root"), os.path.abspath("schema")
os.makedirs(root)
with open(schema, "w") as stream:
    stream.write("[ class, expver, stream, date, time, domain? [ type, levtype [ step, param ]]]")
spaces = [{"handler": "Default", "roots": [{"path": root}]}]
config = {"type": "local", "engine": "toc", "schema": schema, "spaces": spaces}
database = pyfdb.FDB(config)
"""
KEY = {
    "class": "rd", "expver": "xxxx", "stream": "oper", "date": "20200101", "time": "1200", "domain": "g", "type": "an",
    "levtype": "sfc", "step": "0", "param": "167",
}  # fmt: skip

PYFDB = f"""{DATABASE}
key = {KEY}
database.archive(b"a field", key)
database.flush()
retrieved = database.retrieve(key)
retrieved.open()
told = [len(list(database.list({{"class": "rd"}}))), retrieved.read(7).decode()]
"""

# Two fields, and where anybody finds the database.
ARCHIVE = f"""{MESSAGE}{DATABASE}
import json
for first, step in (0, 0), (1000, 6):
    database.archive(message(first, step))
database.flush()
with open("fdb.json", "w") as stream:
    json.dump(config, stream)
tell(sorted(os.listdir()))
"""

PYMETKIT = """
import pymetkit
request, = pymetkit.parse_mars_request("retrieve, class=od, date=20200228/to/20200301, levtype=sfc, param=2t/msl")
told = [request["date"], request["param"]]
"""

Z3FDB = f"""
import os, zarr
from pathlib import Path
from z3fdb import AxisDefinition, Chunking, ExtractorType, SimpleStoreBuilder
builder = SimpleStoreBuilder(Path(os.environ["FDB5_CONFIG_FILE"]))
request = {KEY | {"step": [0, 6]}}
builder.add_part(request, [AxisDefinition(["step"], Chunking.SINGLE_VALUE)], ExtractorType.GRIB)
told = zarr.open_array(builder.build(), mode="r", zarr_format=3)[:].tolist()
"""

MULTIO = """
import array, multio, numpy, os
from multio.plans import Client, Plan
actions = [
    {"type": "encode", "format": "raw"},
    {"type": "sink", "sinks": [{"type": "file", "append": False, "path": os.path.abspath("written")}]},
]
with multio.MultioPlan(Client(plans=[Plan(name="to-file", actions=actions)])):
    server = multio.Multio()
server.open_connections()
metadata = {"name": "2t", "param": 167, "category": "test", "globalSize": 8, "level": 0, "levtype": "sfc", "step": 1}
server.write_field(metadata, numpy.arange(8.0))
server.flush({"step": 1})
server.close_connections()
with open("written", "rb") as stream:
    told = array.array("d", stream.read()).tolist()
"""

PYGRIBJUMP = f"""
import pygribjump
extracted = pygribjump.GribJump().extract([({KEY}, [(0, 3), (490, 492)]), ({KEY | {"step": "6"}}, [(7, 8)])])
told = [[values.tolist() for values in field.values] for field in extracted]
"""

# pyodc is a second implementation of the format, in Python: what one writes the other reads.
CODC = """
import codc, pandas, pyodc
frame = pandas.DataFrame({"station": [7, 8, 9], "t": [0.5, 1.5, -2.25], "name": ["one", "two", "three"]})
told = []
for writer, reader in (codc, pyodc), (pyodc, codc):
    with open("table.odb", "wb") as stream:
        writer.encode_odb(frame, stream)
    told.append(reader.read_odb("table.odb", single=True).to_dict("list"))
"""
TABLE = {"station": [7, 8, 9], "t": [0.5, 1.5, -2.25], "name": ["one", "two", "three"]}


class Job(NamedTuple):
    script: str  # leaves its answer in `told`
    known: object  # what that must be


class Done(NamedTuple):
    """What came of some jobs in one process, which also ended well."""

    told: dict[str, object]  # by name of the job
    mapped: list[str]  # shared libraries in the process after the last job, in no order that means anything


def jobs(of: Environment) -> dict[str, Job]:
    """Every job for the interfaces of a counter."""
    every = {
        "eckit": Job(ECKIT, _said_by_wrapper(of.site / "eckitlib" / "__init__.py")),
        "eckit.geo": Job(ECKIT_GEO, GRID_POINTS),
        "mir": Job(MIR, [[7, 12], [7.0]]),
        "eccodes": Job(ECCODES, ["GRIB", "7777", ["2t", 20200101, "6"], FIELD]),
        "pyfdb": Job(PYFDB, [1, "a field"]),
        "pymetkit": Job(PYMETKIT, [["20200228", "20200229", "20200301"], ["167", "151"]]),
        "z3fdb": Job(Z3FDB, [FIELD, [1000 + value for value in FIELD]]),
        "multio": Job(MULTIO, FIELD[:8]),
        "pygribjump": Job(PYGRIBJUMP, [[FIELD[0:3], FIELD[490:492]], [[1007.0]]]),
        "codc": Job(CODC, [TABLE, TABLE]),
    }
    return {name: every[name] for name in NAMES[of.counter]}


def known(of: Environment, names: Iterable[str]) -> dict[str, object]:
    """What `do` must be told."""
    return {name: jobs(of)[name].known for name in names}


def do(of: Environment, names: Sequence[str], start: str = INSTALL, end: str = "") -> Done:
    """Some jobs, one after the other in one process, between two more pieces of code."""
    scripts = "".join(f"{jobs(of)[name].script}\nanswers[{name!r}] = told\n" for name in names)
    with tempfile.TemporaryDirectory() as home:
        code = f"answers = {{}}\n{start}\n{scripts}\n{end}\ntell([answers, mapped()])"
        env = {"HOME": home, "MIR_CACHE_PATH": home} | (_archived(of) if READERS.intersection(names) else {})
        told, mapped = answer(code, of.interfaces, of.site, env=env, cwd=Path(home))
    return Done(told, mapped)


def _archived(of: Environment) -> dict[str, str]:
    # Without the second, gribjump wants to be told a hash of the grid, which only its caller could know.
    return {"FDB5_CONFIG_FILE": str(archive(of) / "fdb.json"), "GRIBJUMP_IGNORE_GRID": "1"}


@functools.cache
def archive(of: Environment) -> Path:
    """A database with two fields, which are FIELD and 1000 more. The jobs only read it."""
    place = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, place)
    made = answer(INSTALL + ARCHIVE, of.interfaces, of.site, env={"HOME": str(place)}, cwd=place)
    assert made == ["fdb.json", "root", "schema"]
    return place


def _said_by_wrapper(path: Path) -> list[str]:
    """Version, without the counter, and commit, as the wrapper declares them."""
    declared: dict[str, str] = {}
    exec(path.read_text(), declared)
    return [declared["__version__"].rpartition(".")[0], declared["__commit_hash__"]]

"""Everything that was released since counter 17, each wrapper in a directory of its own: any can be put beside any other.

A mixture is what `pip install --no-deps` leaves behind: one release, with wrappers of another one in the place of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from findlibs2 import names
from tests.wheels.environments import offered, separate, unpacked
from tests.wheels.pin import RELEASED

COUNTERS = (*offered(), *RELEASED)
# The Fortran halves of these need a runtime that no wheel brings and not every machine has.
FORTRAN = "libgfortran.so.5"
IN_FORTRAN = frozenset({"pluto_f", "fckit", "multio-fapi"})


@functools.cache
def wrappers(counter: str) -> Mapping[str, Path]:
    """The directory of each wrapper of a release, by import name."""
    return separate(counter) if counter in offered() else unpacked(f"released-{counter}")


def held(sites: Iterable[Path]) -> list[tuple[str, str]]:
    """(library, package) for each name under which a file lies in a wrapper's lib64."""
    files = [file for site in sites for file in site.glob("*/lib64/lib*.so*")]
    return sorted({(names.bare(file.name), file.parent.parent.name) for file in files})


class Mixture(NamedTuple):
    """A library, asked for where a release has some wrappers of another one."""

    library: str
    release: str
    others: tuple[str, ...]  # import names of the wrappers that are of another release
    counter: str  # of that one

    def __str__(self) -> str:
        return f"{self.library}-{self.release}-{'+'.join(self.others)}-{self.counter}"

    @property
    def sites(self) -> list[Path]:
        """What goes on `sys.path`."""
        own, other = wrappers(self.release), wrappers(self.counter)
        return [other[name] if name in self.others else own[name] for name in own]


class Row(NamedTuple):
    """What was found of some mixtures, in which the same is broken."""

    library: str
    release: str
    others: str  # separated by blanks
    counters: str  # likewise; each makes a mixture
    missing: Mapping[str, int]  # how many symbols, by the file that refers to them
    absent: tuple[str, ...] = ()  # libraries

    def mixtures(self) -> Iterator[Mixture]:
        return (Mixture(self.library, self.release, tuple(self.others.split()), each) for each in self.counters.split())


BASE = "eckitlib eccodeslib metkitlib"
# What a mixture does, as measured. `test_mixtures_of_releases` asks the loader of each whether it is so.
ROWS = (
    Row("mir", "33", "eckitlib", "32 31", {}),
    Row("mir", "33", "eckitlib", "30", {"libeccodes.so": 2, "libmir.so": 4}),
    Row("mir", "33", "eckitlib", "26", {"libatlas.so": 5, "libeccodes.so": 8, "libmir.so": 14}),
    Row("mir", "33", "eckitlib", "20", {"libatlas.so": 6, "libeccodes.so": 8, "libmir.so": 17}),
    Row("mir", "33", "eccodeslib", "31", {}),
    Row("mir", "33", "eccodeslib", "30", {"libeccodes.so": 3}),
    Row("mir", "33", "eccodeslib", "20", {"libeccodes.so": 7}),
    Row("mir", "33", "eckitlib eccodeslib", "31", {}),
    Row("mir", "33", "eckitlib eccodeslib", "30", {"libmir.so": 4}),
    Row("mir", "33", "eckitlib eccodeslib", "26", {"libatlas.so": 5, "libmir.so": 14}),
    Row("mir", "33", "eckitlib eccodeslib", "20", {"libatlas.so": 6, "libmir.so": 17}),
    Row("mir", "33", "eckitlib eccodeslib atlaslib_ecmwf", "32", {}),
    Row("mir", "33", "eckitlib eccodeslib atlaslib_ecmwf", "30", {"libmir.so": 159}, ("libatlas.so.0.47",)),
    Row("mir", "33", "mirlib", "32", {}),
    Row("mir", "33", "mirlib", "30", {"libmir.so": 160}, ("libatlas.so.0.46",)),
    Row("mir", "33", "mirlib atlaslib_ecmwf", "30", {"libmir.so": 5}),
    Row("fdb5", "33", "eckitlib", "31", {}),
    Row("fdb5", "33", "eckitlib", "30", {"libeccodes.so": 2, "libmetkit.so": 1}),
    Row("fdb5", "33", "metkitlib", "31", {}),
    Row("fdb5", "33", "metkitlib", "30", {"libmetkit.so": 2}),
    Row("fdb5", "33", "metkitlib", "19", {"libfdb5.so": 1, "libmetkit.so": 3}),
    Row("fdb5", "33", BASE, "31 30 29 28", {}),
    Row("fdb5", "33", BASE, "26", {"libfdb5.so": 5}),
    Row("fdb5", "33", BASE, "20", {"libfdb5.so": 6}),
    Row("fdb5", "33", "fdb5lib", "31", {}),
    Row("fdb5", "33", "fdb5lib", "30", {"libfdb5.so": 1}),
    Row("fdb5", "33", "metkitlib fdb5lib", "30", {"libmetkit.so": 2}),
    Row("gribjump", "33", "eckitlib", "31", {}),
    Row("gribjump", "33", "eckitlib", "30", {"libeccodes.so": 2, "libmetkit.so": 1}),
    Row("gribjump", "33", f"{BASE} fdb5lib", "32 31 30 29", {}),
    Row("gribjump", "33", f"{BASE} fdb5lib", "26", {"libgribjump.so": 5}),
    Row("gribjump", "33", "gribjumplib", "31", {}),
    # 27 and 33 of gribjumplib are of one commit, compiled against the eckit of their releases.
    Row("gribjump", "33", "gribjumplib", "27 26", {"libgribjump.so": 1}),
    Row("gribjump", "33", "gribjumplib", "19", {"libgribjump.so": 3}),
    Row("multio-api", "33", "eckitlib", "31", {}),
    Row("multio-api", "33", "eckitlib", "30", {"libeccodes.so": 2, "libmetkit.so": 1, "libmir.so": 4}),
    Row("multio-api", "33", f"{BASE} fdb5lib", "31", {}),
    Row("multio-api", "33", f"{BASE} fdb5lib", "30", {"libmir.so": 3}),
    Row("multio-api", "33", f"{BASE} fdb5lib atlaslib_ecmwf mirlib", "32", {}),
    Row("multio-api", "33", f"{BASE} fdb5lib atlaslib_ecmwf mirlib", "30", {}, ("libatlas.so.0.47",)),
    Row("multio-api", "33", "multiolib", "27", {"libmultio-action-interpolate.so": 1}, ("libatlas.so.0.46",)),
    # What comes of `pip install multiolib==2.11.2.27`, then `pip install gribjumplib`.
    Row("multio-api", "27", f"{BASE} fdb5lib", "33", {"libmir.so": 6, "libmultio-action-interpolate.so": 1}),
    Row("multio-api", "27", f"{BASE} fdb5lib", "26 21", {}),
    Row("multio-api", "27", f"{BASE} fdb5lib", "19", {"libatlas.so": 1, "libmir.so": 3}),
    Row("multio-api", "27", f"{BASE} fdb5lib atlaslib_ecmwf mirlib", "30", {}),
    Row("multio-api", "27", f"{BASE} fdb5lib atlaslib_ecmwf mirlib", "17", {"libmultio-action-encode-mtg2.so": 4}),
)

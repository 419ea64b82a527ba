"""The command line: the river with a tap at each stop. Plain text; what was asked for on stdout, talk on stderr.

Exit 0: fine. 1: there is a finding that stops a load, or nothing was found. 2: misuse.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from .. import __version__, errors, locating, pipeline, report, wording


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Errors of the library are told on stderr; a reader that goes away ends the program quietly."""
    asked = parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except errors.BadNameError as error:
        print(f"findlibs2: {error}", file=sys.stderr)
        return 2
    except errors.FindlibsError as error:
        print(f"findlibs2: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="findlibs2", description="Find and load shared libraries that live in wheels.")
    top.add_argument("--version", action="version", version=f"findlibs2 {__version__}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, run, about in (
        ("find", find, "print where a library is"),
        ("plan", plan, "print what load would open, in order, and why; opens nothing"),
        ("load", load, "open a library with everything it needs; print what was found, where, why, in which order"),
    ):
        verb = verbs.add_parser(name, help=about, description=about)
        verb.add_argument(
            "name", metavar="NAME", help='what follows "lib" in the file name: mir, eckit_geo, multio-api'
        )
        verb.add_argument("--package", metavar="PACKAGE", help="the wrapper package that holds it")
        verb.set_defaults(run=run)
    about = "tell whether libraries could be loaded: files, symbols, versions; opens nothing"
    verb = verbs.add_parser("check", help=about, description=about)
    verb.add_argument("names", metavar="NAME", nargs="+", help="libraries, as above")
    verb.add_argument("--package", metavar="PACKAGE", help="the wrapper package that holds them")
    verb.set_defaults(run=check)
    about = "build a wheel named findlibs that is findlibs2.compat, for unmodified packages; print where it is"
    verb = verbs.add_parser("shim", help=about, description=about)
    verb.add_argument("--output", metavar="DIR", required=True, help="the directory to write it to")
    verb.set_defaults(run=shim)
    return top


def find(asked: argparse.Namespace) -> int:
    path = pipeline.find(asked.name, asked.package)
    if path is None:
        raise locating.not_found(asked.name, asked.package, locating.locate(asked.name, asked.package).trail)
    print(path)
    return 0


def plan(asked: argparse.Namespace) -> int:
    drawn = pipeline.plan(asked.name, pkg_name=asked.package)
    print(report.plan(drawn))
    return 1 if any(finding.severity == "error" for finding in drawn.findings) else 0


def check(asked: argparse.Namespace) -> int:
    told = pipeline.check(*asked.names, pkg_name=asked.package)
    print(report.verdict(told))
    return 0 if told.passes else 1


def load(asked: argparse.Namespace) -> int:
    """The main job, shown: what was found, where, why, in which order, and how long all of it took."""
    before = time.perf_counter()
    library, carried_out = pipeline.open_stack(asked.name, asked.package)
    took = time.perf_counter() - before
    print(report.plan(carried_out))
    print(f"loaded {wording.shown(library._name)} in {took * 1000:.0f} ms")
    return 0


def shim(asked: argparse.Namespace) -> int:
    """The path is what was asked for; what to do with it is talk."""
    from .. import shim as building

    path = building.build(asked.output)
    print(path, flush=True)
    print(f"install it in the place of findlibs: {building.command(path)}", file=sys.stderr)
    return 0

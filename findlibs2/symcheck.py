"""The standalone symbol check: does every library find its symbols and versions among what was given?

`python -m findlibs2.symcheck`, `findlibs2-symcheck`, or the one file that `--zipapp` writes. Of any architecture, on any
machine; nothing is opened, unpacked or run. Data on stdout, talk on stderr. Exit 0: fine. 1: findings. 2: misuse.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import __version__, errors, pipeline
from .symcheck_inputs import Library, gather, is_path, of_system
from .symcheck_judging import judgements
from .symcheck_telling import Answer, as_json, text
from .symcheck_zipapp import build
from .wording import shown

PROGRAM = "findlibs2-symcheck"


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one question. A reader that goes away ends the program quietly."""
    asked = parser().parse_args(arguments)
    try:
        return written(asked.zipapp) if asked.zipapp is not None else checked(asked)
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog=PROGRAM, description="Tell whether libraries find their symbols and versions among what is given."
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    top.add_argument("--json", action="store_true", help="print the facts as JSON")
    top.add_argument("--system", action="store_true", help="take in this machine's own libraries where they are needed")
    top.add_argument("--zipapp", metavar="FILE", help="write this program as one file that needs nothing but Python")
    about = "a library file, a directory, a wheel file (all with a slash or a dot), or the name of an installed library"
    top.add_argument("inputs", metavar="INPUT", nargs="*", help=about)
    return top


def written(path: str) -> int:
    try:
        build(path)
    except OSError as error:
        return misuse(f"{path} cannot be written: {error.strerror}")
    print(path)
    return 0


def checked(asked: argparse.Namespace) -> int:
    paths = [each for each in asked.inputs if is_path(each)]
    names = [each for each in asked.inputs if not is_path(each)]
    absent = [each for each in paths if "\0" in each or not os.path.lexists(each)]
    if not asked.inputs:
        return misuse("nothing was given to check")
    if absent:
        return misuse(*(f"{each}: there is no such file" for each in absent))
    try:
        installed = pipeline.check(*names) if names else None
    except errors.FindlibsError as error:
        hints = [f"{each} is here in this directory: write ./{each}" for each in names if os.path.lexists(each)]
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return misuse(*hints) if hints or isinstance(error, errors.NotFoundError | errors.BadNameError) else 1
    gathered = gather(paths)
    answer = Answer(gathered, judgements(gathered.libraries, taken if asked.system else left), installed)
    print(as_json(answer) if asked.json else text(answer))
    if not answer.passes:
        return 1
    return 0 if answer.looked else misuse("there was no library that can be checked")


def taken(name: str, by: Library) -> Library | None:
    return of_system(name, by.binary)


def left(_name: str, _by: Library) -> Library | None:
    return None


def misuse(*said: str) -> int:
    for each in said:
        print(f"{PROGRAM}: {shown(each)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())

"""Made libraries and wheels, and what the symbol check says of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from findlibs2 import symcheck
from tests.build.elf_symbols import UND, Symbol, library


class Said(NamedTuple):
    """How the program ended, and what it said on both of its outputs."""

    status: int
    out: str
    err: str


def check(*inputs: Path | str, here: Path | None = None) -> Said:
    """`findlibs2-symcheck INPUT...`, in `here` or where we are; HERE in the place of that directory."""
    out, err, back = io.StringIO(), io.StringIO(), os.getcwd()
    try:
        os.chdir(here or back)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = symcheck.main([str(each) for each in inputs])
    finally:
        os.chdir(back)
    return Said(status, *(each.getvalue().replace(f"{here}/", "HERE/") for each in (out, err)))


def facts(*inputs: Path | str) -> Any:
    """What `--json` says."""
    return json.loads(check("--json", *inputs).out)


def found(*inputs: Path | str) -> list[tuple[Any, ...]]:
    """Code, the library, and what it is about, of every finding about libraries."""
    return [
        (
            each["code"],
            os.path.basename(each.get("path", "")),
            tuple(each.get("symbols", ())) or each.get("version") or each.get("versions") or each.get("name"),
        )
        for machine in facts(*inputs)["machines"]
        for each in machine["findings"]
    ]


def made(
    place: Path,
    *needed: str,
    has: Sequence[str] = (),
    wants: Sequence[str | tuple[str, str, str]] = (),
    versions: Sequence[str] = (),
    **facts: Any,
) -> Path:
    """A library at `place`, named like its file. `wants`: names, or (name, version, of which file); what it `has` is of the
    first of its `versions`."""
    needs: dict[str, list[str]] = {}
    for _, version, file in (each for each in wants if not isinstance(each, str)):
        needs.setdefault(file, []).append(version)
    first = len(versions) + 1 if versions else 1
    numbered = [(file, version) for file, each in needs.items() for version in each]
    symbols = [Symbol(name, version=2 if versions else 1) for name in has]
    for each in wants:
        if isinstance(each, str):
            symbols.append(Symbol(each, section=UND, value=0))
        else:
            number = numbered.index((each[2], each[1])) + first + 1
            symbols.append(Symbol(each[0], section=UND, value=0, version=number))
    defines = [place.name, *versions] if versions else ()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(library(symbols, place.name, needed, defines=defines, needs=needs, **facts))
    return place


def wheel(place: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(place, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return place

"""What words are made of: the three beats, and text from outside made harmless. Cold."""

from __future__ import annotations

import shlex
from os.path import basename

from . import metadata
from .model import Record


class Words(Record):
    """The three beats of a message. `fix` None: there is nothing safe to paste."""

    cause: str
    evidence: tuple[tuple[str, ...], ...] = ()
    fix: str | None = None


def shown(text: str) -> str:
    """Text from outside, harmless on a terminal: what cannot be printed is escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode() for each in text
    )


def library(path: str) -> str:
    return shown(basename(path))


def quoted(*arguments: str) -> str:
    return " ".join(shlex.quote(argument) for argument in arguments)


def wheel(package: str | None) -> str:
    """ "mirlib 1.30.2.33", as installed; "" where there is no package."""
    if package is None:
        return ""
    version = metadata.version(package)
    return f"{shown(package)} {shown(version)}" if version else shown(package)


def reinstall(package: str | None) -> str | None:
    """The command that puts back the files of a package exactly as it was installed."""
    distribution = metadata.distribution(package) if package is not None else None
    if distribution is None:
        return None
    return quoted("pip", "install", "--force-reinstall", "--no-deps", f"{distribution.name}=={distribution.version}")

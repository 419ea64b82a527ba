"""What words are made of: the three beats, and text from outside made harmless. Cold."""

from __future__ import annotations

import shlex
from os.path import basename

from . import metadata, packages
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
    """ "mirlib 1.30.2.33"; "" where there is no package."""
    if package is None:
        return ""
    told = version(package)
    return f"{shown(package)} {shown(told)}" if told else shown(package)


def version(package: str) -> str | None:
    """What the package itself says, which is what is used: a copy may hide the one that is installed. Else as installed."""
    found, _ = packages.find(package)
    own = found.version if found is not None else None
    return own if own is not None else metadata.version(package)


def reinstall(package: str | None) -> str | None:
    """The command that puts back the files of a package exactly as it was installed."""
    distribution = metadata.distribution(package) if package is not None else None
    if distribution is None:
        return None
    return quoted("pip", "install", "--force-reinstall", "--no-deps", f"{distribution.name}=={distribution.version}")

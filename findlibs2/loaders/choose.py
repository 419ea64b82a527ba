"""Which loader's beliefs hold in this process."""

from __future__ import annotations

from . import glibc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from ..model import Host

BELIEFS: dict[tuple[str, str | None], ModuleType] = {("linux", "glibc"): glibc}


def loader(host: Host) -> ModuleType | None:
    """The module that says what this process's loader believes; None: no model of it yet."""
    return BELIEFS.get((host.os, host.libc))

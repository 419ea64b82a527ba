"""The loader of this machine is asked, so what the tests write is for this machine. Before any of their modules is read."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.build import elf

E_MACHINE = slice(18, 20)  # gABI, ELF Header

if sys.platform == "linux":
    elf.MACHINE = int.from_bytes(Path(sys.executable).read_bytes()[E_MACHINE], sys.byteorder)

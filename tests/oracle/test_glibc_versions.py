"""What one glibc refuses and another does not, told by the one that is here; .ci/hosts asks others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from findlibs2 import host
from tests import need
from tests.build import elf

pytestmark = [need.linux(), need.glibc()]

FIRST_WITHOUT_EXECUTABLE_STACKS = (2, 41)
REFUSED = "cannot enable executable stack as shared object requires: Invalid argument"


def opened(path: Path, content: bytes) -> str:
    """What the loader says; "": nothing."""
    path.write_bytes(content)
    script = f"import ctypes\ntry:\n    ctypes.CDLL({str(path)!r})\nexcept OSError as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip().replace(f"{path}: ", "")


@pytest.mark.parametrize("stack", ["rwx", None])
def test_since_2_41_a_library_cannot_make_the_stack_executable(stack: str | None, tmp_path: Path) -> None:
    """NEWS of 2.41: "dlopen and dlmopen no longer make the stack executable", neither for a GNU_STACK header that asks for
    it nor for a missing one, where the ABI's default is an executable stack: "loading such objects will fail".
    """
    here = host.snapshot()
    implicit = stack is not None or here.machine == "x86_64"  # that of aarch64 is not executable
    refuses = implicit and here.libc_version >= FIRST_WITHOUT_EXECUTABLE_STACKS
    assert opened(tmp_path / "libx.so", elf.library(stack=stack)) == (REFUSED if refuses else "")

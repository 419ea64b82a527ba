"""Fresh interpreters that see the directories they are given, and nothing else of this one.

No `site` (-S, -s): no site-packages, no `.pth` files. No inherited variable that changes what Python or a loader does,
but LD_LIBRARY_PATH, without which some interpreters do not start.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CHILD = Path(__file__).parent / "child"
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
PATIENCE = 300  # seconds


def project() -> Path:
    """The directory that `findlibs2` is imported from in this process."""
    spec = importlib.util.find_spec("findlibs2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


def command(code: str, paths: Iterable[Path], python: str = sys.executable) -> list[str]:
    """`paths`, findlibs2 and `inside` come before the standard library, in place of the current directory."""
    first = [*map(str, paths), str(project()), str(CHILD)]
    return [python, "-S", "-s", "-c", f"import sys; sys.path[:1] = {first!r}\n{code}"]


def variables(env: Mapping[str, str] | None = None) -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ} | dict(env or {})


def run(
    code: str,
    *paths: Path,
    env: Mapping[str, str] | None = None,
    python: str = sys.executable,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """What came of `code`, however it ended: a negative `returncode` is the signal that killed it."""
    return subprocess.run(
        command(code, paths, python),
        capture_output=True,
        text=True,
        env=variables(env),
        cwd=cwd or "/",
        timeout=PATIENCE,
    )


def answer(
    code: str,
    *paths: Path,
    env: Mapping[str, str] | None = None,
    python: str = sys.executable,
    cwd: Path | None = None,
) -> Any:
    """What `code` told (`inside.tell`, imported for it, as is `inside.mapped`); it must end well."""
    done = run(f"from inside import mapped, tell\n{code}", *paths, env=env, python=python, cwd=cwd)
    assert done.returncode == 0, f"returned {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])

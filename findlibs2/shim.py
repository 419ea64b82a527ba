"""A wheel named `findlibs` that is nothing but `findlibs2.compat`, for sites that install unmodified packages. Cold."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from collections.abc import Mapping

from . import __version__, compat, writing
from .errors import FindlibsError
from .report import beats
from .wording import quoted, shown

NAME = f"findlibs-{compat.__version__}-py3-none-any.whl"
METADATA = f"findlibs-{compat.__version__}.dist-info"

# Binary distribution format (PyPA): what a wheel holds besides RECORD, which is computed.
CONTENT: Mapping[str, str] = {
    "findlibs/__init__.py": '''\
"""findlibs 0.1.3 as findlibs2 does it: see findlibs2.compat."""

from findlibs2 import compat

compat.install()
''',
    f"{METADATA}/METADATA": f"""\
Metadata-Version: 2.1
Name: findlibs
Version: {compat.__version__}
Summary: findlibs, done by findlibs2
License: Apache-2.0
Requires-Python: >=3.10
Requires-Dist: findlibs2>={__version__}
Description-Content-Type: text/markdown

In the place of findlibs 0.1.3: `import findlibs` is `findlibs2.compat`. Built by `python -m findlibs2 shim`.
""",
    f"{METADATA}/WHEEL": f"""\
Wheel-Version: 1.0
Generator: findlibs2 {__version__}
Root-Is-Purelib: true
Tag: py3-none-any
""",
}


class NotWrittenError(FindlibsError, OSError):
    """The wheel could not be written; nothing of it is there. Also an `OSError`; `__cause__` is the system's own."""

    def __init__(self, path: str, system_said: str, code: int | None) -> None:
        super().__init__(path, system_said, code)
        self.path = path
        self.system_said = system_said
        self.code = code

    def __str__(self) -> str:
        directory = os.path.dirname(self.path)
        cause = CAUSES.get(self.code, "{directory} does not take it").format(directory=shown(directory), name=NAME)
        evidence = (("file", shown(self.path)), ("the system", shown(self.system_said)))
        fix = f"mkdir -p {quoted(directory)}" if self.code == errno.ENOENT else None
        return beats(f"the shim wheel cannot be written: {cause}", "not-written", evidence, fix)


# errno -> what is the matter
CAUSES: Mapping[int | None, str] = {
    errno.ENOENT: "there is no directory {directory}",
    errno.ENOTDIR: "{directory} is no directory",
    errno.EISDIR: "{directory} holds a directory of the name {name}",
    errno.EACCES: "{directory} may not be written to",
    errno.EPERM: "{directory} may not be written to",
    errno.EROFS: "{directory} is on a file system that may only be read",
    errno.ENOSPC: "the file system of {directory} is full",
}


def build(directory: str) -> str:
    """The absolute path of the wheel, written into a directory that is there. Its bytes depend on nothing but findlibs2.

    What has that name already is replaced, at once and only by the whole wheel. Errors: `NotWrittenError`.
    """
    path = os.path.join(os.path.abspath(directory), NAME)
    try:
        writing.put(path, wheel())
    except OSError as error:
        raise NotWrittenError(path, str(error.strerror or error), error.errno) from error
    return path


def wheel() -> bytes:
    """The wheel itself."""
    content = {name: text.encode() for name, text in CONTENT.items()}
    return writing.archived({**content, f"{METADATA}/RECORD": record(content)}.items())


def record(content: Mapping[str, bytes]) -> bytes:
    """RECORD: each file with its hash and size; itself without."""
    rows = [f"{name},{digest(data)},{len(data)}" for name, data in content.items()]
    return "\n".join([*rows, f"{METADATA}/RECORD,,", ""]).encode()


def digest(data: bytes) -> str:
    """As RECORD writes it: base64 for URLs, without the padding."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def command(path: str) -> str:
    """What installs the wheel in the place of findlibs 0.1.3."""
    return quoted("pip", "install", path)

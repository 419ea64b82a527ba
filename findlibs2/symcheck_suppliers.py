"""What may be in a library that nobody could look into: by its name, and by that of the symbol. Pure. Cold."""

from __future__ import annotations

import re

from .link import Missing

# Libraries of every Linux (PEP 600) of which every symbol has a version: a linker that saw one of them writes a version
# beside what is wanted of it. A reference without one may still be theirs: scipy's _fmm_core wants pthread_create so.
ALL_VERSIONED = frozenset(
    {
        *(
            "ld-linux-x86-64.so.2",
            "ld-linux-aarch64.so.1",
            "ld-linux.so.2",
            "ld64.so.2",
            "libanl.so.1",
            "libatomic.so.1",
        ),
        *("libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libgfortran.so.5", "libgomp.so.1", "libm.so.6", "libmvec.so.1"),
        *("libpthread.so.0", "libquadmath.so.0", "libresolv.so.2", "librt.so.1", "libstdc++.so.6", "libutil.so.1"),
    }
)
# The other libraries of manylinux, which are plain C as well: a C++ name is not theirs.
PLAIN_C = frozenset(
    {
        *("libX11.so.6", "libXext.so.6", "libXrender.so.1", "libICE.so.6", "libSM.so.6", "libGL.so.1", "libz.so.1"),
        *("libgobject-2.0.so.0", "libgthread-2.0.so.0", "libglib-2.0.so.0", "libexpat.so.1", "libnsl.so.1"),
        "libcrypt.so.1",
    }
)
CXX_RUNTIME = "libstdc++.so.6"
# Itanium C++ ABI, 5.1: names of std, of the language's own operators, and of what is known of its own types.
OF_STD = re.compile(
    rb"_Z(T[VTIS]|GV|Th[n0-9_]*_)?(N[rVK]*[RO]?)?(S[tabsiod]|9__gnu_cxx|10__cxxabiv1|n[wa]|d[la]|[a-z]$)"
)
# What the names of the C library begin with that could pass for somebody else's prefix.
OF_C = (b"__", b"pthread_", b"sem_", b"sched_", b"timer_", b"clock_", b"mq_", b"aio_", b"posix_", b"dl_")


def may_have(name: str, missing: Missing, is_claimed: bool) -> bool:
    """Whether a library that was not given may have a symbol that is missing.

    `is_claimed`: a library that was given has it, or has others of that prefix.
    """
    if missing.file is not None:
        return False
    if name not in ALL_VERSIONED and name not in PLAIN_C:
        return True
    if missing.name.startswith(b"_Z"):
        return name == CXX_RUNTIME and OF_STD.match(missing.name) is not None
    return name in PLAIN_C or not is_claimed or missing.name.startswith(OF_C)

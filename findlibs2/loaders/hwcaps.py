"""Which subdirectories of a search directory glibc tries first, for the processor it runs on. Pure.

Since glibc 2.33 `glibc-hwcaps/<level>`; until 2.36 also the "legacy" ones: "tls", the platform and single capabilities
in every combination (which capabilities count is written down here for x86-64 and aarch64 only). `GLIBC_TUNABLES` can
mask features (glibc.cpu.hwcaps, glibc.cpu.x86_...); it is not looked at.
"""

from __future__ import annotations

from ..model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

# getauxval(3)
AT_HWCAP, AT_HWCAP2 = 16, 26

# System V ABI, AMD64 supplement, "Micro-architecture levels"; glibc, sysdeps/x86/get-isa-level.h. The names are those
# of /proc/cpuinfo: "pni" is SSE3, "abm" is LZCNT. The kernel leaves out what the operating system has not enabled.
X86_64 = (
    ("x86-64-v2", "cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2"),
    ("x86-64-v3", "avx avx2 f16c fma abm movbe"),
    ("x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"),
)
# sysdeps/powerpc/powerpc64/le/dl-hwcaps-subdirs.c: bits of AT_HWCAP2, PPC_FEATURE2_ARCH_3_00 and _HAS_IEEE128, then
# _ARCH_3_1 and _MMA.
POWER = (("power9", 0x00800000 | 0x00400000), ("power10", 0x00040000 | 0x00020000))
# sysdeps/s390/s390-64/dl-hwcaps-subdirs.c: bits of AT_HWCAP (VX; VXD, VXE, GS; VXRS_EXT2, VXRS_PDE; VXRS_PDE2). Whether
# it is a z17 only an instruction can tell (STFLE), so that level is never tried here.
S390X = (("z13", 1 << 11), ("z14", 1 << 12 | 1 << 13 | 1 << 14), ("z15", 1 << 15 | 1 << 16), ("z16", 1 << 19))

# glibc 2.36, sysdeps/x86/cpu-features.c, init_cpu_features: of Intel's processors only.
HASWELL = "avx2 fma bmi1 bmi2 abm movbe popcnt"
AVX512_1 = "avx512cd avx512bw avx512dq avx512vl"
XEON_PHI = "avx512cd avx512er avx512pf"
HWCAP_X86_64, HWCAP_X86_AVX512_1 = 1 << 1, 1 << 2
PLATFORM_BITS = {"i586": 1 << 48, "i686": 1 << 49, "haswell": 1 << 50, "xeon_phi": 1 << 51}
PLATFORM_MASK = 0xF << 48
TLS_BIT = 1 << 63
HWCAP_AARCH64_ATOMICS = 1 << 8


class Processor(Record):
    """What a search depends on the processor for."""

    platform: str | None = None  # what $PLATFORM stands for; None: nothing, and a path with it is dropped
    levels: tuple[str, ...] = ()  # subdirectories of glibc-hwcaps, best first
    legacy: tuple[str, ...] = ()  # subdirectories that glibc up to 2.36 tries, in its order: "tls/x86_64", "tls" ...
    capabilities: int = 0  # bits that a legacy entry of ld.so.cache may ask for


def processor(machine: str, bits: int, cpuinfo: str, auxiliary: Mapping[int, int], platform: str | None) -> Processor:
    """The processor as glibc sees it. `cpuinfo`: text of /proc/cpuinfo; `platform`: AT_PLATFORM, None where empty."""
    if (machine, bits) == ("x86_64", 64):
        return of_x86_64(flags(cpuinfo), "GenuineIntel" in cpuinfo, platform)
    levels = {"ppc64le": (AT_HWCAP2, POWER), "s390x": (AT_HWCAP, S390X)}.get(machine)
    usable = steps(levels[1], auxiliary.get(levels[0], 0)) if levels else ()
    capabilities = auxiliary.get(AT_HWCAP, 0) & HWCAP_AARCH64_ATOMICS if machine == "aarch64" else 0
    names = ["atomics"] if capabilities else []
    return Processor(platform, tuple(usable)[::-1], legacy([*names, platform]), capabilities | TLS_BIT)


def flags(cpuinfo: str) -> frozenset[str]:
    """The flags of the first processor; all of them have the same."""
    _, _, behind = cpuinfo.partition("\nflags")
    return frozenset(behind.partition("\n")[0].split())


def of_x86_64(has: frozenset[str], intel: bool, platform: str | None) -> Processor:
    capabilities = HWCAP_X86_64
    if intel and covers(has, AVX512_1) and "avx512er" not in has:
        capabilities |= HWCAP_X86_AVX512_1
    if intel and covers(has, XEON_PHI):
        platform = "xeon_phi"
    elif intel and covers(has, HASWELL):
        platform = "haswell"
    names = ["x86_64", *(["avx512_1"] if capabilities & HWCAP_X86_AVX512_1 else []), platform]
    bit = PLATFORM_BITS.get(platform or "", 0)
    return Processor(platform, tuple(x86_64_levels(has))[::-1], legacy(names), capabilities | bit | TLS_BIT)


def x86_64_levels(has: frozenset[str]) -> Iterator[str]:
    for level, needs in X86_64:
        if not covers(has, needs):
            return
        yield level


def covers(has: Container[str], needs: str) -> bool:
    return all(flag in has for flag in needs.split())


def steps(levels: Sequence[tuple[str, int]], has: int) -> Iterator[str]:
    for level, needs in levels:
        if has & needs != needs:
            return
        yield level


def legacy(names: Sequence[str | None]) -> tuple[str, ...]:
    """All combinations, as glibc 2.36 orders them: elf/dl-hwcaps.c, "Power set construction begins here".

    `names` are the capabilities by rising bit, then the platform; "tls" is above them all. The fullest one is first.
    """
    parts = [*(name for name in names if name), "tls"]
    full = range((1 << len(parts)) - 1, 0, -1)
    chosen = ("/".join(parts[bit] for bit in reversed(range(len(parts))) if number >> bit & 1) for number in full)
    return tuple(dict.fromkeys(chosen))


def allows(processor: Processor, hwcap: int) -> bool:
    """Whether glibc up to 2.36 takes an entry of ld.so.cache with these bits (elf/dl-cache.c, search_cache)."""
    platform = hwcap & PLATFORM_MASK
    return platform in (0, processor.capabilities & PLATFORM_MASK) and not hwcap & ~(processor.capabilities | platform)

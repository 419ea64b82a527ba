"""Processors as glibc sees them; what this one is, tests/oracle/test_glibc_search.py asks the loader."""

from __future__ import annotations

import pytest

from findlibs2.loaders import hwcaps

V2 = "cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2"
V3 = f"{V2} avx avx2 f16c fma abm movbe"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl"


def x86_64(flags: str, vendor: str = "AuthenticAMD") -> hwcaps.Processor:
    one = f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu {flags} sha_ni\nbugs\t\t: none\n\n"
    return hwcaps.processor("x86_64", 64, one * 2, {}, "x86_64")


class TestLevels:
    @pytest.mark.parametrize(
        ("flags", "levels"),
        [
            ("", ()),
            (V2, ("x86-64-v2",)),
            (V3, ("x86-64-v3", "x86-64-v2")),
            (V4, ("x86-64-v4", "x86-64-v3", "x86-64-v2")),
            (V4.replace(" movbe", ""), ("x86-64-v2",)),
            (V4.replace(" pni", ""), ()),
            (V4.replace(" avx512vl", ""), ("x86-64-v3", "x86-64-v2")),
        ],
    )
    def test_of_x86_64_each_includes_those_below(self, flags: str, levels: tuple[str, ...]) -> None:
        assert x86_64(flags).levels == levels

    # What each level needs of the auxiliary vector; the one above needs all of it too. bits/hwcap.h of each machine.
    POWER = (26, {"power9": (0x00800000, 0x00400000), "power10": (0x00040000, 0x00020000)})
    S390X = (16, {"z13": (2048,), "z14": (4096, 8192, 16384), "z15": (32768, 65536), "z16": (524288,)})

    @pytest.mark.parametrize(("machine", "bits"), [("ppc64le", POWER), ("s390x", S390X)])
    def test_of_others_are_bits_of_the_auxiliary_vector(
        self, machine: str, bits: tuple[int, dict[str, tuple[int, ...]]]
    ) -> None:
        entry, needs = bits
        has, below = 0, list[str]()
        for level, needed in needs.items():
            lacking = [hwcaps.processor(machine, 64, "", {entry: has | sum(needed) - bit}, None) for bit in needed]
            has, below = has | sum(needed), [level, *below]
            full = hwcaps.processor(machine, 64, "", {entry: has}, None)
            assert ({found.levels for found in lacking}, full.levels) == ({tuple(below[1:])}, tuple(below))

    @pytest.mark.parametrize("machine", ["aarch64", "riscv64", "ppc64", "i686"])
    def test_of_all_others_there_are_none(self, machine: str) -> None:
        assert hwcaps.processor(machine, 64, "", dict.fromkeys(range(64), (1 << 64) - 1), None).levels == ()


class TestLegacy:
    """glibc 2.36, elf/dl-hwcaps.c: "entry #0: 0, 1, 2, 3 binary: 1111"; read from the highest to the lowest."""

    def test_every_combination_from_the_fullest_to_the_poorest(self) -> None:
        assert hwcaps.legacy(["x86_64", "avx512_1", "haswell"]) == (
            "tls/haswell/avx512_1/x86_64", "tls/haswell/avx512_1", "tls/haswell/x86_64", "tls/haswell",
            "tls/avx512_1/x86_64", "tls/avx512_1", "tls/x86_64", "tls",
            "haswell/avx512_1/x86_64", "haswell/avx512_1", "haswell/x86_64", "haswell",
            "avx512_1/x86_64", "avx512_1", "x86_64",
        )  # fmt: skip

    def test_without_a_platform_there_is_tls(self) -> None:
        assert hwcaps.processor("riscv64", 64, "", {}, None).legacy == ("tls",)

    def test_of_aarch64_with_atomics(self) -> None:
        found = hwcaps.processor("aarch64", 64, "", {16: 0x1FF}, "aarch64").legacy
        above = ("tls/aarch64/atomics", "tls/aarch64", "tls/atomics", "tls")
        assert found == (*above, "aarch64/atomics", "aarch64", "atomics")

    @pytest.mark.parametrize(
        ("flags", "vendor", "platform", "first"),
        [
            (f"{V3} bmi1 bmi2", "GenuineIntel", "haswell", "tls/haswell/x86_64"),
            (f"{V4} bmi1 bmi2", "GenuineIntel", "haswell", "tls/haswell/avx512_1/x86_64"),
            (f"{V4} bmi1 bmi2 avx512er avx512pf", "GenuineIntel", "xeon_phi", "tls/xeon_phi/x86_64"),
            (V2, "GenuineIntel", "x86_64", "tls/x86_64/x86_64"),
            (f"{V4} bmi1 bmi2", "AuthenticAMD", "x86_64", "tls/x86_64/x86_64"),
        ],
    )
    def test_platforms_of_intel(self, flags: str, vendor: str, platform: str, first: str) -> None:
        """sysdeps/x86/cpu-features.c, init_cpu_features: it is also what $PLATFORM stands for, until today."""
        found = x86_64(flags, vendor)
        assert (found.platform, found.legacy[0]) == (platform, first)


class TestCacheEntries:
    """glibc 2.36, elf/dl-cache.c: `libnew->hwcap & hwcap_exclude`, and `libnew->hwcap & _DL_HWCAP_PLATFORM`."""

    @pytest.mark.parametrize(
        ("hwcap", "taken"),
        [
            (0, True),
            (1 << 63, True),  # tls
            (1 << 1, True),  # x86_64
            (1 << 2, False),  # avx512_1
            (1 << 50, True),  # haswell
            (1 << 51, False),  # xeon_phi
            (1 << 48, False),  # i586
            (1 << 49, False),  # i686
            (1 << 63 | 1 << 50 | 1 << 1, True),
            (1 << 40, False),
            (1 << 47, False),
            (1 << 52, False),
        ],
    )
    def test_are_taken_when_the_processor_has_all_they_ask_for(self, hwcap: int, taken: bool) -> None:
        assert hwcaps.allows(x86_64(f"{V3} bmi1 bmi2", "GenuineIntel"), hwcap) is taken

    def test_of_a_xeon_phi(self) -> None:
        phi = x86_64(f"{V4} bmi1 bmi2 avx512er avx512pf", "GenuineIntel")
        assert [hwcaps.allows(phi, 1 << bit) for bit in (50, 51, 2)] == [False, True, False]

    def test_of_avx512(self) -> None:
        assert hwcaps.allows(x86_64(f"{V4} bmi1 bmi2", "GenuineIntel"), 1 << 2)

    def test_of_a_processor_without_a_platform(self) -> None:
        bare = hwcaps.processor("riscv64", 64, "", {}, None)
        assert [hwcaps.allows(bare, bits) for bits in (0, 1 << 63, 1, 1 << 50)] == [True, True, False, False]

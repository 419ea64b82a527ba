"""First bytes -> what kind of file it is."""

from __future__ import annotations

import pytest

from findlibs2.formats.sniff import kind

KINDS = {
    b"": "empty",
    b"\x7fELF": "elf",
    b"\x7fELF\2\1\1": "elf",
    b"\x7fEL": "unknown",
    b"\xcf\xfa\xed\xfe\x0c\0\0\1": "macho",  # 64 bit, little-endian
    b"\xfe\xed\xfa\xce\0\0\0\x12": "macho",  # 32 bit, big-endian
    b"\xca\xfe\xba\xbe\0\0\0\2\1\0\0\7": "macho",  # universal, two architectures
    b"\xca\xfe\xba\xbf\0\0\0\2": "macho",  # universal, 64-bit offsets
    b"\xca\xfe\xba\xbe\0\0\0\x34": "unknown",  # a Java class of version 52
    b"MZ\x90\0\3": "pe",
    b"!<arch>\n": "archive",
    b"!<thin>\n/": "archive",
    b"/* GNU ld script\n   Use the shared library */\nGROUP ( /lib/libc.so.6 )": "linker-script",
    b"INPUT(libncurses.so.6 -ltinfo)\n": "linker-script",
    b"\n  GROUP ( libgcc_s.so.1 -lgcc )": "linker-script",
    b"/* one */\n/* two */ OUTPUT_FORMAT(elf64-x86-64)": "linker-script",
    b"/* a comment without an end": "text",
    b"/* C */ int main;": "text",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0": "text",
    b"<!DOCTYPE html>": "text",
    b"caf\xc3\xa9\n": "text",
    b"PK\3\4": "unknown",
    bytes(4096): "unknown",
}


@pytest.mark.parametrize("first", KINDS)
def test_kind(first: bytes) -> None:
    assert kind(first) == KINDS[first]

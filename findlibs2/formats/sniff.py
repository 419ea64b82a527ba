"""What a file is, from its first bytes: a name, not a verdict."""

from __future__ import annotations

# Mach-O: mach-o/loader.h and mach-o/fat.h. 0xCAFEBABE is also a Java class file; its next word then is a version of at
# least 45, where a universal binary counts its architectures.
_MAGICS = (
    (b"\x7fELF", "elf"),
    (b"!<arch>\n", "archive"),  # ar(5)
    (b"!<thin>\n", "archive"),  # GNU ar, thin
    (b"\xfe\xed\xfa\xce", "macho"),
    (b"\xfe\xed\xfa\xcf", "macho"),
    (b"\xce\xfa\xed\xfe", "macho"),
    (b"\xcf\xfa\xed\xfe", "macho"),
    (b"\xca\xfe\xba\xbf", "macho"),
    (b"MZ", "pe"),
)
_FAT = b"\xca\xfe\xba\xbe"
_FIRST_JAVA = 45

# GNU ld, "Commands Dealing with Files" and "Format Commands": what the libfoo.so of a -dev package begins with, after
# comments. An ld script may also assign symbols; no shared library is installed that way.
_COMMANDS = (b"/* GNU ld script", b"INPUT", b"GROUP", b"OUTPUT_FORMAT", b"AS_NEEDED", b"SEARCH_DIR", b"INCLUDE")
_TEXT = bytes(range(32, 127)) + b"\t\n\r\f\v\b\x1b" + bytes(range(128, 256))


def kind(first: bytes) -> str:
    """ "elf", "macho", "pe", "archive", "linker-script", "text", "empty" or "unknown"; `first`: some first bytes."""
    if not first:
        return "empty"
    for magic, name in _MAGICS:
        if first.startswith(magic):
            return name
    if first.startswith(_FAT):
        return "macho" if int.from_bytes(first[4:8], "big") < _FIRST_JAVA else "unknown"
    if first.translate(None, _TEXT):  # something that no text holds
        return "unknown"
    return "linker-script" if _is_linker_script(first) else "text"


def _is_linker_script(text: bytes) -> bool:
    if text.startswith(_COMMANDS[0]):
        return True
    text = text.lstrip()
    while text.startswith(b"/*"):
        text = text[2:].partition(b"*/")[2].lstrip()
    return text.startswith(_COMMANDS)

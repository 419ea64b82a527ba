"""What GLIBC_TUNABLES makes of the loader's own numbers. Pure. Cold.

Source: elf/dl-tunables.c, parse_tunables; elf/dl-tunables.list for the bounds; elf/dl-misc.c, _dl_strtoul. The loader is
asked itself, with its --list-tunables, in tests/oracle/test_glibc_tunables.py.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACES, OPTIONAL_TLS, EXECSTACK = "glibc.rtld.nns", "glibc.rtld.optional_static_tls", "glibc.rtld.execstack"
LARGEST = (1 << 64) - 1

# name -> what it is unless it is set, the least and the most that it can be, the glibc that has it first. Of
# glibc.rtld.execstack 2.41 knows 0 and 1 only, unless its builder took the 2 of 2.42 over, as Debian did.
KNOWN = {
    NAMESPACES: (4, 1, 16, (2, 32)),
    OPTIONAL_TLS: (512, 0, LARGEST, (2, 32)),
    EXECSTACK: (1, 0, 2, (2, 41)),
}
STRICT = (2, 39)  # since then a text with one thing wrong in it counts for nothing, and a value is a number to its end
# Hexadecimal, octal, decimal.
NUMBER = r"[ \t]*([+-]?)(?:0[xX]([0-9a-fA-F]{0,30})|(0[0-7]{0,30})|([1-9][0-9]{0,30}))?"


def value(text: str | None, name: str, glibc: tuple[int, ...]) -> int:
    """What the loader of that version goes by. `text`: GLIBC_TUNABLES as of process start; None: not set."""
    usual, least, most, since = KNOWN[name]
    if glibc < since:
        return usual
    strict, now = glibc >= STRICT, usual
    for given in (given for known, given in pairs(text or "", strict) if known == name):
        found = number(given, strict)
        if found is not None and least <= found <= most:
            now = found  # do_tunable_update_val: "Bail out if the bounds are not valid."
        elif strict:  # there the last one counts, and only that is looked at
            now = usual
    return now


def pairs(text: str, strict: bool) -> Iterator[tuple[str, str]]:
    """Names and values. Between two colons there may be no pair; "if we reach the end of the string before getting a valid
    name-value pair", or if there is a second "=", a strict loader takes nothing of it."""
    parts = [part.partition("=") for part in text.split(":")]
    if strict and (not parts[-1][1] or any("=" in given for _, equals, given in parts)):
        return iter(())
    return ((name, given) for name, equals, given in parts if equals)


def number(given: str, strict: bool) -> int | None:
    """What _dl_strtoul makes of it: 0x begins a hexadecimal number, 0 an octal one, and nothing is 0. None: a strict loader
    takes no number that does not end where the text does, nor one that is too large."""
    import re  # dear, and seldom is any tunable set

    found = (re.fullmatch if strict else re.match)(NUMBER, given)
    if found is None:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    base, digits = (16, hexadecimal) if hexadecimal else (8, octal) if octal else (10, decimal)
    size = int(digits or "0", base)
    if size > LARGEST:
        return None if strict else LARGEST
    return -size % (LARGEST + 1) if sign == "-" else size

"""What the files of a plan demand of the host, beyond libraries and symbols -> findings. Pure. Cold.

An executable stack, room in the static area of every thread, a C library that is new enough. None of it stops a load: the
loader refuses by itself what it cannot give, before any constructor has run. Each belief is asked of two loaders, 2.36 and
2.41, in tests/oracle/test_demands.py.
"""

from __future__ import annotations

from .findings import BuiltForNewer, MissingVersion, StackNotExecutable, StaticTlsAlignment, StaticTlsFull, UnmarkedRelr
from .formats.elf_symbols import gnu_hash
from .loaders import glibc_tunables
from .model import Record
from .notes import StackMadeExecutable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .formats.elf_demands import Demands
    from .formats.elf_symbols import Symbols
    from .model import Finding, Host, Loaded, Plan, Step


class Question(Record):
    """What is to be judged. `wants`: what a file demands, None if it cannot be read."""

    plan: Plan
    host: Host
    loaded: tuple[Loaded, ...]
    tables: Mapping[str, Symbols | None]  # by path, of the steps
    wants: Callable[[str], Demands | None]

    def in_process(self) -> Iterator[Demands]:
        """Of the program, and of what it has opened."""
        program = self.host.executable
        for path in (*((program.path,) if program is not None else ()), *(each.path for each in self.loaded)):
            wanted = self.wants(path)
            if wanted is not None:
                yield wanted

    def tunable(self, name: str) -> int:
        return glibc_tunables.value(self.host.tunables, name, self.host.libc_version)


def judge(
    plan: Plan,
    host: Host,
    loaded: tuple[Loaded, ...] | None,
    tables: Mapping[str, Symbols | None],
    wants: Callable[[str], Demands | None],
) -> list[Finding]:
    """What the host cannot give, or gives at a price. `loaded`: the objects of the process; None: unknown."""
    if host.libc != "glibc" or not host.libc_version:
        return []
    asked = Question(plan, host, loaded or (), tables, wants)
    return [*stacks(asked), *static_tls(asked), *unmarked_relr(asked)]


# --------------------------------------------------------------------------------------------------- executable stacks

NOT_LATER = (2, 41)  # glibc: since then no dlopen makes a stack executable (NEWS of 2.41)
FORCED = 2  # glibc.rtld.execstack: stacks are executable from the start

# glibc sysdeps/<machine>/stackinfo.h, DEFAULT_STACK_PERMS: where a file without PT_GNU_STACK is taken to want an executable
# stack. On all others (aarch64, riscv64, ppc64le, loongarch64 ...) it is not.
EXECUTABLE_UNLESS_SAID = frozenset(
    {
        "x86_64", "i686", "arm", "alpha", "m68k", "mips", "mipsel", "mips64", "mips64el", "parisc", "ppc", "ppcle",
        "s390", "s390x", "sh4", "sparc", "sparc64",
    }
)  # fmt: skip


def stacks(asked: Question) -> Iterator[StackNotExecutable | StackMadeExecutable]:
    """elf/dl-load.c, _dl_map_object_from_fd: what PT_GNU_STACK wants, and the stacks of the process are not.

    They are, once anything in it wanted that: the program, or what it started with; up to 2.40 also what was opened later.
    """
    steps = [step for step in asked.plan.steps if is_executable(stack_of(step), asked.host.machine)]
    if not steps or any(is_executable(each.stack, asked.host.machine) for each in asked.in_process()):
        return
    if asked.host.libc_version < NOT_LATER:
        yield from (StackMadeExecutable(step.path, stack_of(step), step.package) for step in steps)
    elif asked.tunable(glibc_tunables.EXECSTACK) != FORCED:
        yield from (StackNotExecutable(step.path, stack_of(step), step.package) for step in steps)


def stack_of(step: Step) -> str | None:
    """PT_GNU_STACK of a file; of one that could not be read, what wants nothing."""
    return step.file.binary.stack if step.file.binary is not None else "rw"


def is_executable(stack: str | None, machine: str) -> bool:
    return stack == "rwx" or (stack is None and machine in EXECUTABLE_UNLESS_SAID)


# ------------------------------------------------------------------------------------------------- thread-local storage

# Of the area of a thread, TCB_ALIGNMENT (sysdeps/<machine>/nptl/pthreaddef.h): 64 on x86, less on others. With 64 for all
# nothing is told there that could be wrong.
AREA_ALIGN = 64
BEFORE_TUNABLES, OLD_SURPLUS = (2, 32), 64 + 16 * 100  # elf/dl-tls.c up to 2.31: TLS_STATIC_SURPLUS
LIBC_IE_TLS = OTHER_IE_TLS = 144


def static_tls(asked: Question) -> Iterator[StaticTlsFull | StaticTlsAlignment]:
    """elf/dl-reloc.c, _dl_try_allocate_static_tls: what is too much for the area even if nobody has taken any of it.

    How much of it others took, of all that was opened since the start, nobody can tell: that the rest is enough is not said.
    """
    blocks = dict(static_blocks(asked))
    if not blocks:
        return
    align = max([AREA_ALIGN, *(each.tls_align for each in asked.in_process())])
    packages = {step.path: step.package for step in asked.plan.steps}
    for path, (_, wanted) in blocks.items():
        if wanted > align:
            yield StaticTlsAlignment(path, wanted, align, packages[path])
    fitting = {path: block for path, block in blocks.items() if block[1] <= align}
    least, room = least_demand(fitting.values()), surplus(asked) + align - 1  # its end is rounded up
    if least > room:
        sizes = tuple((path, size, packages[path]) for path, (size, _) in fitting.items())
        yield StaticTlsFull(sizes, least, room, enough(asked, least))


def surplus(asked: Question) -> int:
    """elf/dl-tls.c, _dl_tls_static_surplus_init, in bytes. (With LD_AUDIT there is more, for each of its libraries.)"""
    if asked.host.libc_version < BEFORE_TUNABLES:
        return OLD_SURPLUS
    namespaces, optional = asked.tunable(glibc_tunables.NAMESPACES), asked.tunable(glibc_tunables.OPTIONAL_TLS)
    legacy = OLD_SURPLUS - (3 * LIBC_IE_TLS + 4 * OTHER_IE_TLS + 512)  # with what is usual it is what it was before
    return (namespaces - 1) * LIBC_IE_TLS + namespaces * OTHER_IE_TLS + optional + legacy


def enough(asked: Question, least: int) -> int | None:
    """What glibc.rtld.optional_static_tls should be: as much more, and something for others. None: there is no such."""
    if asked.host.libc_version < BEFORE_TUNABLES:
        return None
    return -(-(asked.tunable(glibc_tunables.OPTIONAL_TLS) + least) // 1024) * 1024


def least_demand(blocks: Iterable[tuple[int, int]]) -> int:
    """Bytes from the first to the last of blocks of (size, alignment), whatever their order is.

    All together they need the sum of their sizes. Those that begin at multiples of one number need as many of such pieces as
    they touch, but for a part of the last one.
    """
    blocks = list(blocks)
    whole = [
        sum(-(-size // align) * align for size, own in blocks if own >= align) - (align - 1)
        for align in {1, *(align for _, align in blocks)}
    ]
    return max(whole)


def static_blocks(asked: Question) -> Iterator[tuple[str, tuple[int, int]]]:
    """Path, size and alignment of the thread-local blocks that an initial-exec relocation of the plan leads to."""
    binaries = {step.path: step.file.binary for step in asked.plan.steps if step.file.binary is not None}
    flagged = [path for path, binary in binaries.items() if "STATIC_TLS" in binary.flags]
    for path in dict.fromkeys(owner for each in flagged for owner in owners(asked, each)):
        wanted = asked.wants(path)
        if wanted is not None and binaries[path].tls_size:
            yield path, (binaries[path].tls_size, wanted.tls_align)


def owners(asked: Question, path: str) -> Iterator[str]:
    """The steps whose blocks the initial-exec relocations of a file lead to: mostly its own."""
    wanted, symbols = asked.wants(path), asked.tables.get(path)
    numbers = wanted.static_tls if wanted is not None else frozenset()
    if numbers is None or symbols is None:
        yield path
        return
    for number in sorted(numbers):
        if number == 0 or (number < symbols.count and symbols.fields(number)[2]):  # st_shndx: it is defined here
            yield path
        elif number < symbols.count:
            name = symbols.name(number)
            supplying = (each for each, table in asked.tables.items() if table is not None and has(table, name))
            yield from [first for first in [next(supplying, None)] if first is not None]


def has(symbols: Symbols, name: bytes) -> bool:
    return any(symbols.is_definition(number) for number in symbols.named(name, gnu_hash(name)))


# ----------------------------------------------------------------------------------------------- compressed relocations

RELR, RELR_SINCE = "GLIBC_ABI_DT_RELR", (2, 36)


def unmarked_relr(asked: Question) -> Iterator[UnmarkedRelr]:
    """elf/dl-version.c, _dl_check_map_versions: a file with DT_RELR that needs the C library has to want that version of it,
    by which a loader that does not know DT_RELR refuses it."""
    if asked.host.libc_version < RELR_SINCE:
        return
    for step in asked.plan.steps:
        symbols, binary = asked.tables.get(step.path), step.file.binary
        if symbols is None or binary is None or not symbols.has_relr:
            continue
        needs_libc = any(each.name.startswith("libc.so.") for each in binary.needed)
        if needs_libc and RELR.encode() not in [version for _, version, _ in symbols.needed_versions()]:
            yield UnmarkedRelr(step.path, step.package)


# ----------------------------------------------------------------------------------------------------- too old a system

SYSTEM = ("GLIBC_", "GLIBCXX_", "CXXABI_")
ABI = {RELR: RELR_SINCE}  # versions without a number, and the glibc that has them first


def floors(found: Iterable[Finding], plan: Plan, host: Host) -> list[Finding]:
    """The same findings, but of the versions of one system library that one file misses the newest speaks for all: it says
    for how new a system the file was built."""
    others: list[Finding] = []
    groups: dict[tuple[str, str], list[MissingVersion]] = {}
    for each in found:
        if isinstance(each, MissingVersion) and each.version.startswith(SYSTEM):
            groups.setdefault((each.path, each.supplier), []).append(each)
        else:
            others.append(each)
    return [*(floor(group, plan, host) for group in groups.values()), *others]


def floor(group: list[MissingVersion], plan: Plan, host: Host) -> BuiltForNewer:
    """One finding for what one file misses of one system library."""
    newest, *others = sorted(group, key=lambda each: age(each.version), reverse=True)
    built_for = age(newest.version) if newest.version.startswith("GLIBC_") else ()
    because = next((step.because for step in plan.steps if step.path == newest.supplier), ())
    return BuiltForNewer(
        **newest.__dict__,
        others=tuple(each.version for each in others),
        built_for=".".join(map(str, built_for)) or None,
        system=".".join(map(str, host.libc_version)) or None,
        taken=because[-1].source if because else "in the process already",
    )


def age(version: str) -> tuple[int, ...]:
    """ "GLIBC_2.38" as numbers; of one that has none, since when it is there; () unknown."""
    parts = version.rpartition("_")[2].split(".")
    return ABI.get(version) or (tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ())

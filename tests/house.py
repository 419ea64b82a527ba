"""The house as a table, and what its sources really say. `test_house.py` compares the two.

A new module has no floor, no temperature and no door until somebody writes them here.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "findlibs2"
FRONT_DOOR = "findlibs2"

# Lowest floor first. A module imports only from floors below its own. Names are relative to findlibs2.
FLOORS: tuple[tuple[str, ...], ...] = (
    (FRONT_DOOR,),
    ("model",),
    ("findings", "notes"),
    ("errors",),
    # What is true: pure rooms, side by side.
    ("names", "graph", "formats", "formats.window", "formats.sniff"),
    (
        "loaders",
        "loaders.hwcaps",
        "loaders.ldcache",
        "loaders.glibc_symbols",
        "loaders.glibc_tunables",
        "loaders.musl_symbols",
    ),
    ("declaration", "loaders.glibc", "loaders.musl"),
    ("loaders.musl_process",),
    ("loaders.musl_opening",),
    ("formats.elf_image",),
    ("loaders.glibc_process",),
    ("formats.elf_damage", "formats.elf_object", "formats.elf_hashes"),
    ("loaders.glibc_binding", "loaders.glibc_finding"),
    ("formats.elf",),
    ("loaders.glibc_opening",),
    ("formats.elf_relocations",),
    ("formats.elf_symbols",),
    ("closure", "link", "formats.elf_demands"),
    ("underlinking", "expecting", "demands"),
    ("linked",),
    ("planning", "verdict"),
    # What is there: one door for each effect.
    ("files", "process", "metadata", "legacy", "demangle", "writing"),
    ("trust", "host", "packages", "handles"),
    ("exposure",),
    ("scopes",),
    ("scopes_musl",),
    ("config", "overriding", "survey", "places", "releases", "repairs", "rivals", "searchpaths"),
    ("remarks",),
    ("locating",),
    ("deciding",),
    # What is done, and what is told.
    ("pipeline",),
    ("scoping",),
    ("compat",),
    ("wording",),
    ("words_symbols",),
    ("words_demands",),
    ("words",),
    ("telling",),
    ("report",),
    ("disagreeing",),
    ("shim", "symcheck_wheels", "symcheck_zipapp"),
    ("symcheck_inputs",),
    ("symcheck_suppliers",),
    ("symcheck_judging",),
    ("symcheck_telling",),
    ("cli", "symcheck"),
    ("__main__",),
    # What PyInstaller asks, outside any program: one hook for each package.
    ("_pyinstaller",),
    tuple(sorted(f"_pyinstaller.{path.stem}" for path in SOURCE.glob("_pyinstaller/hook-*.py"))),
)

# Where one floor looks up to a higher one, inside a function, and why.
STAIRS: dict[tuple[str, str], str] = {
    ("errors", "report"): "an error is facts; words are found when somebody looks (str)",
    ("scopes", "scopes_musl"): "musl's loader needs another object, and puts it where all others are put",
    (FRONT_DOOR, "errors"): "public names are fetched on first use (PEP 562)",
    ("pipeline", "disagreeing"): "the loader was asked, and its answer is to be told",
    ("pipeline", "scoping"): "a verdict tells who can see the private scope by now",
    (FRONT_DOOR, "scoping"): "public names are fetched on first use (PEP 562)",
    (FRONT_DOOR, "pipeline"): "public names are fetched on first use (PEP 562)",
}

# Rooms that never meet, not even through a third one.
WALLS: tuple[tuple[str, str], ...] = (
    ("formats", "loaders"),  # facts of a file; beliefs of a program
    ("formats.elf", "formats.macho"),
    ("formats.elf", "formats.pe"),
    ("formats.macho", "formats.pe"),
    ("loaders.glibc", "loaders.musl"),
    ("loaders.dyld", "loaders.windows"),
)

# Not on the good path of `load`. All other modules are hot.
COLD = frozenset(
    {
        "formats.sniff",
        "formats.elf_relocations",
        "formats.elf_demands",
        "loaders.glibc_tunables",
        "demands",
        "exposure",
        "underlinking",
        "expecting",
        "linked",
        "verdict",
        "disagreeing",
        "scoping",
        "releases",
        "repairs",
        "rivals",
        "searchpaths",
        "remarks",
        "demangle",
        "writing",
        "loaders.hwcaps",
        "loaders.musl",
        "loaders.musl_opening",
        "loaders.musl_process",
        "loaders.musl_symbols",
        "scopes_musl",
        "metadata",
        "legacy",
        "config",
        "overriding",
        "survey",
        "places",
        "compat",
        "shim",
        "wording",
        "words_symbols",
        "words_demands",
        "words",
        "telling",
        "symcheck",
        "symcheck_inputs",
        "symcheck_judging",
        "symcheck_suppliers",
        "symcheck_telling",
        "symcheck_wheels",
        "symcheck_zipapp",
        "report",
        "cli",
        "__main__",
        "loaders.glibc_process",
        "loaders.glibc_binding",
        "loaders.glibc_finding",
        "loaders.glibc_opening",
        "_pyinstaller",
        *FLOORS[-1],
    }
)

# What is too dear for the hot path (docs/explanation/design.md, third sentence).
DEAR = frozenset(
    {
        "ast",
        "collections",
        "contextlib",
        "ctypes.util",
        "dataclasses",
        "enum",
        "functools",
        "importlib.metadata",
        "importlib_metadata",
        "inspect",
        "json",
        "logging",
        "packaging",
        "pathlib",
        "re",
        "shutil",
        "subprocess",
        "tempfile",
        "threading",
        "tokenize",
        "typing",
        "warnings",
    }
)

# What any module may use of the standard library: text and arithmetic; of `os`, what never touches the disk.
PURE: dict[str, frozenset[str] | None] = {
    "__future__": None,
    "struct": None,
    "os": frozenset({"fsdecode", "fsencode", "pathsep", "sep"}),
    "os.path": frozenset({"basename", "dirname", "isabs", "join", "normpath", "split", "splitext"}),
}

# What each effect module may use besides: "module", or "module:name" for one name of it. One door for each effect:
# whoever needs it too asks the module that has it.
DOORS: dict[str, frozenset[str]] = {
    "declaration": frozenset({"warnings:filters"}),  # silenced while a source is parsed, nothing is told
    "loaders.glibc_tunables": frozenset({"re"}),
    "exposure": frozenset({"ctypes", "os"}),
    "scopes": frozenset({"ctypes", "os", "os.path:expanduser", "tempfile", "warnings"}),
    "scopes_musl": frozenset({"os", "tempfile"}),
    "expecting": frozenset({"bisect"}),
    "demangle": frozenset({"collections", "ctypes", "os:RTLD_NOLOAD"}),
    "files": frozenset({"errno", "os", "stat"}),
    "process": frozenset({"errno", "os", "sys"}),
    "metadata": frozenset({"csv", "importlib", "importlib_metadata", "packaging"}),
    "trust": frozenset({"errno", "os", "stat"}),
    "host": frozenset({"os", "sys"}),
    "packages": frozenset({"importlib", "os", "sys"}),
    "handles": frozenset({"_thread", "ctypes", "os:register_at_fork", "os:RTLD_LAZY", "os:RTLD_NOLOAD"}),
    "legacy": frozenset({"configparser", "os:environ", "os.path:exists", "os.path:expanduser"}),
    "config": frozenset({"difflib", "os.path:expanduser", "sys:version_info", "tomli", "tomllib"}),
    "overriding": frozenset({"os.path:abspath"}),
    "searchpaths": frozenset({"functools"}),
    "survey": frozenset({"os.path:realpath", "sys"}),
    "places": frozenset({"os.path:abspath", "os.path:expanduser", "sys"}),
    "disagreeing": frozenset({"warnings"}),
    "locating": frozenset({"os:environ", "os.path:abspath", "os.path:expanduser", "sys:flags", "sys:prefix"}),
    "compat": frozenset({"collections", "ctypes", "importlib", "pathlib", "sys", "types"}),
    "writing": frozenset({"collections", "io", "os", "zipfile"}),
    "shim": frozenset({"base64", "collections", "errno", "hashlib", "os.path:abspath"}),
    "pipeline": frozenset({"os.path:abspath"}),
    "scoping": frozenset({"ctypes", "os.path:abspath"}),
    "wording": frozenset({"shlex"}),
    "words_symbols": frozenset({"collections"}),
    "words": frozenset({"collections", "itertools", "typing"}),
    "telling": frozenset({"collections"}),
    "symcheck": frozenset({"argparse", "collections", "os.path:lexists", "sys"}),
    "symcheck_inputs": frozenset({"collections", "os:scandir", "os.path:isdir"}),
    "symcheck_judging": frozenset({"collections", "itertools", "operator"}),
    "symcheck_suppliers": frozenset({"re"}),
    "symcheck_telling": frozenset({"collections", "json", "typing"}),
    "symcheck_wheels": frozenset({"collections", "os", "stat", "zipfile", "zlib"}),
    "symcheck_zipapp": frozenset({"collections", "importlib"}),
    "report": frozenset({"collections", "typing"}),
    "cli": frozenset({"argparse", "collections", "sys", "time"}),
    "__main__": frozenset({"sys:exit"}),
}


def door(module: str) -> dict[str, frozenset[str] | None]:
    """What a module may use of modules that are not ours: names, or None for the whole module."""
    allowed = dict(PURE)
    for entry in DOORS.get(module, ()):
        of, _, name = entry.partition(":")
        allowed[of] = (allowed.get(of) or frozenset()) | {name} if name else None
    return allowed


# What no module does with `os`: findlibs2 starts nothing, writes nothing and changes nothing in the process.
STARTS = "execv execve execvp execvpe fork forkpty popen posix_spawn posix_spawnp spawnv spawnve startfile system"
WRITES = "chmod chown ftruncate link makedirs mkdir remove rename replace rmdir symlink truncate unlink utime write"
CHANGES = "chdir dup2 kill putenv setuid umask unsetenv"
NEVER = frozenset(f"{STARTS} {WRITES} {CHANGES}".split())

# Who writes nevertheless, and by which of these: what a person asked for by name.
WRITERS: dict[str, frozenset[str]] = {
    "scopes": frozenset({"write"}),
    "scopes_musl": frozenset({"symlink"}),
    "writing": frozenset({"chmod", "replace", "unlink"}),
}

# Built-ins that act, and the modules that may call them.
ACTING: dict[str, frozenset[str]] = {
    "open": frozenset({"files", "writing"}),
    "print": frozenset({"cli", "symcheck"}),
    "input": frozenset(),
    "exec": frozenset(),
    "eval": frozenset(),
    "compile": frozenset({"declaration"}),
    "__import__": frozenset({"packages"}),
    "breakpoint": frozenset(),
}


class Import(NamedTuple):
    """One imported thing. `module` is relative to findlibs2 for its own modules, and absolute for all others."""

    module: str
    name: str | None  # of `from module import name`; None: the module itself
    alias: str | None  # of `import module as alias`
    line: int
    own: bool
    lazy: bool  # inside a function
    typing_only: bool  # under `if TYPE_CHECKING:`


@cache
def modules() -> list[str]:
    """Every module of the package by its name relative to it; the package itself is "findlibs2"."""
    return sorted(_name(path) for path in SOURCE.rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or FRONT_DOOR


def path(module: str) -> Path:
    stem = SOURCE if module == FRONT_DOOR else SOURCE.joinpath(*module.split("."))
    return stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(path(module).read_text("utf-8"))


def floor(module: str) -> int:
    """Number of the floor, 0 lowest. ValueError: the module has none."""
    for number, rooms in enumerate(FLOORS):
        if module in rooms:
            return number
    raise ValueError(f"{module} has no floor: write it into tests/house.py")


@cache
def imports(module: str) -> list[Import]:
    return list(_imports(tree(module), module, lazy=False, typing_only=False))


def _imports(node: ast.AST, module: str, *, lazy: bool, typing_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield _import(alias.name, None, alias.asname, child.lineno, lazy, typing_only)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(child, module)
            for alias in child.names:
                yield _import(base, alias.name, alias.asname, child.lineno, lazy, typing_only)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for statement in child.body:
                wrapped = ast.Module([statement], [])
                yield from _imports(wrapped, module, lazy=lazy, typing_only=True)
            for statement in child.orelse:
                wrapped = ast.Module([statement], [])
                yield from _imports(wrapped, module, lazy=lazy, typing_only=typing_only)
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _imports(child, module, lazy=lazy or inside, typing_only=typing_only)


def _absolute(statement: ast.ImportFrom, module: str) -> str:
    """`from ..x import y` in `a.b` as an absolute name (Language Reference, 7.11)."""
    if not statement.level:
        return statement.module or ""
    full = [FRONT_DOOR] if module == FRONT_DOOR else [FRONT_DOOR, *module.split(".")]
    is_package = path(module).name == "__init__.py"
    package = full[: len(full) - statement.level + is_package]
    return ".".join([*package, *([statement.module] if statement.module else [])])


def _import(base: str, name: str | None, alias: str | None, line: int, lazy: bool, typing_only: bool) -> Import:
    relative = base[len(FRONT_DOOR) + 1 :] if base.startswith(FRONT_DOOR + ".") else ""
    own = base == FRONT_DOOR or bool(relative)
    if not own:
        return Import(base, name, alias, line, own, lazy, typing_only)
    inner = f"{relative}.{name}".strip(".")
    if name and inner in modules():  # `from . import graph` means the module
        return Import(inner, None, alias, line, own, lazy, typing_only)
    return Import(relative or FRONT_DOOR, name, alias, line, own, lazy, typing_only)


def used(module: str, of: str) -> set[str]:
    """What the module takes of another one: `of.name` anywhere, and `from of import name`."""
    dotted = {
        node.attr
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == of and f"{of}.{node.attr}" not in sys.modules
    }
    return dotted | {found.name for found in imports(module) if found.module == of and found.name}


def plain_names(module: str) -> set[str]:
    """Names that are called or passed on without a dot: built-ins among them."""
    return {node.id for node in ast.walk(tree(module)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def reachable(module: str) -> set[str]:
    """Every own module that this one leads to, through any number of imports, stairs left out."""
    found: set[str] = set()
    todo = [module]
    while todo:
        here = todo.pop()
        steps = {step.module for step in imports(here) if step.own and (here, step.module) not in STAIRS}
        todo += steps - found
        found |= steps
    return found

"""The source of a wrapper's `__init__.py` -> what it declares. Pure: the source is parsed, never executed.

The documented protocol names the attribute `depends_on`, the published wheels name it `findlibs_dependencies`.
"""

from __future__ import annotations

from . import names
from .model import Finding, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

# Bytes. A longer source can be deep enough to overflow the C stack of the parser: 400 kB of "+1" in CPython 3.10.
MAX_SOURCE = 64 * 1024
MAX_SHOWN = 80  # characters of source text in a finding
ATTRIBUTES = ("depends_on", "findlibs_dependencies")
VERSION = "__version__"
VISIBILITY = "findlibs_visibility"
TEXTS = (VERSION, VISIBILITY)  # what is a str: whoever reads it cannot change it
BOUND = (*ATTRIBUTES, *TEXTS)
PUBLISHED = (*BOUND, "__commit_hash__")  # all that a published source assigns, one line each

ONLY_AST = 0x400  # ast.PyCF_ONLY_AST, without importing ast: the built-in `compile` returns the tree
LITERAL = frozenset(("Constant", "List", "Tuple", "Dict", "Set", "Load"))  # Load: the context of List and Tuple
SCOPES = frozenset(("FunctionDef", "AsyncFunctionDef", "ClassDef"))

# A keyword right behind a number: CPython since 3.9 warns of "1if".
KEYWORDS = (b"and", b"else", b"for", b"if", b"in", b"is", b"not", b"or")
END_OF_NUMBER = bytes(ord("0") if char in b"0123456789.jJ" else char for char in range(256))


class Declaration(Record):
    """What the source says of the package, as far as that can be said without running it."""

    depends_on: tuple[str, ...] | None = ()  # import names, each once; None: only an import can tell
    declared: bool = False  # one of the two attributes is there, or may be
    version: str | None = None  # None: __version__ is absent or not literal
    problems: tuple[Finding, ...] = ()  # BadDeclaration, DependenciesUnknown
    visibility: str | None = None  # None: findlibs_visibility is absent or not literal


class Source(Record):
    """What a finding says about where it was found."""

    text: bytes
    path: str
    package: str


class Value(Record):
    """What one of the attributes is, the line where it says so, and how it is written there."""

    value: object
    line: int
    text: str


class Bound(Record):
    """How a name of the module was last bound. `value` is its syntax tree; None: not by a plain assignment."""

    value: Any
    line: int


def read(text: bytes, path: str, package: str) -> Declaration:
    """What the source declares. Never raises, never warns. `path` is that of the source, `package` its import name."""
    if not mentions(text):
        return Declaration(version=version_of(text, path))
    if len(text) > MAX_SOURCE:
        return unknown(package, path, f"its source is longer than {MAX_SOURCE // 1024} KiB")
    lines = published(text)
    if lines is not None:
        texts = {name: text_of(lines, name) for name in TEXTS}
        return meant(lines, texts, Source(text, path, package))
    try:
        tree = parsed(text, path)
    except Exception as error:  # a broken source makes the parser raise many things; all mean the same
        return unknown(package, path, f"its source cannot be parsed: {type(error).__name__}: {error}")
    return declared(bindings(tree), Source(text, path, package))


def mentions(text: bytes) -> bool:
    """Whether one of the attributes is named at all; a source that names none declares nothing, whatever else it is."""
    return any(attribute.encode() in text for attribute in ATTRIBUTES)


def unknown(package: str, path: str | None, reason: str, version: str | None = None) -> Declaration:
    """A declaration that is there, or may be, and cannot be read. `path` None: there is no source."""
    from .notes import DependenciesUnknown

    return Declaration(None, True, version, (DependenciesUnknown(package, path, reason),))


def version_of(text: bytes, path: str) -> str | None:
    """The literal __version__ of a package that is no wrapper; None also for a source that cannot be parsed."""
    if VERSION.encode() not in text or len(text) > MAX_SOURCE:
        return None
    try:
        return texts(bindings(parsed(text, path)))[VERSION]
    except Exception:
        return None


# ----------------------------------------------------------------------------------------------------------- published


def published(text: bytes) -> dict[str, Value] | None:
    """What a source assigns that is written as the published ones are; None: the parser has to read it.

    The first syntax tree of a process takes ten million instructions, a tenth of a whole load: CPython makes the types
    of all nodes then (3.11). What is accepted here has one meaning in every Python and every encoding.
    """
    if not text.isascii() or b"\\" in text:
        return None
    found: dict[str, Value] = {}
    for number, line in enumerate(text.decode("ascii").split("\n"), 1):
        name, _, written = line.partition(" = ")
        value = plain(written)
        if line and (name not in PUBLISHED or value is None or not line.isprintable()):
            return None
        if line:
            found[name] = Value(value, number, written)
    return found


def plain(written: str) -> str | list[str] | None:
    """A str, or a list of them, in one line; None: anything else."""
    if written[:1] != "[" or written[-1:] != "]":
        return quoted(written)
    between = written[1:-1].strip(" ")
    each = [quoted(part.strip(" ")) for part in between.split(",")] if between else []
    texts = [text for text in each if text is not None]
    return texts if len(texts) == len(each) else None


def quoted(written: str) -> str | None:
    """What stands between two quotes of one kind, and holds no quote of any."""
    text = written[1:-1]
    if len(written) < 2 or written[0] not in "'\"" or written[0] != written[-1] or "'" in text or '"' in text:
        return None
    return text


def text_of(values: Mapping[str, Value], name: str) -> str | None:
    value = values[name].value if name in values else None
    return value if isinstance(value, str) else None


# ------------------------------------------------------------------------------------------------------------- parsing


def parsed(text: bytes, path: str) -> Any:
    """The syntax tree (`ast.Module`). Errors: whatever `compile` raises. No warning is shown, or becomes an error."""
    if not may_warn(text):
        return compile(text, path, "exec", ONLY_AST, True)
    import warnings

    # `warnings.catch_warnings` swaps the rules for all threads, and two of them can leave them swapped. This rule is
    # about this source alone: a module that is given as str is compared as a whole, and the parser's warnings go by the
    # path without ".py" (CPython, Python/_warnings.c: check_matched, normalize_module).
    rule = ("ignore", None, Warning, path.removesuffix(".py"), 0)
    rules: Any = warnings.filters
    rules.insert(0, rule)
    try:
        return compile(text, path, "exec", ONLY_AST, True)
    finally:
        if rule in rules:
            rules.remove(rule)


def may_warn(text: bytes) -> bool:
    r"""Whether the parser could warn: of an escape that is none ("\d"), of a number that runs into a keyword ("1if").

    Says yes too often; that costs an import of `warnings`, no more.
    """
    if b"\\" in text or b"0x" in text or b"0X" in text:
        return True
    numbers = text.translate(END_OF_NUMBER)
    return any(b"0" + keyword in numbers for keyword in KEYWORDS)


# ------------------------------------------------------------------------------------------------------------- binding


def bindings(tree: Any) -> dict[str, Bound]:
    """How each of our names is bound when the module has run, as far as its top-level statements tell."""
    found: dict[str, Bound] = {}
    for statement in tree.body:
        targets, rest = assignment(statement)
        for name in touched(rest):
            found[name] = Bound(None, statement.lineno)
        for name in targets:
            found[name] = Bound(rest, statement.lineno)
    return found


def assignment(statement: Any) -> tuple[list[Any], Any]:
    """Names and value of `name = value`, `one = other = value`, `name: type = value`; else no name, the statement."""
    kind = type(statement).__name__
    if kind == "Assign":
        targets = [getattr(target, "id", None) for target in statement.targets]
        return ([], statement) if None in targets else (targets, statement.value)
    if kind == "AnnAssign" and hasattr(statement.target, "id"):
        return ([statement.target.id] if statement.value is not None else []), statement.value
    return [], statement


def touched(root: Any) -> Iterator[str]:
    """Which of our names a statement, or a part of one, may bind or change."""
    for node in nodes(root):
        for name in named(node):
            if name in BOUND:
                yield name


def nodes(root: Any) -> Iterator[Any]:
    """All nodes of a tree (None: none); of functions and classes only what reaches the module. Trees may be deep."""
    todo = [root] if root is not None else []
    while todo:
        node = todo.pop()
        yield node
        below = children(node)
        if is_scope(node):  # what is assigned inside is local, unless it says `global`
            below = [each for child in below for each in nodes(child) if is_global(each)]
        todo += below


def children(node: Any) -> list[Any]:
    values = [getattr(node, field, None) for field in node._fields]
    flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return [each for each in flat if hasattr(each, "_fields")]


def is_scope(node: Any) -> bool:
    return type(node).__name__ in SCOPES


def is_global(node: Any) -> bool:
    return type(node).__name__ == "Global"


def named(node: Any) -> Iterable[str]:
    """The names that a node binds or deletes, and those it hands to something that could change them."""
    kind = type(node).__name__
    if kind == "Name":
        # A list can be changed by whoever reads it; a str cannot.
        return () if node.id in TEXTS and type(node.ctx).__name__ == "Load" else (node.id,)
    if kind == "alias":  # import name.below as asname
        return (node.asname or node.name.partition(".")[0],)
    if is_global(node):
        return tuple(node.names)
    # def name, class name, except ... as name, case ... as name, case {**rest}
    return tuple(name for field in ("name", "rest") if isinstance(name := getattr(node, field, None), str))


# ------------------------------------------------------------------------------------------------------------- meaning


def declared(found: dict[str, Bound], source: Source) -> Declaration:
    """What literal assignments say; unknown, if one of the attributes is bound in another way."""
    known = texts(found)
    values: dict[str, Value] = {}
    for attribute in (each for each in ATTRIBUTES if each in found):
        node, line = found[attribute].value, found[attribute].line
        if not is_literal(node):
            reason = f"line {line}: {attribute} is not assigned a literal list of names"
            said = unknown(source.package, source.path, reason, known[VERSION])
            return said.replace(visibility=known[VISIBILITY])
        values[attribute] = Value(literal(node), node.lineno, shown(source.text, node))
    return meant(values, known, source)


def of_attributes(found: Mapping[str, object], source: Source) -> Declaration:
    """The same from the attributes of the imported module. Lines are where the source first names the attribute."""
    values = {
        attribute: Value(found[attribute], source.text.partition(attribute.encode())[0].count(b"\n") + 1, repr(value))
        for attribute, value in found.items()
        if attribute in ATTRIBUTES
    }
    known = {name: value if isinstance(value := found.get(name), str) else None for name in TEXTS}
    return meant(values, known, source)


def meant(values: Mapping[str, Value], texts: Mapping[str, str | None], source: Source) -> Declaration:
    """The union of both attributes, `depends_on` first; each name once. That a package needs itself means nothing."""
    depends_on: dict[str, None] = {}
    problems: list[Finding] = []
    attributes = [each for each in ATTRIBUTES if each in values]
    for attribute in attributes:
        good, all_good = names_among(values[attribute].value)
        depends_on.update(dict.fromkeys(good))
        if not all_good:
            problems.append(bad_declaration(attribute, values[attribute], source))
    depends_on.pop(source.package, None)
    return Declaration(tuple(depends_on), bool(attributes), texts[VERSION], tuple(problems), texts[VISIBILITY])


def names_among(value: object) -> tuple[list[str], bool]:
    """The import names in a list or tuple of str, and whether there is nothing else."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        return [], False
    good = [names.import_name(each) for each in value if names.is_package_name(each)]
    return good, len(good) == len(value)


def bad_declaration(attribute: str, value: Value, source: Source) -> Finding:
    from .notes import BadDeclaration

    return BadDeclaration(source.package, source.path, value.line, attribute, " ".join(value.text.split())[:MAX_SHOWN])


def texts(found: dict[str, Bound]) -> dict[str, str | None]:
    """The attributes that are a str; None: absent, or not literal."""
    nodes: dict[str, Any] = {name: found[name].value for name in TEXTS if name in found}
    values = {name: node.value for name, node in nodes.items() if type(node).__name__ == "Constant"}
    return {name: value if isinstance(value := values.get(name), str) else None for name in TEXTS}


def is_literal(node: Any) -> bool:
    return node is not None and all(type(each).__name__ in LITERAL for each in nodes(node))


def literal(node: Any) -> object:
    """The value of a constant, or of a list or tuple of them; of all else, which is no list of names, the node."""
    kind = type(node).__name__
    if kind in ("List", "Tuple"):
        return [getattr(each, "value", each) for each in node.elts]
    return node.value if kind == "Constant" else node


def shown(text: bytes, node: Any) -> str:
    """The source text of a node. Offsets of nodes count UTF-8 bytes from the start of a line."""
    lines = text.removeprefix(b"\xef\xbb\xbf").splitlines()[node.lineno - 1 : node.end_lineno]
    lines[-1] = lines[-1][: node.end_col_offset]
    lines[0] = lines[0][node.col_offset :]
    return b" ".join(lines).decode("utf-8", "replace")

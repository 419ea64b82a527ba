"""The four sentences of docs/explanation/design.md, kept by a test and not by goodwill. The table is tests/house.py."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests import house, need
from tests.build.elf_symbols import Symbol, library

EVERY_MODULE = pytest.mark.parametrize("module", house.modules())
HOT_MODULES = [module for module in house.modules() if module not in house.COLD]

# What `findlibs2.load` adds to an interpreter that has imported nothing (-I -S), when nothing is wrong: of our own all
# hot modules but those with the facts of trouble; and these of the standard library.
SPARED = frozenset({"errors", "findings", "notes"})
FOR_CTYPES = frozenset({"_ctypes", "_struct", "ctypes", "ctypes._endian", "struct", "types"})
FOR_OS = frozenset({"_collections_abc", "_stat", "genericpath", "os", "os.path", "posixpath", "stat"})
FOR_LOAD = FOR_CTYPES | FOR_OS | {"__future__", "errno"}


def under(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


class TestFloors:
    """1. A module imports only from lower floors, never sideways."""

    def test_every_module_has_a_floor_and_every_floor_its_modules(self) -> None:
        assert sorted(room for rooms in house.FLOORS for room in rooms) == house.modules()

    @EVERY_MODULE
    def test_a_module_imports_only_from_lower_floors(self, module: str) -> None:
        upward = [
            f"line {found.line}: {found.module}"
            for found in house.imports(module)
            if found.own and house.floor(found.module) >= house.floor(module)
            if (module, found.module) not in house.STAIRS
        ]
        assert upward == []

    def test_every_stair_is_used_and_climbed_inside_a_function(self) -> None:
        climbed = {
            (module, found.module)
            for module in house.modules()
            for found in house.imports(module)
            if (module, found.module) in house.STAIRS and found.lazy
        }
        assert climbed == set(house.STAIRS)

    @pytest.mark.parametrize(("one", "other"), house.WALLS)
    def test_rooms_with_a_wall_between_them_never_meet(self, one: str, other: str) -> None:
        met = [
            (module, reached)
            for module in house.modules()
            for reached in house.reachable(module)
            if (under(module, one) and under(reached, other)) or (under(module, other) and under(reached, one))
        ]
        assert met == []


class TestDoors:
    """2. Only the effect modules touch the process, the import system, the file system or the loader."""

    @EVERY_MODULE
    def test_a_module_imports_only_what_its_door_lets_in(self, module: str) -> None:
        door = house.door(module)
        outside = [
            f"line {found.line}: {found.module}"
            for found in house.imports(module)
            if not found.own and not found.typing_only
            if found.module not in door and found.module.partition(".")[0] not in door
        ]
        assert outside == []

    @EVERY_MODULE
    def test_a_module_uses_only_those_names_that_its_door_lets_in(self, module: str) -> None:
        door = house.door(module)
        beyond = {
            f"{of}.{name}"
            for of, names in door.items()
            if names is not None and door.get(of.partition(".")[0], names) is not None
            for name in house.used(module, of) - names
        }
        assert beyond == set()

    @EVERY_MODULE
    def test_nothing_is_started_written_or_changed_but_what_is_written_here(self, module: str) -> None:
        assert house.used(module, "os") & house.NEVER == house.WRITERS.get(module, set())

    @EVERY_MODULE
    def test_a_module_of_which_only_some_names_are_let_in_keeps_its_own_name(self, module: str) -> None:
        """Else the two tests above could not see what is used of it."""
        renamed = [
            f"line {found.line}: {found.alias}"
            for found in house.imports(module)
            if not found.own and found.alias is not None
            if {found.module, f"{found.module}.{found.name}"} & {"os", "os.path", "sys"}
        ]
        assert renamed == []

    @EVERY_MODULE
    def test_built_ins_that_act_are_called_only_where_they_belong(self, module: str) -> None:
        acting = {name for name in house.plain_names(module) if module not in house.ACTING.get(name, {module})}
        assert acting == set()


class TestBudget:
    """3. What `import findlibs2` and `findlibs2.load` bring into a process is asserted."""

    def test_importing_findlibs2_imports_one_module(self) -> None:
        assert brought("import findlibs2") == {"findlibs2"}

    @need.glibc()
    def test_loading_a_library_imports_what_is_written_here(self, tmp_path: Path) -> None:
        small_stack(tmp_path)
        loading = f"sys.path.insert(0, {str(tmp_path)!r}); import findlibs2; findlibs2.load('alpha')"
        hot = {f"findlibs2.{module}" for module in HOT_MODULES if module not in SPARED | {house.FRONT_DOOR}}
        assert brought(loading) == FOR_LOAD | hot | {"findlibs2"}

    def test_nothing_of_it_is_dear(self) -> None:
        assert FOR_LOAD.isdisjoint(house.DEAR)


class TestTemperature:
    """4. The hot path imports a cold module only when something is wrong or was asked for."""

    @pytest.mark.parametrize("module", HOT_MODULES)
    def test_a_hot_module_imports_no_cold_one_and_nothing_dear_when_it_is_imported(self, module: str) -> None:
        cold = [
            found.module
            for found in house.imports(module)
            if not found.lazy and not found.typing_only
            if found.module in (house.COLD if found.own else house.DEAR)
        ]
        assert cold == []


class TestSize:
    """What one can hold in the head."""

    @EVERY_MODULE
    def test_no_module_is_longer_than_350_lines(self, module: str) -> None:
        assert len(house.path(module).read_text("utf-8").splitlines()) <= 350

    @EVERY_MODULE
    def test_no_function_is_longer_than_40_lines(self, module: str) -> None:
        functions = [node for node in ast.walk(house.tree(module)) if isinstance(node, ast.FunctionDef)]
        assert [each.name for each in functions if (each.end_lineno or 0) - each.lineno >= 40] == []


def small_stack(directory: Path) -> None:
    """Two wrapper packages with a library each; alpha needs beta, which lies where vendored libraries do."""
    for name, needs in (("alpha", ["beta"]), ("beta", [])):
        package = directory / f"{name}lib"
        libraries = package / "lib" if needs else directory / f"{name}lib.libs"
        package.mkdir()
        libraries.mkdir()
        (package / "__init__.py").write_text(f"depends_on = {[f'{other}lib' for other in needs]}\n")
        needed = [f"lib{other}.so" for other in needs]
        (libraries / f"lib{name}.so").write_bytes(library([Symbol(name)], f"lib{name}.so", needed))


def brought(statement: str) -> set[str]:
    """Names that a statement adds to `sys.modules` of a fresh interpreter without site and environment."""
    code = (
        f"import sys; sys.path.insert(0, {str(house.ROOT)!r}); before = set(sys.modules)\n"
        f"{statement}\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())

"""`find` and `plan` map no library, start no process and import no wrapper; nor does `import findlibs2` do anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import need
from tests.wheels.environments import Environment
from tests.wheels.run import answer, command, variables
from tests.wheels.strace import Trace, trace

FIND = "findlibs2.find('mir')"
PLAN = "findlibs2.plan('mir', 'fdb5', 'eccodes')"
OWN_FILE = re.compile(r"/findlibs2/(__init__\.py|__pycache__/__init__\.[^/]*)$")
ASKED = pytest.mark.parametrize("question", [FIND, PLAN], ids=["find", "plan"])


def traced(question: str, site: Path) -> Trace:
    code = f"from inside import mark\nimport findlibs2\nmark('begin')\n{question}\nmark('end')"
    return trace(command(code, [site]), variables()).between("begin", "end")


@ASKED
def test_no_library_of_a_wheel_is_mapped(newest: Environment, question: str) -> None:
    mapped = answer(f"import findlibs2\n{question}\ntell(mapped())", newest.site)
    assert [path for path in mapped if newest.site in Path(path).parents] == []


@ASKED
def test_no_library_of_the_system_is_mapped_but_what_python_itself_wants(newest: Environment, question: str) -> None:
    code = f"import findlibs2\nbefore = mapped()\n{question}\ntell([p for p in mapped() if p not in before])"
    assert [path for path in answer(code, newest.site) if "/lib-dynload/" not in path] == []


@ASKED
def test_no_wrapper_is_imported(newest: Environment, question: str) -> None:
    code = f"import sys, findlibs2\n{question}\ntell(sorted(sys.modules))"
    wrappers = {path.name for path in newest.site.iterdir()}
    assert [module for module in answer(code, newest.site) if module.partition(".")[0] in wrappers] == []


@need.tool("strace")
@ASKED
def test_no_process_is_started(newest: Environment, question: str) -> None:
    assert traced(question, newest.site).new_processes == []


@need.tool("strace")
@ASKED
def test_nothing_is_written(newest: Environment, question: str) -> None:
    calls = [call for call in traced(question, newest.site).calls if call.name.startswith("open") and call.path]
    writing = [call for call in calls if "O_WRONLY" in call.arguments or "O_RDWR" in call.arguments]
    # The interpreter writes .pyc files of modules that it imports for the first time; these are not our doing.
    assert [call.path for call in writing if "__pycache__" not in str(call.path)] == []


@need.tool("strace")
def test_import_reads_one_file(newest: Environment) -> None:
    code = "from inside import mark\nmark('begin')\nimport findlibs2\nmark('end')"
    calls = trace(command(code, [newest.site]), variables()).between("begin", "end").calls
    # A directory is opened where the import system lists it; a module that has no .pyc yet is read in two files.
    opened = [call.path for call in calls if call.name.startswith("open") and "O_DIRECTORY" not in call.arguments]
    assert [path for path in opened if not OWN_FILE.search(str(path))] == []

"""The walls between the rooms of the code: what may import what, read from the sources."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = {
    "common": ("common",),
    "analysis": (
        "analysis.config",
        "analysis.delphes",
        "analysis.event_files",
        "analysis.detector",
        "analysis.simulation",
        "analysis.reconstruction",
        "analysis.datasets",
        "analysis.evaluation",
        "analysis.statistics",
        "analysis.figures",
    ),
    "models": ("models.config", "models.networks", "models.taggers", "models.training"),
    "workflow": (
        "workflow.pipeline",
        "workflow.interpretation",
        "workflow.reporting",
        "workflow.scripts",
    ),
}
"""The rooms of each package, in order: a room imports only from itself and from those above it."""

DOORS = ("workflow.job",)
"""Modules outside the rooms: what the rules call by its path. All of `workflow` may import them."""

OPEN_TO = {
    "common": (),
    "analysis": ("common",),
    "models": ("common",),
    "workflow": ("common", "analysis", "models"),
}
"""Which other packages a package may import."""

LIBRARIES = {
    "common": ("torch", "snakemake", "uproot"),
    "analysis": ("torch", "lightning", "snakemake"),
    "models": ("uproot", "awkward", "fastjet", "pythia8mc", "snakemake"),
}
"""Libraries that a package does not know."""

MOST_MODULES = 20
MANY_MODULES = ("workflow/scripts", "analysis/figures")
PLUGINS = ROOT / "workflow" / "plugins"


def sources() -> list[Path]:
    """Return every module of the project, without `__init__.py` and Snakemake's plugins."""
    files = (path for package in ROOMS for path in (ROOT / package).rglob("*.py"))
    return sorted(f for f in files if f.name != "__init__.py" and PLUGINS not in f.parents)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


MODULES = {name_of(path): path for path in sources()}


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Return the full name of everything that a file imports, wherever in its text."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules_imported(path: Path) -> set[str]:
    """Return the modules of the project that a file imports."""
    names = {name for found in imports(path) for name in (found, found.rpartition(".")[0])}
    return names & MODULES.keys()


def room_of(module: str) -> str:
    package, *rest = module.split(".")
    return package if package == "common" else ".".join([package, *rest[:1]])


def allowed(room: str) -> set[str]:
    package = room.split(".")[0]
    above = ROOMS[package][: ROOMS[package].index(room) + 1]
    doors = [door for door in DOORS if door.startswith(f"{package}.")]
    return {*above, *doors, *(other for name in OPEN_TO[package] for other in ROOMS[name])}


def test_every_module_stands_in_a_room() -> None:
    rooms = {room for rooms in ROOMS.values() for room in rooms}
    assert [name for name in MODULES if room_of(name) not in rooms and name not in DOORS] == []


@pytest.mark.parametrize("room", [room for rooms in ROOMS.values() for room in rooms])
def test_room_imports_only_what_stands_above_it(room: str) -> None:
    found = {
        f"{name} imports {other}"
        for name, path in MODULES.items()
        if room_of(name) == room
        for other in modules_imported(path)
        if room_of(other) not in allowed(room)
    }
    assert found == set()


@pytest.mark.parametrize("package", LIBRARIES)
def test_package_does_not_know_a_library(package: str) -> None:
    found = {
        f"{name} imports {library}"
        for name, path in MODULES.items()
        if name.split(".")[0] == package
        for library in {imported.split(".")[0] for imported in imports(path)}
        if library in LIBRARIES[package]
    }
    assert found == set()


def test_coffea_is_imported_only_in_the_jobs_that_use_it() -> None:
    """Its import takes half a second, which a run of many jobs would spend in each."""
    needed = {name: modules_imported(path) for name, path in MODULES.items()}
    slow = {name for name, path in MODULES.items() if "coffea" in str(imports(path))}
    while users := {name for name, others in needed.items() if others & slow} - slow:
        slow |= users
    jobs = {name for name in slow if name.startswith("workflow.scripts.")}
    assert jobs == {"workflow.scripts.reconstruct", "workflow.scripts.dataset"}


def test_nobody_imports_a_script() -> None:
    files = [*MODULES.values(), *(ROOT / "benchmarks").glob("*.py"), *(ROOT / "examples").glob("*")]
    found = [path for path in files for name in imports(path) if "workflow.scripts" in name]
    assert found == []


def test_imports_run_in_no_circle() -> None:
    graph = {name: modules_imported(path) for name, path in MODULES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_packages_are_empty() -> None:
    """What an `__init__.py` imported would rerun every rule that imports from its package."""
    files = [path for package in ROOMS for path in (ROOT / package).rglob("__init__.py")]
    assert [path for path in files if path.read_text() and PLUGINS not in path.parents] == []


def test_folders_can_be_surveyed() -> None:
    folders = {path.parent for path in MODULES.values()}
    sizes = {str(f.relative_to(ROOT)): len(list(f.glob("[!_]*.py"))) for f in folders}
    assert {f for f, n in sizes.items() if n > MOST_MODULES} <= set(MANY_MODULES)


def test_every_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = {name.rpartition(".")[0] for name in MODULES} | set(ROOMS)
    assert set(project["tool"]["setuptools"]["packages"]) == found


def test_map_names_every_room() -> None:
    _, plan, _ = (ROOT / "docs" / "architecture.md").read_text().split("```", 2)
    named = re.findall(r"^ *(\w+)/", plan, re.MULTILINE)
    rooms = {room.rpartition(".")[2] for rooms in ROOMS.values() for room in rooms}
    assert rooms - set(named) == set()
    assert len(plan.splitlines()) < 50, "the map fits on a screen"

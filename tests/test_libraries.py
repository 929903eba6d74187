"""Of libraries, only what they document: a name with an underscore may change with any version."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDERS = ("common", "analysis", "models", "workflow", "benchmarks", "examples", "tests")
DOCUMENTED = {"_asdict", "_exit", "torch.utils._python_dispatch"}
"""Named tuples, `os._exit`, and the module that PyTorch's manual names for modes."""

FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def defined(tree: ast.AST) -> Iterator[str]:
    """Yield the private names that a source gives to something of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
                yield from (n.attr for n in ast.walk(target) if isinstance(n, ast.Attribute))


def used(tree: ast.AST) -> Iterator[str]:
    """Yield the private names that a source asks of modules and objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}", *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
        else:
            continue
        yield from (name for name in names if any(map(is_private, name.split("."))))


@cache
def trees() -> dict[Path, ast.AST]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


@cache
def ours() -> set[str]:
    return {name for tree in trees().values() for name in defined(tree)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_private_of_a_library_is_used(folder: str) -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in trees().items()
        if (ROOT / folder) in path.parents
        for name in used(tree)
        if name not in ours() | DOCUMENTED
    }
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        "from torch._dynamo.exc import BackendCompilerFailed",
        "import torch.utils._pytree",
        "from sklearn.base import _fit_context",
        "trees._predictors[0]",
        "class Remote(Source):\n    def read(self):\n        self._num_requests += 1",
    ],
)
def test_private_names_are_found(source: str) -> None:
    tree = ast.parse(source)
    assert set(used(tree)) - set(defined(tree)) - ours() - DOCUMENTED


def test_sources_are_found() -> None:
    assert ROOT / Path("models/training/training.py") in FILES

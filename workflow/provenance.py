"""Which project sources a script depends on, so that a changed function reruns what imports it.

Snakemake sees changed params and changed input files, not changed imports. Each rule therefore
carries `source_digest(script)` among its params.
"""

import ast
import hashlib
import importlib.metadata
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("common", "analysis", "models", "workflow")


@cache
def _nodes(file: Path) -> tuple[ast.AST, ...]:
    """Return what both walks below look for in a file: imports and constants."""
    kinds = (ast.Import, ast.ImportFrom, ast.Constant)
    return tuple(node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, kinds))


@cache
def _module_file(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def imported_modules(file: Path) -> frozenset[str]:
    """Return the project's modules that `file` imports anywhere in its text."""
    found: set[str] = set()
    for node in _nodes(file):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    parents = {name.rsplit(".", depth)[0] for name in found for depth in range(name.count(".") + 1)}
    return frozenset(
        name for name in found | parents if name.split(".")[0] in PACKAGES and _module_file(name)
    )


@cache
def data_files(file: Path) -> frozenset[Path]:
    """Return the data files of a package that a module of it names, as in "data/limits.yaml"."""
    package = ROOT / file.relative_to(ROOT).parts[0]
    names = (
        node.value
        for node in _nodes(file)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    named = (package / name for name in names if name.startswith("data/"))
    return frozenset(path for path in named if path.is_file())


@cache
def source_files(script: Path) -> tuple[Path, ...]:
    """Return `script` and all project files that it uses, directly or through its imports."""
    files: set[Path] = set()
    pending = [script]
    while pending:
        file = pending.pop()
        if file not in files:
            files.add(file)
            pending += [path for name in imported_modules(file) if (path := _module_file(name))]
    return tuple(sorted(files.union(*map(data_files, files))))


@cache
def source_digest(script: str, *modules: str) -> str:
    """Return a digest of the sources behind `workflow/scripts/{script}.py`.

    `modules` are further project modules that the script loads by name; others are ignored.
    """
    roots = [ROOT / "workflow" / "scripts" / f"{script}.py"]
    roots += [file for module in modules if (file := _module_file(module))]
    files = sorted({file for root in roots for file in source_files(root)})
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def code_version() -> str:
    """Return the version of the code: `git describe`, or the package's where there is no git."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--tags"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return importlib.metadata.version("boosted-hh4b")

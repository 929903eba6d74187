"""Which project sources a script depends on, so that a changed function reruns what imports it.

Snakemake sees changed params and changed input files, not changed imports. Each rule therefore
carries `source_digest(script)` among its params.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from common.errors import ConfigError
from common.files import expanded

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("common", "analysis", "models", "workflow")


class Own(NamedTuple):
    """Modules of the user: all in `folder`, or of those only the ones of a package."""

    folder: Path
    package: str | None = None


def _tree(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read as Python: {error}; correct the file") from None


def _imports(file: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports of a file, wherever they are, without a look into its expressions."""
    pending: list[ast.AST] = [_tree(file)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        for block in ("body", "orelse", "handlers", "finalbody", "cases"):
            pending += getattr(node, block, ())


@cache
def _module_file(module: str, folder: Path = ROOT) -> Path | None:
    base = folder.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def imported_modules(file: Path) -> frozenset[str]:
    """Return all modules that `file` may import anywhere in its text; relative ones with dots."""
    names: set[str] = set()
    for node in _imports(file):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        else:
            module = "." * node.level + (node.module or "")
            joint = "" if module.endswith(".") else "."
            names.add(module)
            names.update(f"{module}{joint}{alias.name}" for alias in node.names)
    return frozenset(
        name.rsplit(".", depth)[0]
        for name in names
        for depth in range(name.strip(".").count(".") + 1)
    )


@cache
def imported_files(file: Path, own: Own | None = None) -> frozenset[Path]:
    """Return the files of the project that `file` imports, and those of the user's modules."""
    files = set()
    for name in imported_modules(file):
        top = name.split(".")[0]
        level = len(name) - len(name.lstrip("."))
        if level:
            files.add(_module_file(name[level:], file.parents[level - 1]) if name[level:] else None)
        elif top in PACKAGES:
            files.add(_module_file(name))
        elif own is not None and own.package in (top, None):
            files.add(_module_file(name, own.folder))
    return frozenset(path for path in files if path)


@cache
def data_files(file: Path) -> frozenset[Path]:
    """Return the data files beside a module that it names, as in "data/limits.yaml"."""
    if not file.is_relative_to(ROOT):
        return frozenset()
    if "data/" not in file.read_text(encoding="utf-8"):
        return frozenset()
    constants = (node.value for node in ast.walk(_tree(file)) if isinstance(node, ast.Constant))
    names = (value for value in constants if isinstance(value, str))
    named = (file.parent / name for name in names if name.startswith("data/"))
    return frozenset(path for path in named if path.is_file())


@cache
def source_files(script: Path, own: Own | None = None) -> tuple[Path, ...]:
    """Return `script` and all project files that it uses, directly or through its imports.

    The user's modules, if some are given, are followed too.
    """
    files: set[Path] = set()
    pending = [script]
    while pending:
        file = pending.pop()
        if file not in files:
            files.add(file)
            pending += imported_files(file, own)
    return tuple(sorted(files.union(*map(data_files, files))))


@cache
def source_digest(script: str, *modules: str) -> str:
    """Return a digest of the sources behind `workflow/scripts/{script}.py`.

    `modules` are further modules that the script loads: of the project, of a user's package, or
    the path of a file (`my_networks.py`).
    """
    files = set(source_files(ROOT / "workflow" / "scripts" / f"{script}.py"))
    for module in modules:
        files.update(source_files(*module_source(module)))
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(files):
        name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file.name
        digest.update(str(name).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def module_source(module: str) -> tuple[Path, Own | None]:
    """Return the file of a module that is loaded by name, and what else of the user's it may use.

    Parameters
    ----------
    module : str
        `package.module`, or the path of a file that ends in `.py`.

    Raises
    ------
    ConfigError
        If there is no such file or module.
    """
    if module.endswith(".py"):
        if not (path := Path(expanded(module))).is_file():
            raise ConfigError(
                f"{module} is no file (looked in {Path.cwd()}); correct the path of the network"
            )
        return path.resolve(), None
    top = module.split(".")[0]
    folder = ROOT if top in PACKAGES else _folder_of(top)
    file = folder and _module_file(module, folder)
    if file is None or folder is None:
        raise ConfigError(
            f"there is no module {module}; name the file of the network, as in "
            "my_networks.py:DeepSets, or put the folder of its package on PYTHONPATH"
        )
    installed = folder.name in ("site-packages", "dist-packages")
    return file, None if top in PACKAGES else Own(folder, top if installed else None)


def _folder_of(package: str) -> Path | None:
    """Return the folder on Python's path in which a top-level module is, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parents[origin.name == "__init__.py"]


@cache
def code_version() -> str:
    """Return the version of the code: `git describe`, or the package's where there is no git."""
    if not (ROOT / ".git").exists():  # git would describe what the folder is in
        return _package_version()
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--tags"],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return _package_version()


def _package_version() -> str:
    try:
        return importlib.metadata.version("boosted-hh4b")
    except importlib.metadata.PackageNotFoundError:
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        return str(tomllib.loads(text)["project"]["version"])

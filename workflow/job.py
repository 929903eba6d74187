"""Runs a script of this checkout from any folder: `python -P workflow/job.py train --help`.

The project's packages are those beside this file, installed or not, and whatever modules of the
same names are on Python's path. The folder of the run is not on it (`-P`).
"""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("common", "analysis", "models", "workflow")
VARIABLE = "BOOSTED_HH4B_JOB"
"""Environment variable with the path of this file: the rules call it by that."""


def own_packages() -> None:
    """Import the project's packages from this checkout.

    Raises
    ------
    ImportError
        If a module of one of their names, from elsewhere, was imported before.
    """
    for name in PACKAGES:
        file = ROOT / name / "__init__.py"
        if name in sys.modules:
            if (there := getattr(sys.modules[name], "__file__", None)) != str(file):
                raise ImportError(
                    f"boosted-hh4b has a package {name!r}, but {there} was imported under that "
                    "name before: rename that module"
                )
            continue
        spec = importlib.util.spec_from_file_location(
            name, file, submodule_search_locations=[str(file.parent)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


def search_path(entries: str) -> str:
    """Return a PYTHONPATH without its empty and relative entries: they mean the run's folder."""
    return os.pathsep.join(filter(os.path.isabs, entries.split(os.pathsep)))


def main(script: str, *arguments: str) -> None:
    """Run a script."""
    from workflow.pipeline.cli import run

    run(importlib.import_module(f"workflow.scripts.{script}").main, arguments)


own_packages()
if __name__ == "__main__":
    os.environ["PYTHONSAFEPATH"] = "1"  # -P for what the script starts
    main(*sys.argv[1:])

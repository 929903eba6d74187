"""A fork of the Python with the packages imported does what a start of Python does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, python

SOURCES = {
    "words and folder": "import os, sys; print(sys.argv[1:], os.getcwd(), __name__)",
    "path": "import sys; print([entry for entry in sys.path if 'my modules' in entry])",
    "environment": "import os; print(os.environ['MINE'], 'HOME' in os.environ)",
    "two files": "import os, sys; print('a', file=sys.stderr); os.write(1, b'b'); print('é')",
    "status": "import sys; sys.exit(3)",
    "message": "import sys; sys.exit('no')",
    "error": "raise ValueError('wrong')",
    "at its end": "import atexit; atexit.register(print, 'last'); print('first')",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "another python": (
        "import subprocess, sys; run = subprocess.run([sys.executable, '-m', 'inner'])\n"
        "sys.exit(run.returncode + 1)"
    ),
    "warning": "import warnings; warnings.warn('careful'); print('on')",
}


@pytest.mark.parametrize("strict", [False, True], ids=["", "warnings are errors"])
@pytest.mark.parametrize("name", SOURCES)
def test_fork_does_what_a_start_does(tmp_path: Path, name: str, strict: bool) -> None:
    modules, script = tmp_path / "my modules", tmp_path / "a script.py"
    modules.mkdir()
    (modules / "inner.py").write_text("import sys; print('inner', flush=True); sys.exit(4)")
    script.write_text(SOURCES[name], encoding="utf-8")
    environment = {"PYTHONPATH": str(modules), "MINE": "1", "PATH": os.environ["PATH"]}
    if strict:
        environment["PYTHONWARNINGS"] = "error"
    words = [str(script), "--of", "its own"]
    fork = python().run(words, tmp_path, environment)
    start = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (fork.returncode, fork.stdout) == (start.returncode, start.stdout)
    assert fork.stderr.splitlines()[-1:] == start.stderr.splitlines()[-1:]


def test_packages_of_the_project_are_not_imported_before(tmp_path: Path) -> None:
    """A call imports those of its own checkout."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; print(sorted({m.split('.')[0] for m in sys.modules} & set(sys.argv)))"
    )
    run = python().run([str(script), "torch", "common", "analysis", "models", "workflow"], ROOT)
    assert run.stdout == "['torch']\n"

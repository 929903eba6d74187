"""A whole run under an ASCII locale, from a checkout that is read-only, with warnings as errors."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.robustness.runs import SmallRun
from tests.robustness.test_surroundings import as_root, mounted, remount
from tests.workflow.conftest import SOURCES

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.fixture
def ascii_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's encoding of files and paths is ASCII, not only by default."""
    for name in ("LANG", "LANGUAGE", "LC_CTYPE", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ASCII.items():
        monkeypatch.setenv(name, value)
    code = "import locale; print(locale.getpreferredencoding())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout.decode().strip() in ("ANSI_X3.4-1968", "US-ASCII")


@as_root
@pytest.mark.usefixtures("ascii_locale")
def test_run_under_an_ascii_locale_from_a_read_only_checkout(
    reference: SmallRun, fresh: SmallRun, tmp_path: Path
) -> None:
    checkout = tmp_path / 'a check-out\'s "copy"'
    checkout.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, checkout / name)
    with mounted(checkout, "--bind", str(checkout)):
        remount(checkout, "bind,ro")
        run = subprocess.run(
            [sys.executable, "-P", "-m", "snakemake", "--snakefile", checkout / "Snakefile",
             "--configfile", fresh.folder / "config.yaml", "--cores", "2"],
            cwd=fresh.folder, env={**os.environ, "PYTHONWARNINGS": "error"},
            capture_output=True, check=False,
        )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert fresh.tables().items() >= reference.tables().items()
    page = (fresh.folder / "results/index.html").read_text(encoding="utf-8")
    assert "fb⁻¹" in page or "fb<sup>" in page
    assert not list(checkout.rglob("__pycache__"))


@pytest.mark.usefixtures("ascii_locale")
@pytest.mark.parametrize("script", ["limit", "check_config", "reconstruct"])
def test_help_is_shown_under_an_ascii_locale(script: str) -> None:
    run = subprocess.run(
        [sys.executable, "-P", ROOT / "workflow/job.py", script, "--help"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert b"Usage:" in run.stdout


@pytest.mark.usefixtures("ascii_locale")
def test_errors_are_said_under_an_ascii_locale(fresh: SmallRun) -> None:
    path = fresh.folder / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["networks"][0]["name"] = "süß"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    run = fresh.complete_alone("--cores", "1", "--dry-run")
    said = run.stdout + run.stderr
    assert run.returncode != 0
    assert "networks.0.name: string should match pattern" in said
    assert "Logging error" not in said

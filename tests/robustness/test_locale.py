"""An ASCII locale, and a checkout that is read-only, with warnings as errors.

The run whose tables all of `tests/robustness` end with was made in an ASCII locale, by processes of
their own; so was that of `tests/workflow`, of all rules.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, ascii_locale
from tests.robustness.runs import SmallRun
from tests.robustness.test_surroundings import as_root, mounted, remount
from tests.workflow.conftest import copy_sources

TARGET = "results/normalisation/qcd.json"


def test_encoding_of_the_locale_is_ascii() -> None:
    code = "import locale; print(locale.getpreferredencoding())"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=ascii_locale(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.strip() in ("ANSI_X3.4-1968", "US-ASCII")


@as_root
def test_run_under_an_ascii_locale_from_a_read_only_checkout(
    reference: SmallRun, fresh: SmallRun, tmp_path: Path
) -> None:
    checkout = tmp_path / 'a check-out\'s "copy"'
    copy_sources(checkout)
    with mounted(checkout, "--bind", str(checkout)):
        remount(checkout, "bind,ro")
        run = subprocess.run(
            [sys.executable, "-P", "-m", "snakemake", "--snakefile", checkout / "Snakefile",
             "--configfile", fresh.folder / "config.yaml", "--cores", "2", TARGET],
            cwd=fresh.folder, env=ascii_locale() | {"PYTHONWARNINGS": "error"},
            capture_output=True, check=False,
        )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    made = [(one.folder / TARGET).read_bytes() for one in (fresh, reference)]
    assert made[0] == made[1]
    assert not list(checkout.rglob("__pycache__"))


@pytest.mark.parametrize("script", ["limit", "check_config", "reconstruct"])
def test_help_is_shown_under_an_ascii_locale(script: str) -> None:
    run = subprocess.run(
        [sys.executable, "-P", ROOT / "workflow/job.py", script, "--help"],
        env=ascii_locale(), capture_output=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert b"Usage:" in run.stdout


def test_errors_are_said_under_an_ascii_locale(fresh: SmallRun) -> None:
    path = fresh.folder / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["networks"][0]["name"] = "süß"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    environment = ascii_locale() | {"PYTHONPATH": str(ROOT)}
    run = fresh.complete_alone("--cores", "1", "--dry-run", environment=environment)
    said = run.stdout + run.stderr
    assert run.returncode != 0
    assert "networks.0.name: string should match pattern" in said
    assert "Logging error" not in said

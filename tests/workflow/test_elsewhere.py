"""Runs from other folders: with a user's Snakefile, from a Git URL, without the project installed.

Each run's folder holds files with the names of the project's packages, of others and of Python's
own modules, which no job may import; so does that of the run that `tests/robustness` refers to.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import DATA, ROOT, add_modules_of_any_name, make_bare_python, python
from workflow.job import search_path

TARGET = "results/normalisation/qcd.json"
MODULE = """
configfile: "config/config.yaml"

module boosted_hh4b:
    snakefile: {source}
    config: config

use rule * from boosted_hh4b{names}
"""


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bare_python(tmp_path_factory.mktemp("bare"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as `snakedeploy` makes it, with a small configuration and files of hostile names."""
    run = tmp_path / "run"
    (run / "config").mkdir(parents=True)
    (run / "workflow").mkdir()
    add_modules_of_any_name(run)
    config = yaml.safe_load((DATA / "config.yaml").read_text(encoding="utf-8"))
    for sample in config["samples"]:
        sample["files"] = [str(ROOT / file) for file in sample["files"]]
    config["networks"] = [
        network for network in config["networks"] if network["name"] != "cross_attention"
    ]
    config["training"]["seeds"] = [1]
    (run / "config/config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return run


@pytest.fixture
def repository(project: Path, tmp_path: Path) -> Path:
    """The project's sources in a Git repository, with the tag v1."""
    folder = tmp_path / "hub" / "owner" / "boosted-hh4b"
    shutil.copytree(project, folder)
    for command in ("init --quiet", "add --all", "commit --quiet --message Project", "tag v1"):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", *identity, *command.split()], cwd=folder, check=True)
    return folder


def run_in(
    folder: Path, python: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Call Snakemake in a folder, without what this process knows of the project."""
    unset = ("PYTHONPATH", "BOOSTED_HH4B_JOB", "BOOSTED_HH4B_RUN")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [python, "-P", "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder, env=environment | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


def write_snakefile(folder: Path, source: str, names: str = "") -> None:
    text = MODULE.format(source=source, names=names)
    (folder / "workflow/Snakefile").write_text(text, encoding="utf-8")


def test_network_of_the_users_own_by_its_path(folder: Path) -> None:
    text = (ROOT / "docs/networks.md").read_text(encoding="utf-8")
    (folder / "my_networks.py").write_text(text.partition("```python\n")[2].partition("```")[0])
    path = folder / "config/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    own = {"architecture": "custom", "target": "my_networks.py:DeepSets", "options": {"width": 8}}
    config["networks"] = [own | {"name": "deep_sets"}]
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    call = ["-P", "-m", "snakemake", "--cores", "2", "--snakefile", str(ROOT / "Snakefile")]
    call += ["--configfile", str(path), "--", "results/limits.csv"]
    run = python().run(call, folder)
    assert run.returncode == 0, run.stdout + run.stderr
    with (folder / "my_networks.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    again = python().run([*call[:3], "--dry-run", *call[3:]], folder)
    assert "train" in again.stdout, "a changed network is trained again"
    (folder / "my_networks.py").unlink()
    missing = python().run(call, folder)
    assert "my_networks.py is no file" in missing.stdout + missing.stderr
    assert "Traceback" not in missing.stdout + missing.stderr


def test_run_from_a_users_snakefile(folder: Path, bare_python: Path) -> None:
    write_snakefile(folder, f'"{ROOT}/Snakefile"', " as hh4b_*")
    run = run_in(folder, bare_python, TARGET)
    assert run.returncode == 0, run.stdout + run.stderr
    assert (folder / ".snakemake/run.lock").exists(), "one run at a time"


def test_run_from_a_snakefile_beside_modules_of_any_name(folder: Path, bare_python: Path) -> None:
    """With a PYTHONPATH whose empty entry is the folder; what Snakemake imports, it finds there."""
    write_snakefile(folder, f'"{ROOT}/Snakefile"')
    (folder / "workflow/Snakefile").rename(folder / "Snakefile")
    for name in ("logging", "typing", "yaml", "numpy"):
        (folder / f"{name}.py").unlink()
    run = run_in(folder, bare_python, TARGET, PYTHONPATH=f":{folder.parent}:.")
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("url", ["git+file://{repository}/Snakefile@v1", "github"])
def test_run_from_a_git_url(folder: Path, bare_python: Path, repository: Path, url: str) -> None:
    variables = {"XDG_CACHE_HOME": str(folder.parent / "cache")}
    if url == "github":
        source = 'github("owner/boosted-hh4b", path="Snakefile", tag="v1")'
        key = f"url.file://{repository.parents[1]}/.insteadOf"
        settings = {"COUNT": "1", "KEY_0": key, "VALUE_0": "https://github.com/"}
        variables |= {f"GIT_CONFIG_{name}": value for name, value in settings.items()}
    else:
        source = f'"{url.format(repository=repository)}"'
    write_snakefile(folder, source)
    run = run_in(folder, bare_python, TARGET, **variables)
    assert run.returncode == 0, run.stdout + run.stderr
    (clone,) = (folder / ".snakemake/boosted-hh4b").iterdir()
    assert (clone / "workflow/job.py").is_file()
    again = run_in(folder, bare_python, TARGET, "--dry-run", **variables)
    assert "Nothing to be done" in again.stdout + again.stderr


CONDA = """#!/bin/sh
# As conda does it, with an environment that is there.
case "$1 $2" in
  "info --json") echo '{{"conda_prefix": "{prefix}", "platform": "linux-64"}}' ;;
  "--version "*) echo "conda 25.1.1" ;;
  "clean -y") ;;
  "config --get") echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
  "env create") for word; do last="$word"; done; mkdir -p "$last" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""


def test_run_in_a_conda_environment(
    folder: Path, bare_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job's Python is the environment's; Snakemake unsets PYTHONPATH for it."""
    prefix = tmp_path / "conda"
    (prefix / "bin").mkdir(parents=True)
    conda = prefix / "bin" / "conda"
    conda.write_text(CONDA.format(prefix=prefix))
    conda.chmod(0o755)
    activate = f'export PATH="{bare_python.parent}:$PATH"; test -d "$1"; export ACTIVATED="$1"\n'
    (prefix / "bin" / "activate").write_text(activate)
    write_snakefile(folder, f'"{ROOT}/Snakefile"')
    path = f"{prefix}/bin:{os.environ['PATH']}"
    call = (TARGET, "--software-deployment-method", "conda")
    run = run_in(folder, Path(sys.executable), *call, PATH=path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Activating conda environment" in run.stdout + run.stderr


def test_conda_environment_has_the_pins() -> None:
    """Snakemake copies the file to where no file beside it is."""
    environment = yaml.safe_load((ROOT / "envs/boosted-hh4b.yaml").read_text(encoding="utf-8"))
    text = (ROOT / "envs/requirements.txt").read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert environment["dependencies"][-1] == {"pip": pins}


def test_deployed_configuration_is_the_default_one() -> None:
    """`snakedeploy` copies `config/`, and its Snakefile reads `config/config.yaml`."""
    deployed = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
    assert deployed == (ROOT / "config.yaml").read_text(encoding="utf-8")


def test_search_path_does_without_the_folder_of_the_run() -> None:
    assert search_path(":/a:.:b/c:/d:") == "/a:/d"
    assert search_path("") == ""


def test_other_modules_of_the_projects_names_are_named(folder: Path, bare_python: Path) -> None:
    (folder / "workflow/common.py").write_text("VALUE = 1\n")
    write_snakefile(folder, f'"{ROOT}/Snakefile"')
    snakefile = folder / "workflow/Snakefile"
    snakefile.write_text("import common\n" + snakefile.read_text())
    run = run_in(folder, bare_python, TARGET, "--dry-run")
    assert run.returncode != 0
    assert (
        "workflow/common.py was imported under that name before: rename" in run.stdout + run.stderr
    )
    assert "Traceback" not in run.stdout + run.stderr

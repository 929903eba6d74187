"""What the documentation tells one to type, typed; what it says happens, happens."""

import importlib.util
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.config.views import VIEWS
from tests.conftest import ROOT, call_snakemake
from tests.delphes_files import as_another
from tests.workflow.plans import planned

DOCS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
ELSEWHERE = {
    "snakemake --report report.zip": "test_run.py makes a report",
    "snakemake --workflow-profile workflow/profiles/slurm": "tests/robustness/test_slurm.py",
    "snakemake --cores 4 --software-deployment-method conda": "needs conda",
    "snakemake --cores 4 --snakefile path/to/boosted-hh4b/Snakefile --configfile my_files.yaml": (
        "test_elsewhere.py runs in other folders"
    ),
    "snakemake jets --cores 4 --configfile config/jets.yaml": "test_jets.py has its rules",
    "snakemake jets --cores 4 --configfile config/top_tagging.yaml": "test_jets.py runs it",
    "snakemake jets --cores 4 --configfile config/jet_class.yaml": "test_jet_class.py runs it",
}
"""Commands that are not run here, and why."""


def commands() -> list[str]:
    """Return every command in a console block of the documentation, without its comment."""
    blocks = [block for path in DOCS for block in console_blocks(path)]
    lines = [line[2:] for block in blocks for line in block.splitlines() if line[:2] == "$ "]
    return sorted({" ".join(shlex.split(line, comments=True)) for line in lines})


def console_blocks(path: Path) -> list[str]:
    return re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL)


COMMANDS = [command for command in commands() if command not in ELSEWHERE]


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 12
    assert set(ELSEWHERE) <= set(commands())


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_has_the_target(command: str) -> None:
    target = shlex.split(command.partition(">")[0])[1]
    phony = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert target in phony[1].split()
    arguments = ["make", "--dry-run", "--always-make", *shlex.split(command.partition(">")[0])[1:]]
    run = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    if ">" in command:  # what is redirected must be the result alone
        recipe_line = (ROOT / "Makefile").read_text().partition(f"\n{target}:")[2].splitlines()[1]
        assert recipe_line.startswith("\t@")


def test_graph_of_rules_is_mermaid(project: Path, config: dict[str, Any], tmp_path: Path) -> None:
    run = call_snakemake(
        tmp_path, config, "--rulegraph", "mermaid-js", snakefile=project / "Snakefile"
    )
    assert run.returncode == 0, run.stderr
    assert "flowchart" in run.stdout
    assert "[page]" in run.stdout


RULES = {
    "snakemake --cores 4 --forcerun limits_figure": {"limits_figure", "page"},
    "snakemake --cores 4 onnx": {"export_onnx", "onnx"},
    "snakemake --cores 1 crate": {"crate"},
}
"""What a call on a finished run would run; nothing, if it is not named here."""


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("snakemake ")])
def test_snakemake_calls_do_what_they_say(
    project: Path, finished: Path, config: dict[str, Any], command: str
) -> None:
    arguments = shlex.split(command)[1:]
    found = planned(finished, config, project / "Snakefile", *arguments)
    expected = RULES.get(command, set())
    assert set(found) - {"export_onnx"} == expected - {"export_onnx"}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith(("python ", "pip "))])
def test_scripts_and_files_exist(command: str) -> None:
    words = shlex.split(command)
    if "-m" in words:
        assert importlib.util.find_spec(words[words.index("-m") + 1]) is not None
    for word in words:
        if word.startswith(("envs/", "examples/", "tests/")):
            assert (ROOT / word).is_file()


def recipe(title: str) -> dict[str, Any]:
    """Return the YAML below a heading of the recipes."""
    _, _, text = (ROOT / "docs/recipes.md").read_text().partition(f"## {title}\n")
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    found: dict[str, Any] = yaml.safe_load(block[1])
    return found


@pytest.mark.parametrize(
    ("title", "jobs"),
    [
        ("A new sample", {"reconstruct": 1, "dataset": 1, "train": 4, "limit": 4}),
        ("A new mass", {"reconstruct": 1, "dataset": 1, "train": 4, "limit": 8, "page": 1}),
        ("A new network", {"reconstruct": 0, "dataset": 0, "train": 2, "limit": 2, "page": 1}),
        ("Some masses and seeds of a network", {"dataset": 0, "train": 1, "limit": 1, "page": 1}),
        ("What a network looks at", {"dataset": 0, "train": 0, "interpret": 3, "page": 1}),
        ("More seeds", {"reconstruct": 0, "dataset": 0, "train": 2, "limit": 2, "page": 1}),
    ],
)
def test_recipe_runs_what_it_says(
    project: Path, finished: Path, config: dict[str, Any], title: str, jobs: dict[str, int],
    tmp_path: Path,
) -> None:  # fmt: skip
    changed = yaml.safe_load(yaml.safe_dump(config))
    for key, value in recipe(title).items():
        if isinstance(value, list):
            changed[key] = changed[key] + value
        else:
            changed[key] = changed[key] | value
    for sample in changed["samples"][2:]:  # other files than those of the run
        files = (ROOT / file for file in sample["files"])
        sample["files"] = [str(as_another(file, tmp_path / file.name)) for file in files]
    found = planned(finished, changed, project / "Snakefile")
    assert {rule: found[rule] for rule in jobs} == jobs


def test_messages_that_the_documentation_explains_exist() -> None:
    headings = re.findall(r"^### `(.*)`$", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    assert len(headings) > 6
    folders = ("analysis", "common", "models", "workflow")
    sources = [path.read_text() for name in folders for path in (ROOT / name).rglob("*.py")]
    text = re.sub(r'"\s*f?"', "", "".join(sources)) + (ROOT / "Makefile").read_text()
    assert [heading for heading in headings if heading not in text] == []


def test_slurm_profile_fits_the_workflow() -> None:
    profile = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text())
    text = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, re.MULTILINE))
    rules |= {f"{view}_figure" for view in VIEWS}
    assert set(profile["set-resources"]) <= rules
    assert set(profile["groups"]) <= rules
    assert set(profile["group-components"]) <= set(profile["groups"].values())
    trained = profile["groups"]["train"]
    assert [profile["groups"].get(rule) for rule in ("score", "score_joint")] == [trained] * 2
    # A rule between two of one group, and not in it, would let the group wait for itself.
    opt_in = {"onnx", "export_onnx", "jets", "reweighting", "crate"}
    assert rules - opt_in == set(profile["set-resources"]) | set(profile["groups"])
    default = yaml.safe_load((ROOT / "workflow/profiles/default/config.yaml").read_text())
    memory = {rule: asked["mem_mb"] for rule, asked in default.pop("set-resources").items()}
    assert {rule: f"{mb} * attempt" for rule, mb in memory.items()} == {
        rule: profile["set-resources"][rule]["mem_mb"] for rule in memory
    }
    assert profile["default-resources"]["mem_mb"] == default.pop("default-resources")["mem_mb"]
    assert {key: profile[key] for key in default if key != "quiet"} == {
        key: value for key, value in default.items() if key != "quiet"
    }


def test_template_of_a_rule_is_like_the_rules() -> None:
    rule, script = re.findall(
        r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL
    )
    compile(script, "script", "exec")
    directives = re.compile(r"^    (\w+):", re.MULTILINE)
    real = (ROOT / "workflow/rules/reconstruct.smk").read_text().split("\n\n\n")[0]
    assert directives.findall(rule) == directives.findall(real)
    options = {*re.findall(r"--(\w+)", rule), *re.findall(r"flags\((\w+)=", rule)}
    assert options == {name for name in ("config", "output") if f"{name}: Annotated" in script}


def test_links_between_files_resolve() -> None:
    for path in DOCS:
        targets = re.findall(r"(?<!!)\[[^]]*\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
        missing = [target for target in targets if not (path.parent / target).exists()]
        assert missing == [], path.name

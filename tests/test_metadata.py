"""What archives and services read: the same in every file, and nothing that is not there."""

import json
import tomllib
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

CITATION: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
ZENODO: dict[str, Any] = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))
CODEMETA: dict[str, Any] = json.loads((ROOT / "codemeta.json").read_text("utf-8"))
REANA: dict[str, Any] = yaml.safe_load((ROOT / "reana.yaml").read_text("utf-8"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_title_and_version_are_the_same_everywhere() -> None:
    assert CITATION["title"] == ZENODO["title"] == CODEMETA["name"]
    assert CITATION["version"] == ZENODO["version"] == CODEMETA["version"] == PROJECT["version"]
    assert CODEMETA["identifier"] == PROJECT["name"]
    assert CODEMETA["description"] == PROJECT["description"]
    assert CODEMETA["runtimePlatform"] == f"Python {PROJECT['requires-python']}"


def test_licence_is_the_same_everywhere() -> None:
    assert CITATION["license"] == ZENODO["license"] == PROJECT["license"]
    assert CODEMETA["license"] == f"https://spdx.org/licenses/{CITATION['license']}"
    assert (ROOT / "LICENSE").read_text("utf-8").startswith(f"{CITATION['license']} License")


def test_authors_keywords_and_papers_are_the_same_everywhere() -> None:
    names = [author["name"] for author in CITATION["authors"]]
    assert names == [creator["name"] for creator in ZENODO["creators"]]
    assert names == [author["name"] for author in CODEMETA["author"]]
    assert CITATION["keywords"] == ZENODO["keywords"] == CODEMETA["keywords"]
    papers = [one["value"] for paper in CITATION["references"] for one in paper["identifiers"]]
    assert papers == [one["identifier"] for one in ZENODO["related_identifiers"]]
    urls = [f"https://arxiv.org/abs/{paper.removeprefix('arXiv:')}" for paper in papers]
    assert urls == CODEMETA["citation"]


@pytest.mark.parametrize("kind", ["files", "directories"])
def test_reana_is_given_what_there_is(kind: str) -> None:
    for path in REANA["inputs"][kind]:
        assert (ROOT / path).is_file() if kind == "files" else (ROOT / path).is_dir()


def test_reana_is_given_all_that_the_run_reads() -> None:
    """Each package of the project, and what the Makefile installs."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    tops = {name.partition(".")[0] for name in packages["packages"]}
    assert tops | {"config", "envs", "profiles"} == set(REANA["inputs"]["directories"])
    assert {"Makefile", "Snakefile", "config.yaml", PROJECT["readme"]} < set(
        REANA["inputs"]["files"]
    )


def test_reana_describes_a_serial_workflow_with_its_parameters() -> None:
    """What the JSON schema of REANA's specification asks for, and steps that can be filled in."""
    assert set(REANA) <= {"version", "inputs", "workflow", "outputs", "tests", "workspace"}
    assert set(REANA["workflow"]) == {"type", "specification"}
    assert REANA["workflow"]["type"] == "serial"
    for step in REANA["workflow"]["specification"]["steps"]:
        assert step["environment"].count(":") == 1
        for command in step["commands"]:
            for name, value in REANA["inputs"]["parameters"].items():
                command = command.replace(f"${{{name}}}", str(value))
            assert "$" not in command

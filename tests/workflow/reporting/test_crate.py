"""The RO-Crate of a run: every reference leads somewhere, digests are those of the files."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DATA, ROOT
from workflow.pipeline.config import load
from workflow.reporting.crate import PROFILES
from workflow.scripts import crate


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder of results with a table, a folder and a benchmark, and their crate."""
    folder = tmp_path / "results"
    for name in ("limits.csv", "hepdata/submission.yaml", "benchmarks/limit/net.tsv"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    config = load([DATA / "config.yaml"]).model_dump_json()
    products = [folder / "limits.csv", folder / "hepdata"]
    crate.main(products, config, folder / "ro-crate-metadata.json", tmp_path)
    return folder


def entities(folder: Path) -> dict[str, dict[str, Any]]:
    graph = json.loads((folder / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]
    found = {one["@id"]: one for one in graph}
    assert len(found) == len(graph)
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, dict) and set(value) == {"@id"}:
        yield value["@id"]


def test_every_reference_is_an_entity_or_a_url(results: Path) -> None:
    known = entities(results)
    for entity in known.values():
        for key, value in entity.items():
            for target in references(value):
                assert target in known or target.startswith("http"), f"{entity['@id']}: {key}"


def test_parts_are_there_with_their_digests(results: Path) -> None:
    known = entities(results)
    parts = list(references(known["./"]["hasPart"]))
    assert parts == ["Snakefile", "config.json", "hepdata/", "limits.csv"]
    for part in parts:
        path, entity = results / part, known[part]
        if "File" in entity["@type"]:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == entity["sha256"]
            assert path.stat().st_size == int(entity["contentSize"])
        else:
            assert path.is_dir()
    assert (results / "Snakefile").read_bytes() == (ROOT / "Snakefile").read_bytes()


def test_the_run_is_what_the_profile_asks_for(results: Path) -> None:
    """Workflow Run Crate 0.5: an action whose instrument is the crate's main entity."""
    known = entities(results)
    root, action = known["./"], known["#run"]
    assert list(references(root["conformsTo"])) == list(PROFILES)
    main = root["mainEntity"]["@id"]
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow"} == set(known[main]["@type"])
    assert action["@type"] == "CreateAction"
    assert action["instrument"] == {"@id": main}
    assert action["startTime"] <= action["endTime"]
    assert list(references(action["object"])) == ["config.json"]
    assert list(references(action["result"])) == ["hepdata/", "limits.csv"]
    assert {"name", "description", "datePublished", "license"} <= set(root)


def test_the_configuration_of_the_crate_is_that_of_the_run(results: Path) -> None:
    assert load([results / "config.json"]) == load([DATA / "config.yaml"])

"""The configuration: what is accepted, and what each error says."""

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import ConfigError
from tests.conftest import ROOT
from workflow.config import SCHEMA, load, read_config, schema_text
from workflow.reference import REFERENCE, reference_text


def test_schema_is_up_to_date() -> None:
    assert SCHEMA.read_text() == schema_text(), "run `make schema`"
    json.loads(schema_text())


def test_reference_is_up_to_date() -> None:
    assert REFERENCE.read_text() == reference_text(), "run `make schema`"


def test_every_key_is_explained() -> None:
    rows = [line for line in reference_text().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [line for line in rows if line.endswith("|  |")] == []


def test_valid_config_is_frozen(tiny_config: dict[str, Any]) -> None:
    config = read_config(tiny_config)
    with pytest.raises(ValueError, match="frozen"):
        config.luminosity_fb = 1.0  # type: ignore[misc]
    assert [sample.name for sample in config.signals] == ["signal_mH1000"]


def change(config: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    node: Any = config
    for key in parents:
        node = node[int(key)] if key.isdigit() else node.setdefault(key, {})
    node[last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("training.epohcs", 3, ["training.epohcs", "did you mean 'epochs'"]),
        ("training.batch_size", -1, ["training.batch_size", "-1", "greater than 0"]),
        ("samples.0.cross_section_pb", float("nan"), ["samples.0.cross_section_pb", "finite"]),
        ("samples.0.mass_gev", None, ["samples.0", "'signal_mH1000'", "mass_gev"]),
        ("samples.0.mass_gev", 200, ["samples.0", "200", "250"]),
        ("samples.1.cross_section_pb", None, ["samples.1", "'qcd'", "cross_section_pb"]),
        ("samples.1.label", "signl", ["samples.1.label", "'signl'", "'background'"]),
        ("samples.1.name", "../../evil", ["samples.1.name", "evil"]),
        ("samples.1.name", "signal_mH1000", ["samples", "'signal_mH1000'", "twice"]),
        ("samples.1.files", [], ["samples.1", "'qcd'", "files"]),
        ("networks.0.architecture", "resnet", ["networks.0.architecture", "'resnet'", "'kinem"]),
        ("networks.0.fuson", "sum", ["networks.0.fuson", "did you mean 'fusion'"]),
        ("networks.0.heads", 3, ["networks.0", "heads (3)", "width (16)"]),
        ("networks", [], ["networks"]),
        ("dataset.split.train", 0.9, ["dataset: the key `split`", "`folds: 2`", "`validation:"]),
        ("dataset.folds", 1, ["dataset.folds", "2", "found 1"]),
        ("samples.0.name", "all", ["samples", "'all'", "rename"]),
        ("training.masses", "both", ["training.masses", "'joint'", "'both'"]),
        ("reconstruction.subjets.radius", 2.0, ["subjets.radius (2.0)", "fatjets.radius"]),
        ("interpretation.networks", ["nets"], ["interpretation.networks", "nets", "kinematics"]),
        ("interpretation.seeds", [7], ["interpretation.seeds", "7", "1, 2"]),
        ("working_point.reading", "raw", ["working_point.reading", "'raw'", "'mc'"]),
    ],
)
def test_error_names_key_found_and_allowed(
    tiny_config: dict[str, Any], path: str, value: Any, said: list[str]
) -> None:
    change(tiny_config, path, value)
    with pytest.raises(ConfigError) as raised:
        read_config(tiny_config)
    message = str(raised.value)
    assert all(words in message for words in said), message
    assert len(message.splitlines()) == 2, "one cause, one line"


def test_all_errors_at_once(tiny_config: dict[str, Any]) -> None:
    change(tiny_config, "training.epochs", 0)
    change(tiny_config, "luminosity_fb", -3)
    with pytest.raises(ConfigError, match=r"(?s)luminosity_fb.*training\.epochs"):
        read_config(tiny_config)


def test_no_background_or_signal(tiny_config: dict[str, Any]) -> None:
    signal, background = tiny_config["samples"]
    for left, missing in (([signal], "background"), ([background], "signal")):
        with pytest.raises(ConfigError, match=f"none has `label: {missing}`"):
            read_config({**tiny_config, "samples": left})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: caf\xe9\n", r"is not UTF-8 text \(.* at byte 9\): save it as UTF-8"),
        (b"training: &again\n  epochs: *again\n", r"holds itself: an alias \(\*name\)"),
        (b"training: [\n", "cannot be read"),
        (b"# nothing\n", "holds no keys"),
    ],
)
def test_file_that_is_no_configuration_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"the configuration {path} {said}"):
        load([ROOT / "config.yaml", path])

"""Configurations changed at random: valid ones stay inside `results/`, others are told why."""

import copy
import os
import re
import signal
import string
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from common.errors import ConfigError
from models.config.views import VIEWS
from tests.conftest import DATA, ROOT
from workflow.pipeline import paths
from workflow.pipeline.config import ALL_MASSES, Config, load, read_config
from workflow.pipeline.inputs import chunks

CASES = int(os.environ.get("FUZZ_CONFIGS", "2000"))
TEMPLATES = [
    value
    for value in vars(paths).values()
    if isinstance(value, str) and value.startswith("results/")
]
BASES = [
    yaml.safe_load(path.read_text())
    for path in (ROOT / "config.yaml", DATA / "config.yaml", *(ROOT / "config").glob("*.yaml"))
]
BASES = [base for base in BASES if {"samples", "networks"} <= base.keys()]

HOSTILE = [
    *(
        "../x",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a/b",
        "a\0b",
        "{a}",
        "{sample}",
        "x" * 300,
        "a b",
        "é",
    ),
    *(
        "-rf",
        "$(touch ran)",
        "`touch ran`",
        "; touch ran",
        "a\nb",
        "*",
        "results",
        "~",
        "%s",
        "CON",
    ),
    *(
        "http://",
        "root://h//x",
        "https://h/../../x.root",
        "file:///etc/passwd",
        "s3://b/x",
        "\ud800",
    ),
]
EXTREME = [0, -1, 1, 2**31, 2**63, 10**400, 1e308, -1e308, 1e-320, float("nan"), float("inf"), True]
scalars = st.one_of(
    st.none(),
    st.sampled_from(HOSTILE),
    st.sampled_from(EXTREME),
    st.integers(-10, 3000),
    st.floats(),
    st.text(string.printable, max_size=20),
    st.dates(),
    st.binary(max_size=5),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(HOSTILE) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"no end after {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def places(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every node below the root."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, child in items:
        yield (*at, key)
        if isinstance(child, dict | list):
            yield from places(child, (*at, key))


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    config: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from(list(places(config)) or [("samples",)]))
        node: Any = config
        for key in at[:-1]:
            node = node[key]
        change = draw(st.sampled_from(["set", "set", "set", "drop", "add", "repeat"]))
        if change == "set":
            node[at[-1]] = draw(values)
        elif change == "drop":
            del node[at[-1]]
        elif change == "add" and isinstance(node, dict):
            node[draw(st.sampled_from(HOSTILE) | st.sampled_from(KEYS))] = draw(values)
        elif isinstance(node, list):
            node.append(copy.deepcopy(node[at[-1]]))
    return config


def _keys(schema: Any) -> set[str]:
    children = schema.values() if isinstance(schema, dict) else schema
    below = [_keys(child) for child in children if isinstance(child, dict | list)]
    own = set(schema.get("properties", ())) if isinstance(schema, dict) else set()
    return own.union(*below)


KEYS = sorted(_keys(Config.model_json_schema()))


@settings(
    max_examples=CASES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(mapping=configurations())
def test_configuration_is_valid_or_told_why(mapping: dict[str, Any]) -> None:
    with time_limit(20):
        try:
            config = read_config(mapping)
        except ConfigError as error:
            event("refused")
            first, *lines = str(error).splitlines()
            assert first == "the configuration is not valid:"
            assert lines
            assert max(map(len, lines)) < 2000
        else:
            event("valid")
            check_paths(config)


def check_paths(config: Config) -> None:
    """Check that the names of a configuration keep all that is written in `results/`."""
    found: dict[str, set[str]] = {
        "sample": {sample.name for sample in config.samples},
        "signal": {sample.name for sample in config.signals},
        "masses": {ALL_MASSES} | {sample.name for sample in config.signals},
        "fold": {str(fold) for fold in range(config.dataset.folds)},
        "process": {sample.process for sample in config.samples},
        "network": {network.name for network in config.networks},
        "seed": {str(seed) for seed in config.training.seeds},
        "chunk": set(),
        "variation": {"variations/jes_up/"},
        "kind": {"luminosity"},
        "view": set(VIEWS),
        "task": set(config.jets.every_task) or {"higgs"},
        "tagger": {tagger.name for tagger in config.jets.taggers} or {"mixer"},
        "split": {"train"},
        "reweighting": {block.name for block in config.reweighting} or {"vincia"},
        "classifier": {network.name for block in config.reweighting for network in block.networks}
        or {"high_level"},
    }
    for sample in config.samples:
        with suppress(ConfigError):
            found["chunk"] |= {chunk.name for chunk in chunks(sample)}
    found["chunk"] = found["chunk"] or {"000"}
    for names in zip_longest(*found.values()):
        one = {key: name or min(found[key]) for key, name in zip(found, names, strict=True)}
        for path in {template.format(**one) for template in TEMPLATES}:
            parts = path.split("/")
            assert re.fullmatch(r"results(/[A-Za-z0-9_.-]+)+", path), path
            assert not {".", ".."} & set(parts), path
            assert max(map(len, parts)) < 256, path


NAMES = [
    "../x",
    "/tmp/x",
    "a/b",
    "..",
    ".",
    "",
    "a\0b",
    "{a}",
    "{sample}",
    "x" * 65,
    "a b",
    "é",
    "-x",
]


@pytest.mark.parametrize("key", ["samples.0.name", "samples.1.process", "networks.0.name"])
@pytest.mark.parametrize("name", NAMES)
def test_names_that_could_leave_the_results(
    tiny_config: dict[str, Any], key: str, name: str
) -> None:
    block, number, field = key.split(".")
    tiny_config[block][int(number)][field] = name
    with pytest.raises(ConfigError, match=rf"(?s){block}\.{number}\.{field}: .*found"):
        read_config(tiny_config)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("samples", 0, "simulation", "chunks"), 2**31),
        (("training", "seeds", 0), 10**400),
        (("networks", 0, "architecture"), "x" * 10**6),
        (("samples", 0, "name"), "x" * 10**6),
    ],
)
def test_sizes_beyond_reason(path: tuple[Any, ...], value: Any) -> None:
    config: Any = yaml.safe_load((ROOT / "config.yaml").read_text())
    *parents, last = path
    node = config
    for key in parents:
        node = node[key]
    node[last] = value
    with time_limit(20), pytest.raises(ConfigError) as raised:
        read_config(config)
    assert len(str(raised.value)) < 2000


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe\x00",
        b"samples: [",
        b"a: &a [*a]",
        b"a: &a {b: *a}",
        b"!!python/object/apply:os.system ['touch ran']",
        b"samples: !!python/name:os.system",
        b"- 1",
        b"",
        b"1: 2",
        b"\t",
        b"samples: {? [a, b] : 1}",
        b"[" * 3000,
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (k + 1, k + 1, b",".join([b"*%c" % k] * 9)) for k in range(97, 106)
        ),
        b"seed: " + b"9" * 5000,
        b"samples: 2001-99-99",
    ],
)
def test_files_that_hold_no_configuration(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "näme with space.yaml"
    path.write_bytes(text)
    with time_limit(20), pytest.raises(ConfigError) as raised:
        load([DATA / "config.yaml", path])
    assert len(str(raised.value)) < 5000
    assert not Path("ran").exists()

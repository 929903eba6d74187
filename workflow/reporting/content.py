"""Everything that the page tells, read from the results of a run."""

import importlib.metadata
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from analysis.datasets.normalisation import Normalisation
from common.tables import read_csv, read_json
from workflow.pipeline import paths
from workflow.pipeline.config import Config
from workflow.pipeline.network_pairs import network_pairs
from workflow.pipeline.provenance import code_version
from workflow.reporting.figures import Picture, pictures
from workflow.reporting.findings import findings
from workflow.reporting.network_tables import (
    limit_ratios_table,
    networks_table,
    ratios_table,
)
from workflow.reporting.tables import (
    Table,
    cutflow_table,
    jets_table,
    limits_table,
    metrics_table,
    number,
    timings_table,
    yields_table,
)

LIBRARIES = (
    "torch", "lightning", "snakemake", "uproot", "awkward", "fastjet", "pythia8mc", "numpy",
    "pyhf", "matplotlib",
)  # fmt: skip


@dataclass(frozen=True)
class Content:
    """What the template fills in.

    Attributes
    ----------
    luminosity : float
        [fb⁻¹]
    summary : str
        The result in a sentence or two.
    findings : list of str
        Weaknesses of the results.
    limits, cutflow, yields, networks, ratios, limit_ratios, metrics, timings : Table
    jets : Table or None
        Taggers of single jets, where the configuration has some.
    figures : dict of lists of Picture
        By section, in the order of the page.
    files : list of (title, link)
        Further results for reuse.
    config : str
        YAML of the whole configuration.
    versions, seeds : dict
    """

    luminosity: float
    summary: str
    findings: list[str]
    limits: Table
    cutflow: Table
    yields: Table
    networks: Table
    ratios: Table
    limit_ratios: Table
    metrics: Table
    timings: Table
    jets: Table | None
    figures: dict[str, list[Picture]]
    limits_text: str
    files: list[tuple[str, str]]
    config: str
    versions: dict[str, str]
    seeds: dict[str, str]


def read_content(files: Sequence[Path], folder: Path, config: Config) -> Content:
    """Read what the page tells.

    Parameters
    ----------
    files : sequence of Path
        Figures (PNG files or folders of them) to show.
    folder : Path
        The folder of the run.
    config : Config
        The configuration of the run.
    """
    limits, summary, cutflow, metrics = (
        read_csv(folder / path)
        for path in (
            paths.LIMITS_TABLE,
            paths.LIMITS_SUMMARY,
            paths.CUTFLOW_TABLE,
            paths.METRICS_TABLE,
        )
    )
    normalisation = paths.nominal(paths.NORMALISATION)
    normalisations = [
        Normalisation.read(folder / normalisation.format(sample=sample.name))
        for sample in config.samples
    ]
    shown = pictures(files, folder)
    return Content(
        config.luminosity_fb,
        _summary(config),
        findings(limits, normalisations, _tag_maps(folder, config)),
        limits_table(summary, limits, config.limits.z_level),
        cutflow_table(cutflow, config.luminosity_fb),
        yields_table(cutflow),
        networks_table(read_csv(folder / paths.NETWORKS_TABLE)),
        ratios_table(_ratios(folder / paths.RATIOS_TABLE, config)),
        limit_ratios_table(_ratios(folder / paths.LIMIT_RATIOS, config)),
        metrics_table(metrics),
        timings_table(_timings(folder)),
        _jets(folder, config),
        {name: list(group) for name, group in groupby(shown, lambda picture: picture.section)},
        in_words(summary),
        result_files(folder),
        yaml.safe_dump(
            json.loads(config.model_dump_json()), sort_keys=False, allow_unicode=True, width=100
        ),
        versions(),
        {
            "simulation": str(config.seed),
            "trainings": ", ".join(map(str, config.training.seeds)),
        },
    )


def _summary(config: Config) -> str:
    masses = ", ".join(f"{signal.mass_gev:g}" for signal in config.signals)
    networks = ", ".join(network.name.replace("_", " ") for network in config.networks)
    trainings = [len(config.seeds_of(network.name)) for network in config.networks]
    few, many = min(trainings), max(trainings)
    seeds = f"{many} training{'s' * (many > 1)}" if few == many else f"{few} to {many} trainings"
    return (
        f"gg → H → hh → bb̄bb̄ at {config.luminosity_fb:g} fb⁻¹, m_H = {masses} GeV. "
        f"Networks: {networks}; {seeds} each."
    )


def in_words(summary: Sequence[dict[str, Any]]) -> str:
    """Return the limit plot in words, for those who do not see it."""
    parts = [
        f"{row['network'].replace('_', ' ')} at {row['mass_gev']:g} GeV: "
        + (
            "none"
            if (limit := row["limit_za_fb_median"]) is None
            else f"{number(limit, 2).text} fb"
        )
        for row in summary
    ]
    return "Upper limits against m_H. " + "; ".join(parts) + "."


def _ratios(table: Path, config: Config) -> list[dict[str, Any]]:
    return read_csv(table) if network_pairs(config.networks, config.training.seeds) else []


def _tag_maps(folder: Path, config: Config) -> list[dict[str, Any]]:
    if config.btagging.mode != "map":
        return []
    processes = dict.fromkeys(sample.process for sample in config.backgrounds)
    return [read_json(folder / paths.TAG_MAP.format(process=name)) for name in processes]


def _jets(folder: Path, config: Config) -> Table | None:
    if not config.jets.task_names:
        return None
    rows = read_csv(folder / paths.JETS_TABLE)
    jobs = {}
    for row in rows:
        key = (row["task"], row["tagger"], row["seed"])
        path = folder / paths.BENCHMARKS / "train_jets" / Path(*map(str, key)).with_suffix(".tsv")
        if path.is_file():
            jobs[key] = read_csv(path, delimiter="\t")[-1]
    return jets_table(rows, jobs)


def _timings(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the benchmark files by rule."""
    timings: dict[str, list[dict[str, Any]]] = {}
    root = folder / paths.BENCHMARKS
    for path in sorted(root.rglob("*.tsv")):
        rule = path.relative_to(root).parts[0].removesuffix(".tsv")
        timings.setdefault(rule, []).extend(read_csv(path, delimiter="\t"))
    return timings


def result_files(folder: Path) -> list[tuple[str, str]]:
    """Return title and link of what the page does not show, as far as the run has it."""
    known = {
        "submission to HEPData": "hepdata",
        "acceptance × efficiency and background of each region (CSV)": "efficiencies.csv",
        "taggers of ten classes of public jets (CSV)": "jet_class.csv",
        "fits (pyhf, HS3)": "workspaces",
        "all fits in one archive": "likelihoods.tar.gz",
        "trained networks (safetensors, JSON)": "models",
        "trained networks (ONNX)": "onnx",
        "scores of all events (Parquet)": "scores",
        "logs of all jobs": "logs",
    }
    results = folder / Path(paths.PAGE).parent
    found = [(title, name) for title, name in known.items() if (results / name).exists()]
    return [(title, f"{name}/" if (results / name).is_dir() else name) for title, name in found]


def versions() -> dict[str, str]:
    """Return the versions of the project and of the packages that do the work."""
    by_name = {"boosted-hh4b": code_version(), "Python": platform.python_version()}
    return by_name | {name: importlib.metadata.version(name) for name in LIBRARIES}

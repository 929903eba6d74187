"""Rule limit: the upper limits of one network, signal and seed, from its scores."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from typer import BadParameter, Option

from analysis.config.statistics import BTagging, Limits, WorkingPoint
from analysis.evaluation.density_ratio import Factors
from analysis.evaluation.scores import read_mixed, read_scores
from analysis.statistics.channels import CategoryScores
from analysis.statistics.counting import counting_row
from analysis.statistics.fit import fit_rows
from analysis.statistics.limits import (
    Normalisation,
    limit_row,
    scan_background_events,
    simulated_above,
)
from analysis.statistics.projections import luminosity_rows, sample_size_rows
from analysis.statistics.regions import region_rows
from analysis.statistics.shared_tails import Tails
from common.tables import read_json, write_json
from common.weighted import WeightedSample
from workflow.pipeline.cli import lenders, read_block, run


def main(
    scores: Annotated[Path, Option(help="Parquet table of scores.")],
    output: Annotated[Path, Option(help="JSON file to write: the row and the scan.")],
    network: Annotated[str, Option(help="Name of the network.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    seed: Annotated[int, Option(help="Seed of the training.")],
    luminosity: Annotated[float, Option(help="Integrated luminosity [fb⁻¹].")] = 3000.0,
    branching_ratio: Annotated[float, Option(help="BR(h → bb̄).")] = 0.582,
    working_point: Annotated[str, Option(help="Block `working_point`.")] = "{}",
    limits: Annotated[str, Option(help="Block `limits`.")] = "{}",
    btagging: Annotated[str, Option(help="Block `btagging`.")] = "{}",
    tag_map: Annotated[list[Path] | None, Option(help="JSON of rule tag_map; repeat.")] = None,
    k_factor_error: Annotated[
        list[str] | None, Option(help="PROCESS=RELATIVE error of a K-factor; repeat.")
    ] = None,
    variation: Annotated[
        list[str] | None, Option(help="NAME=UP[,DOWN]: scores of a systematic; repeat.")
    ] = None,
    reweighting: Annotated[
        list[str] | None, Option(help="NAME=TABLE of rule reweight: a nuisance; repeat.")
    ] = None,
    tail_from: Annotated[
        list[str] | None, Option(help="SAMPLE=OTHER, which lends the shape of its tail; repeat.")
    ] = None,
    mixed: Annotated[Path | None, Option(help="Parquet table of rule mix.")] = None,
    workspace: Annotated[Path | None, Option(help="HistFactory workspace to write.")] = None,
) -> None:
    """Find the working point, count what passes it, set the limits."""
    point, config = read_block(WorkingPoint, working_point), read_block(Limits, limits)
    tagging = read_block(BTagging, btagging)
    maps = {content["process"]: content["closure"] for content in map(read_json, tag_map or [])}
    shifted = dict(_named(text) for text in variation or [])
    weighted = {name: Factors.read(path) for name, (path, *_) in map(_named, reweighting or [])}
    errors = dict(_error(text) for text in k_factor_error or [])
    simulated, lending = read_scores(scores), lenders(tail_from)
    mixtures = read_mixed(mixed) if mixed else {}
    if point.counting == "raw":  # simulated events, so that none are mixed or borrowed
        lending, mixtures = {}, {}
    categories = []
    for k, name in enumerate(tagging.categories):
        column = f"weight_{name}" if k else "weight"
        read = _reader(scores, column, mixtures, lending, point)
        variations = {n: tuple(read(p, column) for p in ps) for n, ps in shifted.items()}
        for nuisance in tagging.nuisances:
            sides = (f"weight_{name}_{nuisance}_{side}" for side in ("up", "down"))
            variations[nuisance] = tuple(read(scores, side) for side in sides)
        for nuisance, factors in weighted.items():
            variations[nuisance] = (read(scores, column, factors=factors),)
        categories.append(
            CategoryScores(
                name,
                read(scores, column),
                variations,
                {process: closure[name]["uncertainty"] for process, closure in maps.items()},
                errors,
            ).aligned()
        )
    norm = Normalisation(luminosity, branching_ratio)
    common = (categories[0].nominal, norm, point, config)
    key = {"network": network, "mass_gev": mass, "seed": seed}
    process_errors = categories[0].process_errors
    row = limit_row(*common, non_closure=process_errors)
    row |= simulated_above(simulated, row)
    fits, model = fit_rows(categories, point, config, tagging)
    scan = scan_background_events(*common, process_errors, simulated)
    projection = [
        *luminosity_rows(*common, process_errors),
        *sample_size_rows(*common, process_errors),
    ]
    content = {
        "limit": key | row | fits | counting_row(row, norm, config),
        "scan": [key | item for item in scan],
        "projection": [key | item for item in projection],
        "regions": [
            key | item
            for category in categories
            for item in region_rows(category, norm, point, config)
        ],
    }
    write_json(content, output)
    if workspace is not None:
        write_json(model, workspace)


def _reader(
    path: Path,
    column: str,
    mixed: Mapping[str, WeightedSample],
    tail_from: dict[str, str],
    point: WorkingPoint,
) -> Callable[..., WeightedSample]:
    """Return what reads scores, with the tails that the nominal ones do not resolve.

    First those of mixed events; then those that other samples lend.
    """
    if not mixed and not tail_from:
        return read_scores
    nominal = read_scores(path, column, by="sample")
    tails = Tails.find(nominal, mixed, tail_from, point)

    def read(path: Path, column: str, factors: Factors | None = None) -> WeightedSample:
        own = tails
        if factors is not None:
            varied = read_scores(path, column, factors=factors, by="sample")
            own = tails.following(nominal, varied)
        return read_scores(path, column, factors=factors, adapt=own.put)

    return read


def _error(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        error = float(value)
    except ValueError:
        error = -1.0
    if not name or not 0 <= error < float("inf"):
        raise BadParameter(f"--k-factor-error {text!r}: write PROCESS=RELATIVE, as in qcd=0.1")
    return name, error


def _named(text: str) -> tuple[str, list[Path]]:
    name, _, paths = text.partition("=")
    files = [Path(path) for path in paths.split(",") if path]
    if not name or not 1 <= len(files) <= 2:
        raise BadParameter(f"--variation {text!r}: write NAME=UP.parquet or NAME=UP,DOWN")
    return name, files


if __name__ == "__main__":
    run(main)

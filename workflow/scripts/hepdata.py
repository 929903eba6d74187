"""Rule hepdata: a validated HEPData submission of all that the limits rest on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import BadParameter, Option

from analysis.statistics.profile import Profile
from analysis.statistics.workspace import model_of
from common.errors import EmptySampleError
from common.tables import read_csv, read_json
from workflow.pipeline.cli import run
from workflow.reporting.hepdata import write_submission
from workflow.reporting.hepdata_tables import (
    correlation_table,
    cutflow_table,
    cuts_table,
    efficiency_map,
    efficiency_table,
    limits_table,
    qualify,
    score_table,
)


def main(
    limits: Annotated[Path, Option(help="CSV of rule limits_table.")],
    cutflow: Annotated[Path, Option(help="CSV of rule cutflow.")],
    efficiencies: Annotated[Path, Option(help="CSV of rule efficiencies.")],
    output: Annotated[Path, Option(help="Folder to write.")],
    signal: Annotated[list[str] | None, Option(help="SAMPLE=MASS of a signal; repeat.")] = None,
    limit: Annotated[list[Path] | None, Option(help="JSON of rule limit; repeat.")] = None,
    workspace: Annotated[
        list[Path] | None, Option(help="Its workspace; repeat in the same order.")
    ] = None,
    likelihoods: Annotated[Path | None, Option(help="Archive of rule likelihoods.")] = None,
    luminosity: Annotated[float, Option(help="Integrated luminosity [fb⁻¹].")] = 3000.0,
    z_target: Annotated[float, Option(help="Z_A at the limits that are named so.")] = 1.645,
    level: Annotated[float, Option(help="Confidence level of the CLs limits.")] = 0.95,
) -> None:
    """Write the submission; what has no limit is left out.

    Scores and correlations are those of the first seed of each network and mass.
    """
    if len(limit or []) != len(workspace or []):
        raise BadParameter("--limit and --workspace: give as many of each")
    rows = [row for row in read_csv(limits) if row["limit_za_fb"] is not None]
    steps, regions = read_csv(cutflow), read_csv(efficiencies)
    tables = []
    for network in dict.fromkeys(row["network"] for row in rows):
        of_network = [row for row in rows if row["network"] == network]
        tables += [
            limits_table(of_network, network, luminosity, z_target, level),
            efficiency_table(of_network, network),
        ]
        tables.append(efficiency_map([r for r in regions if r["network"] == network], network))
    if masses := dict(map(_mass, signal or [])):
        tables.append(cuts_table(steps, masses))
    for sample in dict.fromkeys(row["sample"] for row in steps):
        of_sample = [row for row in steps if row["sample"] == sample]
        tables.append(cutflow_table(of_sample, sample, sample in masses))
    for (network, mass), row in _first_seeds(regions).items():
        title = f"{network} mH{mass:g}"
        of_training = [r for r in regions if _training(r) == _training(row)]
        for channel in dict.fromkeys(r["channel"] for r in of_training if _is_bin(r)):
            tables.append(score_table(of_training, channel, title))
    fits = {_training(read_json(path)["limit"]): path for path in limit or []}
    for (network, mass), row in _first_seeds(regions).items():
        fit = dict(zip(fits, workspace or [], strict=True)).get(_training(row))
        content = read_json(fit) if fit else {}
        if "channels" in content:
            names, correlation = Profile(model_of(content), 0.0).correlation()
            title = f"{network} mH{mass:g}"
            tables.append(correlation_table(names, correlation, title, row["seed"]))
    if not tables:
        raise EmptySampleError(f"{limits} and {cutflow} hold no rows to submit")
    qualify(tables, luminosity)
    write_submission(tables, likelihoods, output)


def _training(row: Mapping[str, Any]) -> tuple[str, float, int]:
    return str(row["network"]), float(row["mass_gev"]), int(row["seed"])


def _is_bin(row: Mapping[str, Any]) -> bool:
    return str(row["region"]).startswith("shape")


def _first_seeds(rows: list[dict[str, Any]]) -> dict[tuple[str, float], dict[str, Any]]:
    """Return a row of the first seed of each network and mass."""
    first: dict[tuple[str, float], dict[str, Any]] = {}
    for row in rows:
        first.setdefault(_training(row)[:2], row)
    return first


def _mass(text: str) -> tuple[str, float]:
    name, _, mass = text.partition("=")
    try:
        return name, float(mass)
    except ValueError:
        raise BadParameter(f"--signal {text!r}: write SAMPLE=MASS, as in h1000=1000") from None


if __name__ == "__main__":
    run(main)

"""Rule event_display: one event of a sample, drawn as the networks see it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Argument, Option

from analysis.datasets.dataset import Dataset, tagged_weight
from analysis.figures.event_display import DisplayedJet, event_display
from analysis.figures.style import PROCESS_LABELS, save
from common.errors import EmptySampleError
from common.features import CONSTITUENT_FEATURES, KINEMATIC_FEATURES, SUBJET_FEATURES
from common.tables import write_frame
from workflow.pipeline.cli import run

Event = dict[str, np.ndarray]
STEP = 65536
"""Events whose keys are in memory at a time."""


def choose(dataset: Dataset) -> Event:
    """Return the tensors of the event with the smallest key: a random one, but always the same.

    Of those with a weight in the default tag category, if there are such.
    """
    if len(dataset) == 0:
        raise EmptySampleError(
            f"no event of {dataset.attributes['sample']} is left to display: provide more events "
            "or loosen the selection"
        )
    candidates = []
    for step, columns in enumerate(dataset.column_steps(STEP)):
        untagged = ~(tagged_weight(columns)[:, 0] > 0)
        row = int(np.lexsort((columns["key"], untagged))[0])
        candidates.append((bool(untagged[row]), int(columns["key"][row]), step * STEP + row))
    row = min(candidates)[2]
    return {name: tensor[0] for name, tensor in dataset.rows(slice(row, row + 1)).items()}


def displayed_jet(event: Event, index: int, features: Sequence[str]) -> DisplayedJet:
    """Return one fat jet of the event, whose constituents have these features."""
    kinematics = dict(zip(KINEMATIC_FEATURES, event["kinematics"][index].tolist(), strict=True))
    mask, subjet_mask = event["constituent_mask"][index], event["subjet_mask"][index]
    constituents = dict(zip(features, event["constituents"][index][mask].T, strict=True))
    subjets = dict(zip(SUBJET_FEATURES, event["subjets"][index][subjet_mask].T, strict=True))
    kinds = [name for name in CONSTITUENT_FEATURES if name.startswith("is_")]
    return DisplayedJet(
        **{name: kinematics[name] for name in ("pt", "eta", "phi", "mass", "theta")},
        deta=constituents["deta"],
        dphi=constituents["dphi"],
        constituent_pt=np.exp(constituents["log_pt"]),
        kind=np.stack([constituents[name] for name in kinds]).argmax(axis=0),
        subjet_deta=subjets["deta"],
        subjet_dphi=subjets["dphi"],
        subjet_pt=np.exp(subjets["log_pt"]),
    )


def title(dataset: Dataset, event: Event) -> str:
    """Return what the event is, and the mass of both fat jets together."""
    process, mass = str(dataset.attributes["process"]), dataset.attributes["mass_gev"]
    name = rf"$H\to hh$, $m_H={mass:g}$ GeV" if dataset.is_signal else process
    dijet_mass = event["kinematics"][2][KINEMATIC_FEATURES.index("mass")]
    return f"{PROCESS_LABELS.get(name, name)}\n$m_{{jj}}={dijet_mass:.0f}$ GeV"


def main(
    dataset: Annotated[Path, Argument(help="Dataset of the sample.")],
    radius: Annotated[float, Option(help="Radius of the fat jets.")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Draw one event, and list its constituents."""
    data = Dataset(dataset)
    event, features = choose(data), [str(name) for name in data.attributes["constituent_features"]]
    rows = pd.concat(
        pd.DataFrame(event["constituents"][index][mask], columns=features).assign(jet=index + 1)
        for index, mask in enumerate(event["constituent_mask"])
    )
    write_frame(rows, output.with_suffix(".csv"))
    jets = (displayed_jet(event, 0, features), displayed_jet(event, 1, features))
    save(event_display(jets, title(data, event), radius), output)


if __name__ == "__main__":
    run(main)

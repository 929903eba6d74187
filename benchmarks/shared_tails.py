"""Do shared tails hold? What small strata have in mixed events of their own, over what is lent.

    python -m benchmarks.shared_tails RUN --config config.yaml [--config more.yaml]

RUN is the folder of a finished run, made with these files. For each network, mass and training, the
samples with `tail_from` that have enough effective events are mixed by themselves, as rule `mix`
mixes the sample that lends. The table has what they have together above the cuts that leave 2,000,
…, 20 background events, simulated and mixed, over what the limit takes there in the shape of the
other sample. Trainings of one mass share their events, and are averaged before masses are.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from analysis.datasets.dataset import Dataset
from analysis.evaluation.scores import read_mixed, read_scores
from analysis.statistics.mixed_tails import MixedTail, find_mixed_tails, with_mixed_tails
from analysis.statistics.shared_tails import Tails
from analysis.statistics.working_point import empirical_threshold
from common.tables import origin_of
from common.weighted import WeightedSample
from models.training.checkpoint import load
from workflow.pipeline import paths
from workflow.pipeline.config import Config
from workflow.pipeline.config import load as load_config
from workflow.pipeline.mixing import mixed_scores
from workflow.pipeline.network_inputs import feature_names

LEFT = (2000.0, 700.0, 200.0, 70.0, 20.0)
"""Background events that the cuts leave."""


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run, with results/.")],
    config: Annotated[list[Path], typer.Option(help="Its configuration files, in their order.")],
) -> None:
    """Print what is simulated and what is mixed over what is lent, and what is lent."""
    whole = load_config(config)
    of_network: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted((run / "results/mixed").rglob("*.parquet")):
        network, signal = path.parts[-3:-1]
        found = compared(run, whole, network, signal, int(path.stem))
        if found[4].all():
            of_network[network][signal].append(found)
        else:
            print(f"{network}, {signal}, {path.stem}: left out, no such sample has enough events")
    table = Table("network", "over what is lent", *(f"{left:g}" for left in LEFT))
    for network, signals in of_network.items():
        means = [np.mean(trainings, axis=0) for trainings in signals.values()]
        simulated, mixed, lent = np.mean(means, axis=0)[[0, 2, 4]]
        errors = np.sqrt(np.mean(np.square(means), axis=0) / len(means))[[1, 3]]
        for name, value, error in zip(
            ("simulated", "mixed"), (simulated, mixed), errors, strict=True
        ):
            cells = (f"{v:.2f} ± {e:.2f}" for v, e in zip(value, error, strict=True))
            table.add_row(network, name, *cells)
        table.add_row(network, "events lent", *(f"{number:.3g}" for number in lent))
    Console().print(table)


def compared(run: Path, config: Config, network: str, signal: str, seed: int) -> np.ndarray:
    """Return simulated over lent and its error, mixed over lent and its error, and lent [5, 5].

    Where nothing is lent the last is 0 and the others are NaN.
    """
    point, names = config.working_point, {"network": network, "signal": signal, "seed": seed}
    table = run / paths.SCORES.format(variation=paths.NOMINAL, **names)
    scores, mixtures = (
        read_scores(table, by="sample"),
        read_mixed(run / paths.MIXED.format(**names)),
    )
    tails = Tails.find(scores, mixtures, config.tail_from, point)
    adapted = with_mixed_tails(scores, tails.mixed, point.mixing)
    borrowers = [name for shared in tails.lent for name in shared.samples]
    own = tuple(own_tails(run, config, table, scores, borrowers))
    mixed = with_mixed_tails(scores, own, point.mixing)
    whole, rows = tails.put(scores).background, []
    for left in LEFT:
        cut, lent = empirical_threshold(whole, left), 0.0
        for shared in tails.lent:
            lender = adapted.of_process(shared.reference)
            share = lender.above(cut).total / lender.above(shared.start).total
            for tail in own:
                if tail.sample in shared.samples:
                    lent += share * scores.of_process(tail.sample).above(shared.start).total
        simulated, of_own = (
            [events.of_process(tail.sample).above(cut) for tail in own]
            for events in (scores, mixed)
        )
        of_lent = lent or np.nan
        rows.append(
            [
                sum(part.total for part in simulated) / of_lent,
                np.sqrt(sum(part.total_error**2 for part in simulated)) / of_lent,
                sum(part.total for part in of_own) / of_lent,
                # the scale of a mixed tail is known as well as the events at its start
                np.sqrt(
                    sum(part.total_error**2 + part.total**2 / point.mixing.n_eff for part in of_own)
                )
                / of_lent,
                lent,
            ]
        )
    return np.transpose(rows)


def own_tails(
    run: Path, config: Config, table: Path, scores: WeightedSample, samples: list[str]
) -> Iterator[MixedTail]:
    """Yield the tails of samples that have enough effective events, of mixed events of theirs."""
    mixing, origin = config.working_point.mixing, origin_of(table)
    network, signal, seed = table.parts[-3], table.parts[-2], table.stem
    masses = config.trained_on(network, signal)
    folder = run / paths.TRAINING.format(network=network, masses=masses, seed=seed)
    for name in samples:
        if scores.of_process(name).hardest_resolved(mixing.n_eff) is None:
            continue
        data = Dataset(run / paths.DATASET.format(variation=paths.NOMINAL, sample=name))
        folds = [folder / f"fold{fold}" for fold in range(config.dataset.folds)]
        networks = [load(fold, feature_names(data)) for fold in folds]
        frame = mixed_scores(data, table, networks, origin, mixing, "cpu")
        value, weight, error = (frame[n].to_numpy() for n in ("log_odds", "weight", "error"))
        events = WeightedSample.of_classes(value, weight, np.zeros(len(value)))
        yield from find_mixed_tails(scores, {name: replace(events, error=error)}, mixing)


if __name__ == "__main__":
    typer.run(main)

"""What the sampling of multijets is worth: strata and forced splittings against classes alone.

    python -m benchmarks.enrichment RUN --seconds 200

RUN is the folder of a finished run, whose strata of multijets are one side; the other is the
sampling by classes of b quarks alone, with enhanced splittings, in the shares that it needs. Both
are generated, measured and written anew, each for about the given CPU time; reconstruction does not
count. The tables have, per CPU second, the effective number n_eff = (Σw)²/Σw² of tag-weighted
events in a window around each m_H, and of 20 events behind the cut of RUN's networks that leaves
20: n_eff = 20 / w̄ with the mean weight w̄ = Σw²/Σw of the events behind the cut, or, where fewer
than ten pass, behind the hardest cut that ten pass. Weights are at 3000 fb⁻¹.

Two more rows have what RUN's limits are set with, mixed events and shared tails
(docs/statistics.md), per second of one core of its simulation and mixing: n_eff of the table of
limits, and (b / σ)², where σ also has the errors of what the two methods assume. Both are scaled to
20 events.
"""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import awkward as ak
import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from analysis.config.detector import Detector
from analysis.config.reconstruction import Reconstruction
from analysis.config.samples import Sample
from analysis.config.simulation import HeavyFlavour, Simulation
from analysis.datasets.features import kinematic_tokens, tensors
from analysis.delphes.reader import open_delphes
from analysis.detector.detector import simulate
from analysis.detector.layout import open_writer
from analysis.reconstruction.reconstruct import reconstruct
from analysis.simulation.pythia import Generator
from benchmarks.forced_splitting import LUMINOSITY_FB, WINDOW, WINDOW_GEV, tagged
from common.weights import effective_number
from models.training.checkpoint import load
from workflow.pipeline.config import Config
from workflow.pipeline.config import load as load_config
from workflow.pipeline.scoring import crossed

Floats = NDArray[np.float64]
PB = 1000.0
HEAVIEST = 0.02
FEWEST = 10
OLD: dict[str, tuple[Simulation, float]] = {
    f"class {low}–{high}": (
        Simulation(
            pythia=("HardQCD:all = on",),
            events=1,
            pt_hat_min=200.0,
            bias_power=power,
            parton_jet_pt_min=200.0,
            enhancement=enhancement,
            heavy_flavour=HeavyFlavour(min=low, max=high),
        ),
        share,
    )
    for low, high, power, enhancement, share in (
        (0, 1, 4.0, 1.0, 9000),
        (2, 3, 3.0, 1.0, 3000),
        (4, 4, 3.0, 10.0, 8000),
    )
}
"""The sampling by classes alone and the events of each in the default of old, 600 CPU seconds."""
OLD_SECONDS = 600.0


@dataclass(frozen=True)
class Events:
    """Selected events of one way of sampling: what networks read, yields and kinematics.

    Attributes
    ----------
    cpu : float
        CPU time of generation, detector and writing [s].
    inputs : mapping of arrays
    weight : [N]
        Tag-weighted yields.
    masses : [N, 2]
        Of the fat jets [GeV].
    resonance : [N]
        m_JJ [GeV].
    """

    cpu: float
    inputs: Mapping[str, np.ndarray]
    weight: Floats
    masses: Floats
    resonance: Floats

    @classmethod
    def joined(cls, parts: list["Events"]) -> "Events":
        """Return the events of all parts."""
        return cls(
            sum(part.cpu for part in parts),
            {
                name: np.concatenate([part.inputs[name] for part in parts])
                for name in parts[0].inputs
            },
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("weight", "masses", "resonance")
            ),
        )

    def window(self, mass_gev: float) -> Floats:
        """Return the weights in the window around m_H."""
        low, high = WINDOW_GEV
        near = ((self.masses > low) & (self.masses < high)).all(axis=1)
        near &= np.abs(self.resonance / mass_gev - 1) < WINDOW
        return self.weight[near & (self.weight > 0)]


def draw(simulation: Simulation, k_factor: float, seed: int, folder: Path) -> Events:
    """Generate, simulate, write and reconstruct one sample."""
    path = folder / "events.root"
    detector, rng = Detector(), np.random.default_rng(seed)
    start = time.process_time()
    generator = Generator(simulation, seed)
    with open_writer(path, detector.particle_pt_min) as writer:
        for batch in generator.batches():
            writer.write(batch.particles, batch.weight, simulate(batch.particles, detector, rng))
    cpu = time.process_time() - start
    with open_delphes(str(path)) as file:
        table = ak.concatenate([reconstruct(e, Reconstruction())[0] for e in file.steps(1000)])
    norm = generator.normalisation()
    scale = LUMINOSITY_FB * PB * k_factor * norm.cross_section_pb / norm.sum_of_weights
    return Events(
        cpu,
        tensors(table, 50, 6),
        scale * tagged(table),
        np.asarray(table.fatjet.mass, dtype=np.float64),
        kinematic_tokens(table)[:, 2, 0].astype(np.float64),
    )


def multijets(config: Config) -> list[Sample]:
    """Return the simulated samples of multijets."""
    return [s for s in config.backgrounds if s.process == "qcd" and s.simulation]


def seconds_of(run: Path, jobs: str) -> float:
    """Return the time that a run spent on jobs of one thread, such as `simulate/qcd_bb/*`.

    It is their wall time: Snakemake looks at the CPU time now and then, and misses the end.
    """
    files = (run / "results/benchmarks").glob(f"{jobs}.tsv")
    return float(sum(pd.read_csv(path, sep="\t").s.sum() for path in files))


def of_run(run: Path, config: Config, seconds: float, folder: Path) -> Events:
    """Return events of the run's multijet strata, together for about `seconds`."""
    samples = multijets(config)
    times = {s.name: seconds_of(run, f"simulate/{s.name}/*") for s in samples}
    part = seconds / sum(times.values())
    drawn = []
    for sample in samples:
        block = config.simulation(sample.name)
        events = max(int(part * block.events * block.chunks), 20)
        block = block.model_copy(update={"events": events})
        drawn.append(draw(block, sample.k_factor, config.seed + 1, folder))
        print(f"{sample.name}: {events} events, {drawn[-1].cpu:.0f} CPU s", flush=True)
    return Events.joined(drawn)


def of_old(seconds: float, seed: int, folder: Path) -> Events:
    """Return events sampled by classes alone, together for about `seconds`."""
    drawn = []
    for name, (block, share) in OLD.items():
        events = max(int(seconds / OLD_SECONDS * share), 20)
        drawn.append(draw(block.model_copy(update={"events": events}), 1.0, seed, folder))
        print(f"{name}: {events} events, {drawn[-1].cpu:.0f} CPU s", flush=True)
    return Events.joined(drawn)


def mean_weight(weight: Floats, odds: Floats, cut: float) -> tuple[float, int]:
    """Return Σw²/Σw of the events behind a cut, or of the first ten, and how many pass the cut."""
    real = weight > 0
    weight, odds = weight[real], odds[real]
    number = int((odds >= cut).sum())
    chosen = np.argsort(-odds)[: max(number, FEWEST)]
    return float(np.sum(weight[chosen] ** 2) / weight[chosen].sum()), number


def in_limit(found: Mapping[str, float]) -> dict[str, float]:
    """Return n_eff of a row of the table of limits, and (b / σ)² with the errors of its methods."""
    errors = [found[f"sigma_b_{part}"] for part in ("statistical", "tail", "shared", "assumed")]
    return {
        "limit": found["n_eff"],
        "limit, (b / σ)²": found["b_expected"] ** 2 / sum(error**2 for error in errors),
    }


def heaviest(weight: Floats) -> float:
    """Return the share of Σw² that the 2% largest weights carry."""
    ordered = np.sort(weight)[::-1] ** 2
    return float(ordered[: max(int(HEAVIEST * len(ordered)), 1)].sum() / ordered.sum())


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    seconds: Annotated[float, typer.Option(help="CPU time of each side [s].")] = 200.0,
) -> None:
    """Print both tables."""
    config = load_config([run / "config.yaml"])
    with tempfile.TemporaryDirectory() as folder:
        sides = {
            "classes": of_old(seconds, config.seed + 1, Path(folder)),
            "strata": of_run(run, config, seconds, Path(folder)),
        }
    print(
        "\n| m_H | sampling | events in the window | yield | n_eff | per CPU s | "
        "2% heaviest: share of Σw² |\n|---|---|---|---|---|---|---|"
    )
    for signal in config.signals:
        assert signal.mass_gev is not None
        for name, side in sides.items():
            weight = side.window(signal.mass_gev)
            if not len(weight):
                continue
            error = np.sqrt(np.sum(weight**2))
            number = effective_number(weight)
            print(
                f"| {signal.mass_gev:g} | {name} | {len(weight)} | {weight.sum():.3g} ± "
                f"{error:.2g} | {number:.1f} | {number / side.cpu:.3g} | "
                f"{heaviest(weight):.2f} |"
            )
    print(
        "\n| network, m_H, seed | sampling | events behind | w̄ | n_eff of 20 events per CPU s | "
        "ratio |\n|---|---|---|---|---|---|"
    )
    limits = pd.read_csv(run / "results/limits.csv")
    simulated = sum(seconds_of(run, f"simulate/{s.name}/*") for s in multijets(config))
    for found in limits.itertuples():
        signal = next(s for s in config.signals if s.mass_gev == found.mass_gev)
        stem = config.trained_on(str(found.network), signal.name)
        folder_of = run / f"results/models/{found.network}/{stem}/{found.seed}"
        models = [load(folder_of / f"fold{k}") for k in range(config.dataset.folds)]
        row = f"{found.network}, {found.mass_gev:g}, {found.seed}"
        rates = []
        for name, side in sides.items():
            fold = np.arange(len(side.weight)) % len(models)
            odds = crossed(models, dict(side.inputs), fold, (float(found.mass_gev),), "cpu")[0]
            mean, number = mean_weight(side.weight, odds, float(found.threshold_log_odds))
            rates.append(20 / mean / side.cpu)
            print(
                f"| {row} | {name} | {number} | {mean:.3g} | {rates[-1]:.3g} | "
                f"{rates[-1] / rates[0]:.3g} |"
            )
        spent = simulated + seconds_of(run, f"mix/{found.network}/{stem}/{found.seed}")
        for name, number in in_limit(found._asdict()).items():
            rate = 20 / float(found.b_expected) * number / spent
            print(f"| {row} | {name} | {found.b_raw} | | {rate:.3g} | {rate / rates[0]:.3g} |")


if __name__ == "__main__":
    typer.run(main)

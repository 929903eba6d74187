"""What each way of sampling QCD multijets is worth, and whether they agree.

    python -m benchmarks.enrichment --seconds 60

Every row generates, simulates and writes events for about the given CPU time, reconstructs them
with the default selection and weights them with the tag rates of the two leading subjets of both
fat jets. n_eff = (Σw)²/Σw² of those weights is what a limit can be set with. Generation, detector
and writing count as CPU time; the reconstruction does not. Below, the closure: the classes of heavy
flavour together against the sample with p̂_T bias alone, in every distribution the analysis uses.
"""

import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import awkward as ak
import numpy as np
import typer
from numpy.typing import NDArray
from scipy.stats import chi2

from analysis.btagging import subjet_efficiencies
from analysis.config.detector import Detector
from analysis.config.reconstruction import Reconstruction
from analysis.config.simulation import HeavyFlavour, Simulation
from analysis.config.statistics import TagEfficiency
from analysis.delphes import open_delphes
from analysis.reconstruction import reconstruct
from analysis.simulation.detector import simulate
from analysis.simulation.layout import open_writer
from analysis.simulation.pythia import Generator

Floats = NDArray[np.float64]
LUMINOSITY_PB = 3e6
QCD = ("HardQCD:all = on",)
HIGH_HT = 800.0
BIASED: dict[str, Any] = {"pt_hat_min": 200.0, "bias_power": 4.0}
LESS_BIASED: dict[str, Any] = {"pt_hat_min": 200.0, "bias_power": 3.0}
UNWEIGHTED, BIAS_ONLY = "plain, p̂T > 200 GeV", "p̂T bias"
PLANS: dict[str, tuple[dict[str, Any], float]] = {
    UNWEIGHTED: ({"pt_hat_min": 200.0}, 0.009),
    BIAS_ONLY: (BIASED, 0.010),
    "p̂T bias, g → bb̄ × 5": (BIASED | {"enhancement": 5.0}, 0.012),
    "p̂T bias, g → bb̄ × 50": (BIASED | {"enhancement": 50.0}, 0.015),
    "class 0–3": (LESS_BIASED | {"heavy_flavour": HeavyFlavour(max=3)}, 0.0095),
    "class 4": (LESS_BIASED | {"heavy_flavour": HeavyFlavour(min=4)}, 2.0),
    "class 4, g → bb̄ × 5": (
        LESS_BIASED | {"enhancement": 5.0, "heavy_flavour": HeavyFlavour(min=4)}, 0.12
    ),
    "class 4, g → bb̄ × 10": (
        LESS_BIASED | {"enhancement": 10.0, "heavy_flavour": HeavyFlavour(min=4)}, 0.05
    ),
    "class 4, g → bb̄ × 20": (
        LESS_BIASED | {"enhancement": 20.0, "heavy_flavour": HeavyFlavour(min=4)}, 0.025
    ),
}  # fmt: skip
CLASSES = ("class 0–3", "class 4, g → bb̄ × 10")


@dataclass(frozen=True)
class Sample:
    """Selected events of one way of sampling, their yields at 3000 fb⁻¹, and the CPU time."""

    generated: int
    kept: int
    cpu: float
    table: ak.Array
    weight: Floats
    tagged: Floats

    @property
    def ht(self) -> Floats:
        """Sum of pT of the two fat jets [GeV]."""
        return ak.to_numpy(ak.sum(self.table.fatjet.pt, axis=1))


def draw(simulation: Simulation, seed: int, folder: Path) -> Sample:
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
    scale = LUMINOSITY_PB * norm.cross_section_pb / norm.sum_of_weights
    weight = scale * ak.to_numpy(table.generator_weight)
    flavour = ak.fill_none(ak.pad_none(table.subjet.flavour, 2, axis=2, clip=True), -1)
    tags = subjet_efficiencies(np.array(flavour.to_list()).reshape(-1, 4), TagEfficiency())
    return Sample(norm.generated, norm.events, cpu, table, weight, weight * tags.prod(axis=1))


def n_eff(weight: Floats) -> float:
    """Return (Σw)²/Σw², 0 without events."""
    return float(weight.sum() ** 2 / np.sum(weight**2)) if weight.any() else 0.0


def expected_n_eff(unweighted: Sample, truth: list[Sample]) -> float:
    """Return the n_eff that a sample of equal weights W has on average: (Σwt)² / (W Σwt²).

    A small sample without the rare events that carry the yield overstates its own n_eff; a richer
    one of the same process, with weights w and tag weights t, tells what is to be expected.
    """
    total = sum(float(s.tagged.sum()) for s in truth)
    square = sum(float(np.sum(s.tagged**2 / s.weight)) for s in truth)
    return total**2 / (float(unweighted.weight[0]) * square)


def show(name: str, samples: list[Sample]) -> None:
    """Print one line of the table: one sample, or several that make one process together."""
    tagged, ht = (np.concatenate([getattr(s, k) for s in samples]) for k in ("tagged", "ht"))
    cpu = sum(s.cpu for s in samples)
    high = tagged[ht > HIGH_HT]
    print(
        f"| {name} | {sum(s.generated for s in samples)} | {sum(s.kept for s in samples)} | "
        f"{len(tagged)} | {cpu:.0f} | {tagged.sum():.3g} ± {np.sqrt(np.sum(tagged**2)):.2g} | "
        f"{n_eff(tagged):.1f} | {60 * n_eff(tagged) / cpu:.1f} | {60 * n_eff(high) / cpu:.1f} |",
        flush=True,
    )


def closure(plain: Sample, classes: list[Sample]) -> None:
    """Print χ² between the plain sample and the classes, for every distribution."""
    columns = {
        "fat-jet pT": (lambda t: t.fatjet.pt, np.linspace(250, 1000, 11)),
        "fat-jet mass": (lambda t: t.fatjet.mass, np.linspace(50, 300, 11)),
        "fat-jet η": (lambda t: t.fatjet.eta, np.linspace(-2, 2, 9)),
        "θ": (lambda t: t.fatjet.theta, np.linspace(-np.pi / 2, np.pi / 2, 9)),
        "constituents": (lambda t: t.fatjet.multiplicity, np.linspace(10, 130, 11)),
        "constituent pT": (lambda t: t.constituent.pt[:, :, 0], np.linspace(0, 200, 11)),
        "subjets": (lambda t: ak.num(t.subjet, axis=2), np.arange(0.5, 7)),
        "leading subjet pT": (lambda t: ak.firsts(t.subjet.pt, axis=2), np.linspace(50, 600, 11)),
        "b hadrons": (lambda t: t.b_hadrons, np.arange(-0.5, 5)),
    }
    print("\n| distribution | χ² / bins | p |\n|---|---|---|")
    for name, (column, edges) in columns.items():
        found = []
        for samples in ([plain], classes):
            counts, variance = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
            for sample in samples:
                # both jets of an event go into one histogram: their weights are one number
                values = np.asarray(ak.to_list(ak.fill_none(column(sample.table), -1e9)))
                per_jet = values.reshape(len(sample.weight), -1)
                inside = np.stack(
                    [(per_jet >= low) & (per_jet < high) for low, high in pairwise(edges)]
                ).sum(axis=2)  # [bin, event]
                counts += inside @ sample.weight
                variance += inside**2 @ sample.weight**2
            found.append((counts, variance))
        (a, va), (b, vb) = found
        use = (va > 0) & (vb > 0)
        value = np.sum((a - b)[use] ** 2 / (va + vb)[use])
        print(f"| {name} | {value:.1f} / {use.sum()} | {chi2.sf(value, use.sum()):.2f} |")


def main(
    seconds: Annotated[float, typer.Option(help="CPU time per row [s].")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed.")] = 1,
) -> None:
    """Print the table of n_eff and the closure."""
    print(
        "| sampling | generated | kept | selected | CPU s | tagged yield | n_eff "
        f"| n_eff per CPU minute | and HT > {HIGH_HT:.0f} GeV |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    samples = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (options, cost) in PLANS.items():
            simulation = Simulation(pythia=QCD, events=max(int(seconds / cost), 20), **options)
            samples[name] = draw(simulation, seed, Path(folder))
            show(name, [samples[name]])
    classes = [samples[name] for name in CLASSES]
    show(" and ".join(CLASSES), classes)
    true_rate = expected_n_eff(samples[UNWEIGHTED], classes) * 60 / samples[UNWEIGHTED].cpu
    print(f"\nn_eff per CPU minute that {UNWEIGHTED} has in truth: {true_rate:.3f}")
    closure(samples[BIAS_ONLY], classes)


if __name__ == "__main__":
    typer.run(main)

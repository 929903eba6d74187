"""What each way of sampling QCD multijets is worth: effective tagged events per CPU second.

    python -m benchmarks.enrichment --seconds 60

Every row generates, simulates and writes events for about the given CPU time, reconstructs them
with the default selection and weights them with the tag rates of the two leading subjets of both
fat jets. n_eff = (Σw)²/Σw² of those weights is what a limit can be set with. Generation, detector
and writing count as CPU time; the reconstruction does not.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import awkward as ak
import numpy as np
import typer

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

LUMINOSITY_PB = 3e6
QCD = ("HardQCD:all = on",)


@dataclass(frozen=True)
class Row:
    """Tagged yield of one sample, its variance, and the CPU time it took."""

    name: str
    events: int
    selected: int
    cpu: float
    tagged: float
    variance: float

    @property
    def n_eff(self) -> float:
        """Effective number of tagged events."""
        return self.tagged**2 / self.variance if self.variance else 0.0


def measure(name: str, simulation: Simulation, seed: int, folder: Path) -> Row:
    """Return the row of one way of sampling."""
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
    weight = table.generator_weight * LUMINOSITY_PB * norm.cross_section_pb / norm.sum_of_weights
    flavour = ak.fill_none(ak.pad_none(table.subjet.flavour, 2, axis=2, clip=True), -1)
    flavour = np.array(flavour.tolist()).reshape(-1, 4)
    tags = subjet_efficiencies(flavour, TagEfficiency()).prod(axis=1)
    tagged = ak.to_numpy(weight) * tags
    return Row(name, norm.events, len(table), cpu, tagged.sum(), np.sum(tagged**2))


def combine(name: str, rows: list[Row]) -> Row:
    """Return the sum of samples that together make one process."""
    return Row(
        name, *(sum(getattr(row, f) for row in rows) for f in
        ("events", "selected", "cpu", "tagged", "variance"))
    )  # fmt: skip


def show(row: Row) -> None:
    """Print one line of the table."""
    print(
        f"| {row.name} | {row.events} | {row.selected} | {row.cpu:.0f} | {row.tagged:.3g} ± "
        f"{np.sqrt(row.variance):.2g} | {row.n_eff:.2f} | {60 * row.n_eff / row.cpu:.2f} |",
        flush=True,
    )


def main(
    seconds: Annotated[float, typer.Option(help="CPU time per row [s].")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed.")] = 1,
    scale: Annotated[float, typer.Option(help="Scale of the heavy-flavour classes [GeV].")] = 10.0,
) -> None:
    """Print the table."""
    print("| sampling | events | selected | CPU s | tagged yield | n_eff | n_eff per CPU minute |")
    print("|---|---|---|---|---|---|---|")

    def classes(low: int, high: int | None) -> dict[str, HeavyFlavour]:
        return {"heavy_flavour": HeavyFlavour(min=low, max=high, scale_gev=scale)}

    biased = {"pt_hat_min": 200.0, "bias_power": 4.0}
    plans: dict[str, tuple[dict, float]] = {
        "plain, p̂T > 200 GeV": ({"pt_hat_min": 200.0}, 0.010),
        "p̂T bias": (biased, 0.011),
        "and g → bb̄ × 5": (biased | {"enhancement": 5.0}, 0.012),
        "and g → bb̄ × 50": (biased | {"enhancement": 50.0}, 0.015),
        "0–1 b": (biased | classes(0, 1), 0.012),
        "2–3 b, × 5": (biased | classes(2, 3) | {"enhancement": 5.0}, 0.013),
        "≥ 4 b, × 5": (biased | classes(4, None) | {"enhancement": 5.0}, 0.017),
    }
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (options, cost) in plans.items():
            simulation = Simulation(pythia=QCD, events=max(int(seconds / cost), 20), **options)
            rows[name] = measure(name, simulation, seed, Path(folder))
            show(rows[name])
    show(combine("three classes together", [rows[name] for name in list(plans)[-3:]]))


if __name__ == "__main__":
    typer.run(main)

"""CPU time of the simulation, stage by stage.

    python -m benchmarks.simulation --events 500

Prints milliseconds of CPU time per event for generation, detector and writing. Delphes 3.5.1 with
the same card makes about 90 events per second of the last two stages on one core.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from analysis.config.detector import Detector
from analysis.config.simulation import HeavyFlavour, Simulation
from analysis.detector.detector import simulate
from analysis.detector.layout import open_writer
from analysis.simulation.pythia import Generator

SIGNAL = (
    "Higgs:useBSM = on", "HiggsBSM:gg2H2 = on", "35:m0 = {mass_gev}", "35:mWidth = 1.",
    "35:doForceWidth = on", "35:onMode = off", "35:onIfMatch = 25 25", "25:m0 = 125.",
    "25:onMode = off", "25:onIfMatch = 5 -5",
)  # fmt: skip
TTBAR = (
    "Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "24:onMode = off", "24:onIfAny = 1 2 3 4 5",
)  # fmt: skip
QCD = ("HardQCD:all = on",)


class Clock:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the CPU time of the body to a stage."""
        start = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start


def measure(simulation: Simulation, detector: Detector, seed: int, path: Path) -> Clock:
    """Return the CPU time that one sample takes."""
    clock, rng = Clock(), np.random.default_rng(seed)
    with clock.stage("start"):
        generator = Generator(simulation, seed)
        batches = iter(generator.batches(100))
    with open_writer(path, detector.particle_pt_min) as writer:
        while True:
            with clock.stage("generation"):
                batch = next(batches, None)
            if batch is None:
                return clock
            with clock.stage("detector"):
                response = simulate(batch.particles, detector, rng)
            with clock.stage("writing"):
                writer.write(batch.particles, batch.weight, response)


def main(
    events: Annotated[int, typer.Option(help="Events per sample.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed.")] = 1,
) -> None:
    """Print the table."""
    biased = {"pt_hat_min": 200.0, "bias_power": 3.0}
    samples = {
        "signal, 1000 GeV": Simulation(pythia=SIGNAL, mass_gev=1000.0, events=events),
        "tt̄": Simulation(pythia=TTBAR, pt_hat_min=200.0, events=events),
        "QCD, class 0–3": Simulation(
            pythia=QCD, events=events, heavy_flavour=HeavyFlavour(max=3), **biased
        ),
        "QCD, class 4": Simulation(
            pythia=QCD, events=events, enhancement=10.0, heavy_flavour=HeavyFlavour(min=4), **biased
        ),
    }
    print(
        "| sample | start [s] | generation [ms] | detector [ms] | writing [ms] "
        "| detector + writing [events/s] |"
    )
    print("|---|---|---|---|---|---|")
    for name, simulation in samples.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.root"
            if name == next(iter(samples)):
                measure(simulation.model_copy(update={"events": 50}), Detector(), seed, path)
            spent = measure(simulation, Detector(), seed, path).seconds
        per_event = {stage: 1e3 * spent[stage] / events for stage in spent}
        rate = 1e3 / (per_event["detector"] + per_event["writing"])
        print(
            f"| {name} | {spent['start']:.1f} | {per_event['generation']:.1f} | "
            f"{per_event['detector']:.2f} | {per_event['writing']:.2f} | {rate:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    typer.run(main)

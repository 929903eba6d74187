"""What CONTRIBUTING promises: a new figure takes six places, a built-in network three."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import call_snakemake
from tests.workflow.plans import planned

FIGURE = {
    "analysis/figures/multiplicity.py": '''
"""Constituents of the fat jets."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from analysis.figures.style import add_label, styled


@styled
def multiplicity_plot(counts: Sequence[int]) -> Figure:
    """Draw how many constituents the jets have."""
    figure = Figure(figsize=(6, 4))
    ax = figure.subplots()
    ax.hist(counts, bins=20)
    ax.set_xlabel("constituents")
    add_label(ax)
    return figure
''',
    "workflow/scripts/multiplicity.py": '''
"""Rule multiplicity: the constituents of the fat jets of one sample."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from analysis.datasets.dataset import Dataset
from analysis.figures.multiplicity import multiplicity_plot
from analysis.figures.style import save
from common.tables import write_csv
from workflow.pipeline.cli import run


def main(
    dataset: Annotated[Path, Argument(help="Dataset of the sample.")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Count the constituents."""
    mask = Dataset(dataset).rows(slice(None), ("constituent_mask",))["constituent_mask"]
    counts = mask.sum(axis=-1).ravel().tolist()
    rows = [{"jet": number, "constituents": count} for number, count in enumerate(counts)]
    write_csv(rows, output.with_suffix(".csv"), ("jet",))
    save(multiplicity_plot(counts), output)


if __name__ == "__main__":
    run(main)
''',
    "workflow/rules/figures.smk": '''

rule multiplicity:
    """Count the constituents of the fat jets of one sample."""
    input:
        paths.nominal(paths.DATASET),
    output:
        **figure(paths.MULTIPLICITY),
    log:
        paths.log("multiplicity", "{sample}"),
    benchmark:
        paths.benchmark("multiplicity", "{sample}")
    conda:
        "../../envs/boosted-hh4b.yaml"
    params:
        **params("multiplicity"),
    shell:
        call("multiplicity", "{input:q} --output {output.image:q}")
''',
    "workflow/pipeline/paths.py": (
        "JET_IMAGES =",
        'MULTIPLICITY = "results/figures/multiplicity_{sample}"\n',
    ),
    "workflow/pipeline/figures.py": (
        "    Kind(paths.JET_IMAGES,",
        '    Kind(paths.MULTIPLICITY, "Events", "Constituents of {sample}", "multiplicity"),\n',
    ),
    "workflow/report/multiplicity.rst": "The number of constituents of each fat jet.\n",
}
"""Text of a new file or to add at the end of one; or where to insert it, and what."""

NETWORK = {
    "models/networks/mean_momentum.py": '''
"""A linear network of the mean kinematic token."""

from typing import Any

from torch import Tensor, nn

from models.config.specs import Features
from models.networks.batch import Batch
from models.networks.inputs import KinematicsInput


class MeanMomentumNetwork(nn.Module):
    """One linear layer on the mean of the kinematic tokens."""

    def __init__(self, spec: Any, features: Features) -> None:
        super().__init__()
        self.tokens = KinematicsInput("relative", spec.use_theta, features)
        self.out = nn.Linear(self.tokens.size, 2)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, 2]."""
        return self.out(self.tokens(batch).mean(dim=1))
''',
    "models/config/specs.py": [
        (
            "class Custom(Network):",
            '''class MeanMomentum(Network):
    """The mean of the kinematic tokens."""

    architecture: Literal["mean_momentum"] = Field(
        "mean_momentum", description="Name of the architecture."
    )
    use_theta: bool = Field(True, description="Whether it is told θ.")


''',
        ),
        ("    | Custom,", "    | MeanMomentum\n"),
    ],
    "models/networks/registry.py": (
        '    "jet_tagger":',
        '    "mean_momentum": "models.networks.mean_momentum:MeanMomentumNetwork",\n',
    ),
}


def add(places: dict[str, Any], sources: Path) -> None:
    """Write what an addition needs into a copy of the sources."""
    for name, change in places.items():
        path = sources / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if isinstance(change, str):
            text += change
        for where, what in {str: [], tuple: [change], list: change}[type(change)]:
            assert text.count(where) == 1, f"{name} has no {where!r}"
            text = text.replace(where, what + where)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def sources(project: Path, tmp_path: Path) -> Path:
    """A copy of the project's sources of this test's own."""
    return Path(shutil.copytree(project, tmp_path / "sources"))


def changed(sources: Path, project: Path) -> set[str]:
    """Return the files in which two copies of the sources differ."""
    contents = [
        {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        for folder in (sources, project)
    ]
    return {name for name, _ in contents[0].items() ^ contents[1].items()}


def test_a_figure_takes_six_places(
    project: Path, finished: Path, sources: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    add(FIGURE, sources)
    assert len(changed(sources, project)) <= 6
    assert planned(finished, config, sources / "Snakefile") == Counter(multiplicity=2, page=1)
    folder = Path(shutil.copytree(finished, tmp_path / "run", symlinks=True))
    run = call_snakemake(folder, config, snakefile=sources / "Snakefile")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "qcd: Count the constituents of the fat jets of one sample" in run.stdout + run.stderr
    page = (folder / "results/index.html").read_text(encoding="utf-8")
    assert "Constituents of qcd" in page
    assert "The number of constituents of each fat jet." in page


def test_a_built_in_network_takes_three_places(
    project: Path, finished: Path, sources: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    add(NETWORK, sources)
    assert len(changed(sources, project)) <= 3
    network = {"name": "mine", "architecture": "mean_momentum"}
    with_it = {**config, "networks": [*config["networks"], network]}
    assert planned(finished, with_it, sources / "Snakefile")["train"] == 6
    folder = Path(shutil.copytree(finished, tmp_path / "run", symlinks=True))
    target = "results/metrics/mine/signal_mH1000/1.json"
    run = call_snakemake(folder, with_it, target, snakefile=sources / "Snakefile")
    assert run.returncode == 0, run.stdout + run.stderr
    assert (folder / target).exists()

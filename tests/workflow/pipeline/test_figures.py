"""What stands where on the page, in the report and among the products of a run."""

from pathlib import Path
from typing import get_args

import pytest

from models.config.views import View
from tests.conftest import ROOT
from workflow.pipeline import paths
from workflow.pipeline.figures import FOLDER, KINDS, OWN_TABLE, VIEW_TITLES, Kind, figure, kind_of
from workflow.reporting.figures import CAPTIONS


def test_figure_is_png_pdf_and_its_own_numbers() -> None:
    files = figure(paths.CALIBRATION_FIGURE)
    suffixes = {"image": "png", "vector": "pdf", "table": "csv"}
    assert files == {n: f"results/figures/calibration_{{signal}}.{s}" for n, s in suffixes.items()}
    said = files["image"].flags["report"]
    assert said.labels == {"signal": "{signal}"}
    assert (said.caption, said.category) == ("../report/calibration.rst", "Networks")
    assert set(figure(paths.LIMITS_FIGURE)) == {"image", "vector"}


def test_fixed_wildcard_is_filled_in_and_told() -> None:
    files = figure(paths.INTERPRETATION_FIGURE, view="grad_cam")
    assert files["vector"].endswith("/{network}/{signal}/{seed}/grad_cam.pdf")
    labels = files["image"].flags["report"].labels
    assert labels == {
        "network": "{network}",
        "signal": "{signal}",
        "seed": "{seed}",
        "view": "grad cam",
    }
    assert "{kind}" in figure(paths.DEPENDENCE_FIGURE)["vector"]


@pytest.mark.parametrize(
    ("path", "title", "parts"),
    [
        ("limits", "Limits against m_H", {}),
        ("background_events_s_1", "Limit against background events kept", {"signal": "s_1"}),
        ("jets_top", "Taggers of single fat jets", {"task": "top"}),
        ("interpretation/a/b/1/gates", "Gates", {"network": "a", "signal": "b", "seed": "1"}),
        ("distributions/pt", "{variable}", {"variable": "pt"}),
    ],
)
def test_figure_is_of_one_kind(path: str, title: str, parts: dict[str, str]) -> None:
    fitting = [kind for kind in KINDS if kind.match(f"{FOLDER}{path}")]
    assert len(fitting) == 1
    assert fitting[0].title.startswith(title)
    match = fitting[0].match(f"{FOLDER}{path}")
    assert match is not None
    assert match.groupdict() == parts


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.title)
def test_kind_is_whole(kind: Kind) -> None:
    assert (CAPTIONS / f"{kind.caption}.rst").is_file()
    assert kind.title.format(**dict.fromkeys(kind.wildcards, "x"))
    assert kind.table == OWN_TABLE or Path(kind.table).suffix == ".csv"
    assert kind_of(kind.template, **kind.fixed) is kind


def test_every_caption_and_view_is_used() -> None:
    captions = {path.stem for path in (ROOT / "workflow/report").glob("*.rst")}
    assert captions == {kind.caption for kind in KINDS}
    assert set(VIEW_TITLES) == set(get_args(View))


def test_caption_says_which_weights_a_figure_of_datasets_has() -> None:
    scripts = {kind.caption: ROOT / f"workflow/scripts/{kind.caption}.py" for kind in KINDS}
    tagged = [
        caption
        for caption, path in scripts.items()
        if path.is_file() and "tagged_weight(columns)[:, 0]" in path.read_text(encoding="utf-8")
    ]
    assert "jet_images" in tagged
    for caption in tagged:
        said = " ".join((CAPTIONS / f"{caption}.rst").read_text(encoding="utf-8").split())
        assert "after b tags" in said or caption == "event_display"
        assert "before b tags" not in said

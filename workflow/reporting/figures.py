"""Figures of the page: which section they belong to, what they say, and the pixels inline."""

import base64
import os
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.config.views import View
from workflow.pipeline import paths
from workflow.pipeline.provenance import ROOT

FIGURES = Path("results/figures")
CAPTIONS = ROOT / "workflow" / "report"
OWN_TABLE = "own"


@dataclass(frozen=True)
class Kind:
    """Figures of one kind.

    Attributes
    ----------
    pattern : str
        Regular expression of their path below `results/figures/`, without suffix.
    section, title : str
        Where they stand and their name; `{0}` is the pattern's first group.
    caption : str
        File in `workflow/report/`, which `snakemake --report` shows too.
    table : str
        Path of their numbers; `OWN_TABLE` is the CSV file beside the figure.
    """

    pattern: str
    section: str
    title: str
    caption: str = ""
    table: str = ""


VIEW_TITLES: dict[View, str] = {
    "attention": "Attention on average",
    "attention_events": "Attention of single events",
    "grad_cam": "Grad-CAM",
    "similarity": "Similarity of layers",
    "gates": "Gates of the differential attention",
    "permutation": "Shuffled inputs",
}
"""Titles of what networks look at."""

KINDS = (
    Kind("limits", "Limits", "Limits against m_H", "limits.rst", paths.LIMITS_SUMMARY),
    Kind("cls_(.*)", "Limits", "CLs limits and their bands, {0}", "cls.rst", paths.LIMITS_TABLE),
    Kind(
        "background_events_(.*)",
        "Limits",
        "Limit against background events kept, {0}",
        "dependence.rst",
        paths.WORKING_POINT_SCAN,
    ),
    Kind(
        "luminosity_(.*)",
        "Limits",
        "Limit against luminosity, {0}",
        "dependence.rst",
        paths.PROJECTION_TABLE,
    ),
    Kind(
        "sample_size_(.*)",
        "Limits",
        "Limit against simulated background, {0}",
        "dependence.rst",
        paths.PROJECTION_TABLE,
    ),
    Kind("roc_(.*)", "Networks", "ROC curves, {0}", "roc.rst", paths.METRICS_TABLE),
    Kind("ratios_(.*)", "Networks", "Ratios of rejections, {0}", "ratios.rst", OWN_TABLE),
    Kind("calibration_(.*)", "Networks", "Calibration, {0}", "calibration.rst", OWN_TABLE),
    Kind("training_(.*)", "Training", "Learning curves, {0}", "training.rst", OWN_TABLE),
    Kind("jets_(.*)", "Jets", "Taggers of single fat jets, {0}", "jets.rst", OWN_TABLE),
    Kind("event_(.*)", "Events", "An event of {0}", "event_display.rst", OWN_TABLE),
    Kind(
        "n_minus_one",
        "Events",
        "What each cut removes beyond the others",
        "n_minus_one.rst",
        paths.N_MINUS_ONE_TABLE,
    ),
    Kind("jet_images", "Events", "Jet images", "jet_images.rst", OWN_TABLE),
    Kind(
        "theta_correlation",
        "Events",
        "What the orientation angle has to do with the rest",
        "theta_correlation.rst",
        OWN_TABLE,
    ),
    *(
        Kind(
            rf"interpretation/(.*)/(.*)/(\d+)/{view}",
            "Interpretation",
            f"{title}, {{0}}, {{1}}, seed {{2}}",
            f"{view}.rst",
            OWN_TABLE,
        )
        for view, title in VIEW_TITLES.items()
    ),
    Kind(
        "distributions/(.*)", "Distributions", "{0}", "distributions.rst", paths.DISTRIBUTIONS_TABLE
    ),
    Kind("(.*)", "More figures", "{0}", table=OWN_TABLE),
)
"""In the order of the page; a figure is of the first kind that fits."""


@dataclass(frozen=True)
class Picture:
    """One figure: its image is inline, its links are relative to the page."""

    section: str
    title: str
    caption: str
    image: str
    pdf: str
    table: str
    wide: bool


def pictures(found: Iterable[Path], folder: Path) -> list[Picture]:
    """Return the figures in the order of `KINDS`.

    Parameters
    ----------
    found : iterable of Path
        PNG files, and folders that hold some, in the folder of figures; anything else is left out.
    folder : Path
        The folder of the run; the page stands in its `results/`.
    """
    own = [entry for entry in found if (folder / FIGURES).resolve() in entry.resolve().parents]
    files = [path for entry in own for path in _images(entry)]
    pairs = [(_kind(_name(path, folder)), path) for path in dict.fromkeys(files)]
    pairs.sort(key=lambda pair: pair[0])
    return [_picture(KINDS[index], path, folder) for index, path in pairs]


def _images(entry: Path) -> Sequence[Path]:
    if entry.is_dir():
        return sorted(entry.glob("*.png"))
    return [entry] if entry.suffix == ".png" else []


def _name(path: Path, folder: Path) -> str:
    """Return the path below the folder of figures, without suffix."""
    return Path(os.path.relpath(path, folder / FIGURES)).with_suffix("").as_posix()


def _kind(name: str) -> int:
    return next(n for n, kind in enumerate(KINDS) if re.fullmatch(kind.pattern, name))


def _picture(kind: Kind, path: Path, folder: Path) -> Picture:
    match = re.fullmatch(kind.pattern, _name(path, folder))
    parts = match.groups() if match else ()
    table = path.with_suffix(".csv") if kind.table == OWN_TABLE else folder / kind.table
    caption = (CAPTIONS / kind.caption).read_text(encoding="utf-8") if kind.caption else ""
    return Picture(
        kind.section,
        kind.title.format(*(part.replace("_", " ") for part in parts)),
        " ".join(caption.split()),
        f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}",
        link(path.with_suffix(".pdf"), folder),
        link(table, folder),
        _is_wide(path),
    )


def _is_wide(path: Path) -> bool:
    """Return whether a PNG is so much wider than high that it wants the width of two."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return bool(width > 1.5 * height)


def link(path: Path, folder: Path) -> str:
    """Return the link from the page to a file, or nothing where there is no such file."""
    page = folder / Path(paths.PAGE).parent
    return Path(os.path.relpath(path, page)).as_posix() if path.is_file() else ""

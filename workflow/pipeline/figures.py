"""The figures of a run: where each stands, on the page and in the report, and what it says.

A figure stands here once. The rule that draws it, the products of a run, the page and the report of
Snakemake read it from here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from snakemake.io import directory, report

from models.config.views import View
from workflow.pipeline import paths

OWN_TABLE = "own"
FOLDER = "results/figures/"

DEPENDENCES = {
    "background_events": ("background events kept", paths.WORKING_POINT_SCAN),
    "luminosity": ("luminosity", paths.PROJECTION_TABLE),
    "sample_size": ("size of the simulated samples", paths.PROJECTION_TABLE),
}
"""What the limit is drawn against: in words, and the table that knows it."""

VIEW_TITLES: dict[View, str] = {
    "attention": "Attention on average",
    "attention_events": "Attention of single events",
    "grad_cam": "Grad-CAM",
    "similarity": "Similarity of layers",
    "gates": "Gates of the differential attention",
    "permutation": "Shuffled inputs",
}
"""Titles of what networks look at."""


@dataclass(frozen=True)
class Kind:
    """Figures of one kind.

    Attributes
    ----------
    template : str
        Their path without suffix, with wildcards; from `workflow.pipeline.paths`.
    section, title : str
        Where they stand and their name, with the same wildcards.
    caption : str
        Name of a file in `workflow/report/`; none if empty.
    table : str
        Path of their numbers; `OWN_TABLE` is the CSV file beside the figure.
    fixed : mapping
        Wildcards of the template that have one value in this kind.
    """

    template: str
    section: str
    title: str
    caption: str = ""
    table: str = OWN_TABLE
    fixed: Mapping[str, str] = field(default_factory=dict)

    @property
    def wildcards(self) -> list[str]:
        """Names of the wildcards that are not fixed."""
        return [name for name in re.findall(r"{(\w+)}", self.template) if name not in self.fixed]

    def match(self, path: str) -> re.Match[str] | None:
        """Return the match of a path without suffix, or None; its groups are the wildcards."""
        pattern = re.escape(_filled(self.template, self.fixed))
        for name in self.wildcards:
            values = r"\d+" if name == "seed" else ".*"
            pattern = pattern.replace(rf"\{{{name}\}}", f"(?P<{name}>{values})")
        return re.fullmatch(pattern, path)


def _filled(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


KINDS = (
    Kind(paths.LIMITS_FIGURE, "Limits", "Limits against m_H", "limits", paths.LIMITS_SUMMARY),
    Kind(
        paths.CLS_FIGURE,
        "Limits",
        "CLs limits and their bands, {network}",
        "cls",
        paths.LIMITS_TABLE,
    ),
    *(
        Kind(
            paths.DEPENDENCE_FIGURE,
            "Limits",
            f"Limit against {words}, {{signal}}",
            "dependence",
            table,
            {"kind": kind},
        )
        for kind, (words, table) in DEPENDENCES.items()
    ),
    Kind(paths.ROC_FIGURE, "Networks", "ROC curves, {signal}", "roc", paths.METRICS_TABLE),
    Kind(paths.RATIOS_FIGURE, "Networks", "Ratios of rejections, {signal}", "ratios"),
    Kind(paths.CALIBRATION_FIGURE, "Networks", "Calibration, {signal}", "calibration"),
    Kind(paths.TRAINING_FIGURE, "Training", "Learning curves, {signal}", "training"),
    Kind(
        paths.CLOSURE_FIGURE,
        "Generators",
        "Reweighting to another generator, {reweighting}, {classifier}",
        "reweighting",
        paths.CLOSURE_TABLE,
    ),
    Kind(paths.JETS_FIGURE, "Jets", "Taggers of single fat jets, {task}", "jets"),
    Kind(paths.EVENT_DISPLAY, "Events", "An event of {sample}", "event_display"),
    Kind(
        paths.N_MINUS_ONE,
        "Events",
        "What each cut removes beyond the others",
        "n_minus_one",
        paths.N_MINUS_ONE_TABLE,
    ),
    Kind(paths.SUBJET_SCAN, "Events", "Subjets of Higgs jets, {signal}", "subjet_scan"),
    Kind(paths.SUBJET_TREE, "Events", "Spanning tree of a jet, {signal}", "subjet_tree"),
    Kind(paths.JET_IMAGES, "Events", "Jet images", "jet_images"),
    Kind(
        paths.THETA_CORRELATION,
        "Events",
        "Correlation of θ with other variables",
        "theta_correlation",
    ),
    *(
        Kind(
            paths.INTERPRETATION_FIGURE,
            "Interpretation",
            f"{title}, {{network}}, {{signal}}, seed {{seed}}",
            view,
            fixed={"view": view},
        )
        for view, title in VIEW_TITLES.items()
    ),
    Kind(
        f"{paths.DISTRIBUTIONS}/{{variable}}",
        "Distributions",
        "{variable}",
        "distributions",
        paths.DISTRIBUTIONS_TABLE,
    ),
)
"""In the order of the page."""

OTHER = Kind(f"{FOLDER}{{figure}}", "More figures", "{figure}")
"""What none of them is."""


def kind_of(template: str, **fixed: str) -> Kind:
    """Return the first kind of a template that fixes no other wildcards than given."""
    return next(kind for kind in KINDS if kind.template == template and _fits(kind, fixed))


def _fits(kind: Kind, fixed: Mapping[str, str]) -> bool:
    return all(kind.fixed.get(name) == value for name, value in fixed.items())


def figure(template: str, **fixed: str) -> dict[str, Any]:
    """Return the files that a rule draws: `image` (PNG), `vector` (PDF) and `table` (CSV).

    There is a `table` where the kind has its own. The image goes into Snakemake's report, too.

    Parameters
    ----------
    template : str
        That of a kind.
    **fixed
        Wildcards that have one value in the rule.
    """
    kind, path = kind_of(template, **fixed), _filled(template, fixed)
    labels = {name: f"{{{name}}}" for name in re.findall(r"{(\w+)}", path)}
    labels |= {name: value.replace("_", " ") for name, value in fixed.items()}
    image = report(f"{path}.png", **_said(kind), labels=labels or None)
    files = {"image": image, "vector": f"{path}.pdf", "table": f"{path}.csv"}
    return files if kind.table == OWN_TABLE else {n: files[n] for n in ("image", "vector")}


def figures(folder: str) -> Any:
    """Return the folder in which a rule draws figures of one kind."""
    kind = next(kind for kind in KINDS if kind.template.rpartition("/")[0] == folder)
    pattern = f"{kind.template.rpartition('/')[2]}.png"
    return report(directory(folder), patterns=[pattern], **_said(kind))


def _said(kind: Kind) -> dict[str, str]:
    """Return caption and section, as Snakemake's report takes them from a file of rules."""
    return {"caption": f"../report/{kind.caption}.rst", "category": kind.section}

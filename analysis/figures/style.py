"""What all figures share: style, colours, labels, and how they are saved."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
import matplotlib.colors
import mplhep
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from common.files import atomic_path

P = ParamSpec("P")

# Petroff's ten colours (arXiv:2107.02270), distinguishable under colour-vision deficiencies
PALETTE = (
    "#3f90da", "#bd1f01", "#94a4a2", "#832db6", "#a96b59",
    "#e76300", "#b9ac70", "#717581", "#92dadd", "#ffa90e",
)  # fmt: skip
PROCESS_COLOURS = {"signal": "#bd1f01", "qcd": "#3f90da", "ttbar": "#ffa90e", "ttH": "#832db6"}
PROCESS_LABELS = {"qcd": "QCD multijet", "ttbar": r"$t\bar{t}$", "ttH": r"$t\bar{t}H$"}
CLASS_COLOURS = {"signal": "#bd1f01", "background": "#3f90da"}
LINES = ("-", "--", "-.", ":")
DPI = 150
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

_STYLE: Any = {
    **mplhep.style.ROOT,
    "figure.figsize": (7.2, 6.0),
    "figure.constrained_layout.use": True,
    "font.size": 15,
    "axes.labelsize": 17,
    "legend.fontsize": 12,
    "xtick.labelsize": 14,
    "ytick.labelsize": 14,
    "axes.linewidth": 1.2,
    "xtick.major.size": 8,
    "ytick.major.size": 8,
    "xtick.minor.size": 4,
    "ytick.minor.size": 4,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
    "mathtext.fontset": "stixsans",
    "pdf.fonttype": 42,
    "svg.hashsalt": "boosted-hh4b",
}


def styled(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a function that draws a figure draw it in the project's style."""

    @functools.wraps(function)
    def draw(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(_STYLE):
            return function(*args, **kwargs)

    return draw


def colours(names: Iterable[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return one colour per name: the known ones as they are, the rest in the palette's order.

    Give the names in the order of the configuration, and all of them, so that a network or a
    process keeps its colour from figure to figure.
    """
    palette = dict(known or {})
    free = [colour for colour in PALETTE if colour not in palette.values()]
    order = [name for name in dict.fromkeys(names) if name not in palette]
    return palette | {name: free[k % len(free)] for k, name in enumerate(order)}


def mass_colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour per signal, from dark to light in the order given (by mass)."""
    scale = mpl.colormaps["plasma"]
    steps = [0.75 * n / max(len(names) - 1, 1) for n in range(len(names))]
    return {name: mpl.colors.to_hex(scale(x)) for name, x in zip(names, steps, strict=True)}


def axes_with_ratio(height_ratios: Sequence[float] = (3, 1)) -> tuple[Figure, Axes, Axes]:
    """Return a figure with a main panel and a ratio panel below that share the x axis."""
    figure = Figure(figsize=(7.2, 7.6))
    main, ratio = figure.subplots(2, 1, sharex=True, height_ratios=height_ratios)
    return figure, main, ratio


def plain_ticks(axis: Axis) -> None:
    """Label a short logarithmic axis with 0.1, 0.2, 0.5, 1, … in place of powers of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())


def add_label(ax: Axes, luminosity: float | None = None) -> None:
    """Write what the figure shows above its frame: simulation, and energy and luminosity."""
    text = r"$\sqrt{s}=14$ TeV"
    if luminosity is not None:
        text += rf", {luminosity:g} fb$^{{-1}}$"
    ax.set_title("Simulation", loc="left", fontsize=13, style="italic")
    ax.set_title(text, loc="right", fontsize=13)


def simulation_title(figure: Figure, title: str) -> None:
    """Write above all panels of a figure that it shows simulation, and what it is of."""
    text = rf"$\it{{Simulation}}$, $\sqrt{{s}}=14$ TeV, {title}"
    figure.suptitle(text, fontsize=13, x=0.01, ha="left")


def save(figure: Figure, image: Path) -> None:
    """Write a figure as PNG, and as PDF beside it: the same bytes for the same figure."""
    metadata: dict[str, dict[str, Any]] = {
        "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
        "png": {"Software": None},
    }
    with mpl.rc_context(_STYLE):
        figure.set_dpi(DPI)
        figure.draw_without_rendering()
        mpl.rcParams["figure.constrained_layout.use"] = False
        figure.set_layout_engine(None)  # else each file is laid out anew, and drawn twice
        for kind, fields in metadata.items():
            with atomic_path(image.with_suffix(f".{kind}")) as path:
                figure.savefig(path, format=kind, dpi=DPI, metadata=fields)

import numpy as np
import pytest

from analysis.figures.cls_bands import cls_plot
from analysis.figures.limits import LimitCurve, ReferenceCurve, limit_plot
from analysis.figures.projections import Dependence, dependence_plot
from analysis.figures.roc import RocBand, roc_plot
from analysis.figures.style import PROCESS_COLOURS, colours, save

MASS = np.array([600.0, 1000.0, 2000.0])


def curve(name, factor, fitted):
    median = factor * np.array([0.6, 0.2, 0.15])
    return LimitCurve(
        name, "#3f90da", MASS, median, 0.8 * median, 1.3 * median, np.array(fitted), 0.1 * median
    )


def test_limit_plot_shows_the_numbers_it_was_given():
    fitted = [False, True, False]
    reference = ReferenceCurve("theirs", MASS, np.array([5.0, 2.0, 1.0]))
    figure = limit_plot([curve("ours", 1, fitted), curve("other", 4, fitted)], [reference])
    main, ratio = figure.axes
    lines = {line.get_label(): line.get_ydata() for line in main.lines}
    np.testing.assert_allclose(lines["ours"], [0.6, 0.2, 0.15])
    np.testing.assert_allclose(lines["theirs"], [5, 2, 1])
    over = {line.get_label(): line.get_ydata() for line in ratio.lines}
    np.testing.assert_allclose(over["other"], 4)
    assert "[fb]" in main.get_ylabel()
    assert "[GeV]" in ratio.get_xlabel()


def test_references_out_of_sight_are_not_in_the_legend():
    seen = ReferenceCurve("seen", MASS, np.array([5.0, 2.0, 1.0]))
    below = ReferenceCurve("below", MASS, np.full(3, 1e-6))
    aside = ReferenceCurve("aside", MASS + 5000, np.ones(3))
    ours, median = curve("ours", 1, [False] * 3), np.array([0.6, 0.2, 0.15])
    bands = np.outer([0.5, 0.7, 1, 1.4, 2], median)
    for figure in (
        limit_plot([ours], [seen, below, aside]),
        cls_plot(MASS, bands, "net", 3000.0, [seen, below, aside]),
    ):
        names = {text.get_text() for text in figure.axes[0].get_legend().get_texts()}
        assert names & {"seen", "below", "aside"} == {"seen"}


@pytest.mark.parametrize("level", [0.95, 0.9])
def test_axis_of_cls_limits_says_at_which_level_they_are(level):
    bands = np.outer([0.5, 0.7, 1, 1.4, 2], np.ones(3))
    label = cls_plot(MASS, bands, "net", 3000.0, level=level).axes[0].get_ylabel()
    assert label.startswith(f"{100 * level:g}% CL")


@pytest.mark.parametrize("events", [20.0, 5.0, 0.5])
def test_legend_says_how_many_events_the_working_point_leaves(events):
    figure = limit_plot([curve("ours", 1, [True] * 3)], background_events=events)
    title = figure.axes[0].get_legend().get_title().get_text()
    assert f"open markers: {events:g} background events" in title


def test_tail_fitted_thresholds_have_open_markers():
    figure = limit_plot([curve("ours", 1, [False, True, False])])
    points = {
        tuple(line.get_xdata()): line.get_markerfacecolor()
        for line in figure.axes[0].lines
        if line.get_linestyle() == "None" and line.get_marker() == "o"
    }
    assert points[(1000.0,)] == "white"
    assert points[(600.0, 2000.0)] != "white"


def test_missing_limits_are_told_in_the_figure(tmp_path):
    empty = np.array([])
    none = LimitCurve("ours", "#3f90da", empty, empty, empty, empty, empty.astype(bool))
    figure = limit_plot([none], missing=["ours at 600 GeV"])
    assert any("ours at 600 GeV" in text.get_text() for text in figure.axes[0].texts)
    save(figure, tmp_path / "limits")


def test_ratio_to_a_network_without_all_masses_uses_the_shared_ones():
    base = curve("base", 1, [False] * 3)
    part = LimitCurve(*(getattr(base, n) for n in ("label", "colour")), MASS[1:], *(
        getattr(base, n)[1:] for n in ("median", "low", "high", "fitted")
    ))  # fmt: skip
    ratio = limit_plot([part, curve("all", 3, [False] * 3)]).axes[1]
    over = {line.get_label(): line for line in ratio.lines}
    np.testing.assert_allclose(over["all"].get_xdata(), MASS[1:])
    np.testing.assert_allclose(over["all"].get_ydata(), 3)


def test_ratio_has_the_errors_of_both_limits():
    """Each is 10%; the first curve over itself has none."""
    figure = limit_plot([curve("ours", 1, [False] * 3), curve("other", 4, [False] * 3)])
    bars = [c for container in figure.axes[1].containers for c in container[2]]
    heights = sorted(np.ptp(path[:, 1]) for bar in bars for path in bar.get_segments())
    np.testing.assert_allclose(heights[:3], 0, atol=1e-12)
    np.testing.assert_allclose(heights[3:], 2 * 4 * np.hypot(0.1, 0.1))


def test_roc_plot_survives_gaps_and_large_errors(tmp_path):
    x = np.linspace(0.01, 1, 100)
    y = np.where(x > 0.2, 1 / x**3, np.nan)
    points = np.array([[0.3, 37.0, 50.0]])
    band = RocBand("ours", "#3f90da", x, y, 0.8 * y, 1.2 * y, points, 0.97)
    figure = roc_plot([band], "$m_H=1000$ GeV")
    save(figure, tmp_path / "roc")
    assert "0.970" in figure.axes[0].get_legend().get_texts()[0].get_text()


@pytest.mark.parametrize("networks", [1, 2, 6, 12])
def test_legend_hides_no_roc_curve(tmp_path, networks):
    x = np.linspace(0.01, 1, 100)
    y = 100 * (1.001 - x)  # high up to the right
    bands = [
        RocBand(f"network {k}", "k", x, y * (1 + k), y, 20 * y, np.empty((0, 3)), 0.9)
        for k in range(networks)
    ]
    figure = roc_plot(bands, "$m_H=1000$ GeV")
    save(figure, tmp_path / "roc")
    ax = figure.axes[0]
    legend = ax.get_legend().get_window_extent()
    for line in ax.lines:
        points = ax.transData.transform(line.get_xydata())
        assert not any(legend.contains(*point) for point in points)


def test_roc_plot_says_that_nothing_is_known(tmp_path):
    unknown = np.full(50, np.nan)
    band = RocBand(
        "cross-attention", "k", np.linspace(0.01, 1, 50), unknown, unknown, unknown,
        np.empty((0, 3)), 0.9,
    )  # fmt: skip
    figure = roc_plot([band], "$m_H=1000$ GeV")
    save(figure, tmp_path / "roc")
    assert "too few background events" in " ".join(t.get_text() for t in figure.axes[0].texts)


@pytest.mark.parametrize("kind", ["pdf", "png"])
def test_the_same_figure_gives_the_same_bytes(tmp_path, kind):
    for name in ("one", "two"):
        save(limit_plot([curve("ours", 1, [False] * 3)]), tmp_path / name)
    one, two = (tmp_path / f"{name}.{kind}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_colours_are_distinct_and_keep_the_known_ones():
    names = ["qcd", "a", "b", "ttbar", "c"]
    found = colours(names, PROCESS_COLOURS)
    assert len(set(found.values())) == len(found)
    assert {k: found[k] for k in PROCESS_COLOURS} == PROCESS_COLOURS


@pytest.mark.parametrize("points", [0, 1, 3])
def test_cls_bands_are_drawn_for_any_number_of_masses(tmp_path, points):
    mass = MASS[:points]
    bands = np.outer([0.5, 0.7, 1.0, 1.4, 2.0], 1 / mass)
    reference = ReferenceCurve("theirs", MASS, np.array([5.0, 2.0, 1.0]))
    figure = cls_plot(mass, bands, "ours, count", 3000, [reference], "no limit: 600 GeV")
    save(figure, tmp_path / "cls")
    labels = {text.get_text() for text in figure.axes[0].get_legend().get_texts()}
    assert "theirs" in labels
    assert ("expected, median" in labels) == (points > 0)


def test_dependence_plot_marks_the_values_that_were_run(tmp_path):
    x = np.array([139.0, 3000.0])
    y = np.array([2.0, 0.5])
    found = Dependence("ours", "#3f90da", x, y, 0.8 * y, 1.2 * y, 0.1 * y, np.array([False, True]))
    figure = dependence_plot([found], "L", "limit", None, "m", "sqrt")
    save(figure, tmp_path / "dependence")
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["139", "3000"]
    guide = next(line for line in figure.axes[0].lines if "propto" in line.get_label())
    assert guide.get_ydata()[-1] == pytest.approx(0.5)

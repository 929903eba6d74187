"""The page of a run: complete, self-contained, true, and usable by everyone."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.datasets.normalisation import Normalisation
from analysis.reconstruction.cutflow import Step
from tests.workflow.browser import call, chromium
from workflow.pipeline.config import read_config
from workflow.reporting.content import in_words, read_content, result_files
from workflow.reporting.findings import findings
from workflow.reporting.render import DATA, STYLE, render
from workflow.reporting.tables import (
    count,
    jets_table,
    limits_table,
    measured,
    number,
    spread,
    yields_table,
)

needs_browser = pytest.mark.skipif(
    chromium() is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)


class Page(HTMLParser):
    """All elements of a page with their attributes, and the words in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.folder = path.parent
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"

    def all(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(scope="module")
def page(finished: Path) -> Page:
    return Page(finished / "results/index.html")


def test_page_needs_nothing_from_outside(page: Page) -> None:
    assert not page.all("link")[1:], "the one link is the empty icon"
    sources = [attributes.get("src", "data:") for _, attributes in page.elements]
    assert all(source.startswith("data:") for source in sources)
    assert not [a["href"] for a in page.all("a") if re.match("[a-z]+:", a["href"])]


def test_page_made_in_an_ascii_locale_is_utf_8(finished: Path) -> None:
    text = (finished / "results/index.html").read_text(encoding="utf-8")
    assert "fb⁻¹" in text or "fb<sup>" in text


def test_every_link_resolves(page: Page) -> None:
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert max(ids.values()) == 1
    targets = [a["href"] for a in page.all("a")]
    assert len(targets) > 20
    assert [t for t in targets if t[0] == "#" and t[1:] not in ids] == []
    assert [t for t in targets if t[0] != "#" and not (page.folder / t).exists()] == []
    named = [attributes.get("aria-labelledby") for _, attributes in page.elements]
    assert {name for name in named if name} <= set(ids)


def test_every_figure_is_shown_with_its_vector_graphics(finished: Path, page: Page) -> None:
    figures = sorted((finished / "results/figures").rglob("*.pdf"))
    linked = {(page.folder / a["href"]).resolve() for a in page.all("a")}
    assert {path.resolve() for path in figures} <= linked
    assert len(page.all("img")) == len(figures)


def test_page_is_made_for_everyone(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert all(image["alt"].strip() for image in page.all("img"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(head["scope"] == "col" for head in page.all("th"))


def test_page_tells_the_numbers_of_the_tables(finished: Path, page: Page) -> None:
    limits = pd.read_csv(finished / "results/limits.csv")
    first, *others = limits[limits.limit_za_fb.isna()].reason.dropna().unique()
    assert first + (f" ({len(others)} more in limits.csv)" if others else "") in page.words
    for name in ("network_ratios", "limit_ratios"):
        ratios = pd.read_csv(finished / f"results/{name}.csv")
        assert all(verdict in page.words for verdict in ratios.verdict)
    parameters = pd.read_csv(finished / "results/networks.csv").parameters
    assert all(count(n).text in page.words for n in parameters)
    cutflow = pd.read_csv(finished / "results/cutflow.csv")
    assert all(number(float(n)).text in page.words for n in cutflow.n_eff)
    rules = {path.stem for path in (finished / "results/benchmarks").iterdir()}
    rules -= {"page", "export_onnx", "crate"}  # these run after it was written
    assert len(rules) > 10
    assert rules <= set(page.words.split())


def test_the_same_results_give_the_same_page(finished: Path, config: dict[str, Any]) -> None:
    figures = sorted((finished / "results/figures").rglob("*.png"))
    pages = [render(read_content(figures, finished, read_config(config))) for _ in range(2)]
    assert pages[0] == pages[1]
    assert str(finished) not in pages[0]


@pytest.mark.parametrize("theme", [0, 1])
def test_colours_have_the_contrast_that_wcag_asks_for(theme: int) -> None:
    themes = re.findall(r":root \{([^}]*--ink[^}]*)\}", (DATA / STYLE).read_text())
    colour = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", themes[theme]))

    def luminance(name: str) -> float:
        parts = [int(colour[name][k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    for front in ("ink", "quiet", "link"):
        for back in ("paper", "band") + (("warn",) if front == "ink" else ()):
            low, high = sorted((luminance(front), luminance(back)))
            assert (high + 0.05) / (low + 0.05) > 4.5, (front, back)


@needs_browser
def test_page_opens_without_a_message_on_the_console(finished: Path, tmp_path: Path) -> None:
    dom, messages = call(finished / "results/index.html", tmp_path / "profile", "--dump-dom")
    assert messages == []
    assert "<button" in dom, "the script has run"


@needs_browser
def test_console_messages_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "broken.html").write_text("<script>missing()</script>")
    _, messages = call(tmp_path / "broken.html", tmp_path / "profile", "--dump-dom")
    assert "missing is not defined" in messages[0]


SORTS = """<script>
const table = document.querySelectorAll("table.sortable")[1];
const head = [...table.tHead.rows[0].cells].find((cell) => cell.textContent === "n_eff");
const key = (row) => Number(row.cells[head.cellIndex].dataset.key);
const read = () => [...table.tBodies[0].rows].map(key);
head.firstChild.click();
const rising = read();
head.firstChild.click();
document.body.dataset.rising = rising.join();
document.body.dataset.falling = read().join();
document.body.dataset.order = head.getAttribute("aria-sort");
document.body.dataset.overflow = document.documentElement.scrollWidth - innerWidth;
</script></body>"""


@needs_browser
@pytest.mark.parametrize("width", [500, 1280])
def test_tables_sort_and_the_page_fits_the_screen(
    finished: Path, tmp_path: Path, width: int
) -> None:
    text = (finished / "results/index.html").read_text()
    (tmp_path / "page.html").write_text(text.replace("</body>", SORTS))
    dom, messages = call(
        tmp_path / "page.html", tmp_path / "profile", "--dump-dom", f"--window-size={width},900"
    )
    assert messages == []
    found = dict(re.findall(r'data-(rising|falling|order|overflow)="([^"]*)"', dom))
    rising = [float(x) for x in found["rising"].split(",")]
    assert len(rising) == 2
    assert rising == sorted(rising)
    assert found["falling"] == ",".join(found["rising"].split(",")[::-1])
    assert found["order"] == "descending"
    assert float(found["overflow"]) <= 0


STEP = Step("generated", 10, 10.0, 10.0)
GOOD = Normalisation("qcd", 1.0, 0.0, 1.0, (STEP,), ())
LIMIT = {
    "network": "cross_attention", "mass_gev": 600, "seed": 1, "limit_za_fb": 1.2, "reason": None,
    "threshold_method": "empirical", "n_eff": 40.0, "cls_count_median_fb": 1.3,
    "cls_shape_median_fb": 1.0,
}  # fmt: skip
CLOSES = {
    "process": "qcd",
    "closure": {"4b": {"ratio": 1.1, "error": 0.2, "map_error": 0.1, "uncertainty": 0.2}},
}


def test_a_sound_result_has_no_warning() -> None:
    assert findings([LIMIT], [GOOD], [CLOSES]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"limit_za_fb": None, "reason": "no events", "n_eff": None}, ["No limit", "no events"]),
        (
            {"limit_za_fb": None, "reason": "no events", "threshold_method": "tail_fit"},
            ["No limit", "no events"],
        ),
        ({"threshold_method": "tail_fit"}, ["Extrapolated", "seed 1", "tail"]),
        (
            {"cls_shape_median_fb": None, "cls_shape_reason": "too few for a bin"},
            ["No CLs limit (shape)", "seed 1", "too few for a bin"],
        ),
        ({"n_eff": 3.1}, ["Low statistics", "3.1 effective"]),
        ({"threshold_method": "mixed"}, ["Mixed events", "b_simulated"]),
    ],
)
def test_weak_limits_are_told(change: dict[str, Any], said: list[str]) -> None:
    (sentence,) = findings([LIMIT | change, LIMIT | {"mass_gev": 900}], [GOOD], [CLOSES])
    assert all(words in sentence for words in [*said, "cross attention at m_H = 600 GeV"])


def test_borrowed_tails_are_told_with_their_error() -> None:
    errors = ((1.2, 1.6), (0.0, 4.0), (0.0, 0.0))
    rows = [
        LIMIT | {"b_expected": 20.0, "sigma_b_shared": shared, "sigma_b_assumed": assumed}
        for shared, assumed in errors
    ]
    (sentence,) = findings(rows, [GOOD], [CLOSES])
    assert "Borrowed tails" in sentence
    assert "10% to 20%" in sentence
    assert findings(rows[2:], [GOOD], [CLOSES]) == []


def test_a_weakness_of_many_trainings_is_one_sentence() -> None:
    rows = [
        LIMIT | {"network": network, "mass_gev": mass, "seed": seed, "n_eff": 3.0 + seed}
        for network in ("kinematics", "cross_attention")
        for mass in (800, 600)
        for seed in (1, 2)
    ]
    (sentence,) = findings(rows, [GOOD], [CLOSES])
    assert "kinematics at m_H = 600, 800 GeV (seed 1, 2)" in sentence
    assert "cross attention at m_H = 600, 800 GeV (seed 1, 2)" in sentence
    assert "as few as 4 effective" in sentence


def test_skipped_files_and_maps_that_do_not_close_are_told() -> None:
    skipped = replace(GOOD, skipped=(("bad.root", "no tree"),))
    closure = {"ratio": 1.9, "error": 0.2, "map_error": 0.1, "uncertainty": 0.9}
    found = findings([LIMIT], [skipped], [CLOSES | {"closure": {"4b": closure}}])
    assert any("qcd does not close" in sentence and "1.90 ± 0.20" in sentence for sentence in found)
    assert any("bad.root" in sentence and "no tree" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (number(0.012345), "0.0123"),
        (number(1234.5), "1234"),
        (number(0.999999), "1"),
        (number(12345678.0), "1.23 × 10⁷"),
        (number(1.5e-7), "1.50 × 10⁻⁷"),
        (number(0.0), "0"),
        (number(None), "–"),
        (count(1234567), "1\u202f234\u202f567"),
        (measured(12.3456, 0.234), "12.35 ± 0.23"),
        (measured(3.2e8, 2.2e7), "(3.20 ± 0.22) × 10⁸"),
        (measured(0.5, None), "0.5"),
        (measured(None, None), "–"),
    ],
)
def test_numbers_are_rounded_to_what_is_known(cell: Any, text: str) -> None:
    assert cell.text == text


def test_limit_has_the_median_error_of_its_trainings_and_its_level() -> None:
    numbers = dict.fromkeys(("limit_za_fb_min", "limit_za_fb_max"), 3.0)
    key = {"network": "net", "mass_gev": 1000}
    summary = [key | numbers | {"limit_za_fb_median": 3.0, "valid": 2, "seeds": 2, "methods": ""}]
    rows = [key | {"limit_za_error_fb": error} for error in (0.2, 0.4, None)]
    table = limits_table(summary, rows, 0.9)
    assert table.rows[0][2].text == "3.00 ± 0.30"
    assert "at 90% confidence level" in table.caption


@pytest.mark.parametrize("median", [0.9953393, 0.974949, 0.99387, 28.40157, 1532.1, 0.000651])
def test_range_encloses_the_median_that_it_is_shown_with(median: float) -> None:
    for width in (1e-4, 3e-4, 1e-2, 0.3):
        ends = {"x_min": median * (1 - width), "x_max": median * (1 + width)}
        text = spread({"x_median": median, **ends}, "x").text
        middle, low, high = map(float, re.findall(r"[\d.]+", text))
        assert low <= middle <= high
        assert low < high or width < 1e-3


def test_files_are_linked_as_far_as_they_are_there(tmp_path: Path) -> None:
    results = tmp_path / "results"
    (results / "hepdata").mkdir(parents=True)
    for name in ("efficiencies.csv", "likelihoods.tar.gz", "jet_class.csv"):
        (results / name).touch()
    links = {link for _, link in result_files(tmp_path)}
    assert links == {"hepdata/", "efficiencies.csv", "likelihoods.tar.gz", "jet_class.csv"}


def test_yields_are_those_of_every_tag_category() -> None:
    row = {"process": "qcd", "cross_section_pb": 1.0, "error": 1.0, "raw": 5, "n_eff": 5.0}
    events = {"generated": 90.0, "tags: 4b": 10.0, "tags: 3b": 30.0}
    rows = [
        row | {"sample": sample, "step": step, "events": number}
        for sample in ("a", "b")
        for step, number in events.items()
    ]
    shown = [(cells[0].text, cells[3].text, cells[4].key) for cells in yields_table(rows).rows]
    assert shown == [(s, f"tags: {c}", n) for s in "ab" for c, n in (("4b", 10.0), ("3b", 30.0))]


def test_limits_are_told_in_words_without_powers_of_ten() -> None:
    row = {"network": "a_b", "mass_gev": 800.0}
    found = in_words([row | {"limit_za_fb_median": limit} for limit in (148.3, 0.462, None)])
    assert found.endswith("a b at 800 GeV: 148 fb; a b at 800 GeV: 0.46 fb; a b at 800 GeV: none.")


def test_taggers_are_shown_with_the_time_that_their_training_took() -> None:
    row = {
        "task": "top", "tagger": "mixer", "seed": 1, "parameters": 86030, "auc": 0.98,
        "auc_error": 0.01, "rejection_50": 416.0, "rejection_50_error": 5.0, "rejection_30": None,
        "rejection_30_error": None, "accuracy": 0.94, "train_jets": 99,
        "test_background_n_eff": 70,
    }  # fmt: skip
    table = jets_table([row, row | {"seed": 2}], {("top", "mixer", 1): {"cpu_time": 33.0}})
    first, second = ([cell.text for cell in cells] for cells in table.rows)
    assert len(table.columns) == len(first)
    assert first[-1] == "33"
    assert second[-1] == "–"
    assert {"416.0 ± 5.0", "0.980 ± 0.010", "–"} <= set(first)

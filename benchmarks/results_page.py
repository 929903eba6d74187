"""The tables of docs/results.md, from the files of one run that are kept beside it.

`python -m benchmarks.results_page RUN` keeps the files of a run and writes the tables between their
marks; without RUN it writes them of what is kept. `--other RUN` keeps those of a run with another
seed. A test compares.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from typer import Argument, Option

from analysis.evaluation.network_ratios import MIN_N_EFF
from analysis.statistics.published import published_limits

DOCS = Path(__file__).parents[1] / "docs"
FOLDER, PAGE = DOCS / "results" / "reference", DOCS / "results.md"
OTHER = DOCS / "results" / "another-seed"
KEPT = (
    "limits.csv", "limits_summary.csv", "limit_ratios.csv", "metrics.csv", "network_ratios.csv",
    "working_point_scan.csv", "projection.csv", "cutflow.csv", "figures/limits.png",
)  # fmt: skip
KEPT_OF_OTHER = ("limits.csv", "limit_ratios.csv", "network_ratios.csv", "metrics.csv")
LUMINOSITY = 3000.0
BESIDE = {"atlas_2202.07288": "ATLAS 139 fb⁻¹, obs.", "hllhc_1812.05640": "HL-LHC projection"}
FIRST = "cross_attention"
MARKS = re.compile(r"(<!-- table: (\w+) -->\n)(?:(?!<!-- ).*\n)*(<!-- end -->)")

Rows = list[list[str]]


def main(
    run: Annotated[Path | None, Argument(help="Folder of a finished run, with results/.")] = None,
    other: Annotated[Path | None, Option(help="Folder of a run with another seed.")] = None,
) -> None:
    """Keep the files of runs, if some are given, and write all tables into the page."""
    if run is not None:
        keep(run / "results")
    if other is not None:
        OTHER.mkdir(parents=True, exist_ok=True)
        for name in KEPT_OF_OTHER:
            shutil.copy(other / "results" / name, OTHER)
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def keep(results: Path) -> None:
    """Copy what the page needs, and note the simulated events above the cuts by sample."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copy(results / name, FOLDER)
    above_cuts(results).to_csv(FOLDER / "above_cuts.csv", index=False, float_format="%.6g")


def above_cuts(results: Path) -> pd.DataFrame:
    """Return number, yield and largest weight of each sample's simulated events above each cut."""
    parts = []
    for row in pd.read_csv(results / "limits.csv").itertuples():
        path = results / "scores" / row.network / f"signal_mH{row.mass_gev:g}/{row.seed}.parquet"
        names = ["sample", "label", "log_odds", "weight"]
        table = pd.read_parquet(path, columns=names)
        above = table[(table["label"] == 0) & (table["log_odds"] >= row.threshold_log_odds)]
        found = above.groupby("sample")["weight"].agg(events="size", total="sum", largest="max")
        own = {"network": row.network, "mass_gev": row.mass_gev, "seed": row.seed}
        parts.append(found.reset_index().assign(**own))
    return pd.concat(parts)[[*own, "sample", "events", "total", "largest"]]


def filled(text: str) -> str:
    """Return the page with each table made of the files."""
    return MARKS.sub(lambda found: f"{found[1]}{_markdown(TABLES[found[2]]())}\n{found[3]}", text)


def limits() -> Rows:
    """Limits of the networks for all m_H, and published ones scaled with the root of L."""
    table = _trainings()
    networks = _for_all_masses(table)
    others = {limit.name: limit for limit in published_limits()}
    head = ["m_H [GeV]", *(f"{_name(n)} [fb]" for n in networks), "n_eff", *BESIDE.values()]
    rows = [head]
    for mass, of_mass in table[table["network"].isin(networks)].groupby("mass_gev"):
        cells = [_of_seeds(of_mass[of_mass["network"] == name]) for name in networks]
        own = of_mass.loc[of_mass["network"] == FIRST, "n_eff"]
        for name in BESIDE:
            scaled = others[name].cross_section(LUMINOSITY)
            found = scaled[others[name].masses == mass]
            cells.append(_number(found[0]) if len(found) else "")
        cells.insert(len(networks), _range(own))
        rows.append([f"{mass:g}", *cells])
    return rows


def rows_of_first() -> Rows:
    """Every training of cross-attention: what is behind its cut, and all its limits."""
    columns: dict[str, Callable[[Any], str]] = {
        "m_H [GeV]": lambda row: f"{row.mass_gev:g}",
        "training": lambda row: f"{row.seed}",
        "behind": lambda row: f"{_number(row.b_expected)} ({row.threshold_method})",
        "n_eff": lambda row: _number(row.n_eff),
        "simulated events": lambda row: f"{row.b_simulated_raw:.0f}",
        "their yield": lambda row: _with_error(row.b_simulated, row.b_simulated_error),
        "signal efficiency [%]": lambda row: _with_error(
            100 * row.signal_efficiency, 100 * row.signal_efficiency_error
        ),
        "Z_A [fb]": lambda row: _with_error(row.limit_za_fb, row.limit_za_error_fb),
        "CLs, counting [fb]": lambda row: _number(row.cls_count_median_fb),
        "CLs, shape [fb]": lambda row: _number(row.cls_shape_median_fb),
    }
    table = _trainings()
    trainings = table[table["network"] == FIRST].itertuples()
    return [list(columns), *([cell(row) for cell in columns.values()] for row in trainings)]


def at_1000() -> Rows:
    """All networks that are trained for 1 TeV, alone or beside other masses."""
    table, metrics = _trainings(), pd.read_csv(FOLDER / "metrics.csv")
    rows = [["network", "trained for", "limits of the trainings [fb]", "behind", "n_eff", "AUC"]]
    masses = table.groupby("network")["mass_gev"].nunique()
    table, metrics = (each[each["mass_gev"] == 1000] for each in (table, metrics))
    for name, own in table.groupby("network", sort=False):
        measured = metrics[metrics["network"] == name].itertuples()
        rows.append(
            [
                _name(name),
                "all m_H" if masses[name] > 1 else "1 TeV",
                _each(own),
                _range(own["b_expected"]),
                _range(own["n_eff"]),
                ", ".join(_auc(row) for row in measured),
            ]
        )
    return rows


def limit_ratios() -> Rows:
    """Limits of networks for all m_H over those of what they are compared with."""
    return _ratios(of_all_masses=True)


def limit_ratios_at_1000() -> Rows:
    """The same of networks that are trained for 1 TeV alone."""
    return _ratios(of_all_masses=False)


def _ratios(of_all_masses: bool) -> Rows:
    """Ratios of limits on the same events, of pairs that have several masses or one."""
    table = pd.read_csv(FOLDER / "limit_ratios.csv")
    masses = table.groupby(["first", "second"])["mass_gev"].transform("nunique")
    rows = [["", "m_H [GeV]", "n_eff", "ratio", "95%", "trainings", "differs from 1"]]
    for row in table[(masses > 1) == of_all_masses].itertuples():
        ends = ["" if np.isnan(end) else _number(end) for end in (row.low95, row.high95)]
        rows.append(
            [
                f"{_name(row.second)} over {_name(row.first)}",
                f"{row.mass_gev:g}",
                _number(row.n_eff),
                f"**{_number(row.ratio)}**",
                "–".join(ends),
                f"{_number(row.min)}–{_number(row.max)}",
                "not resolved" if row.n_eff < MIN_N_EFF else row.supported,
            ]
        )
    return rows


def background_events() -> Rows:
    """Cross-attention at 1 TeV: the limit against the background events that the cut leaves."""
    scan = pd.read_csv(FOLDER / "working_point_scan.csv")
    chosen = (scan["network"] == FIRST) & (scan["mass_gev"] == 1000)
    scan = scan[chosen & (scan["counting"] == "weighted")]
    rows = [["background events", "limits of the trainings [fb]", "n_eff"]]
    for wanted, own in scan.groupby("background_events"):
        rows.append([f"{wanted:g}", _each(own), _range(own["n_eff"].dropna())])
    return rows


def projections() -> Rows:
    """Cross-attention at 1 TeV: other luminosities, and other numbers of simulated events."""
    table = pd.read_csv(FOLDER / "projection.csv")
    table = table[(table["network"] == FIRST) & (table["mass_gev"] == 1000)]
    units = {"luminosity": "fb⁻¹", "sample_size": "times the simulated events"}
    rows = [["", "limits of the trainings [fb]"]]
    for (kind, value), own in table.groupby(["kind", "value"], sort=False):
        rows.append([f"{value:g} {units[kind]}", _each(own)])
    return rows


def training_size() -> Rows:
    """Cross-attention of 1 TeV alone, trained on a part of its events."""
    head = ["part of the training sample", "events", "training", "limit [fb]"]
    rows = [[*head, "behind", "n_eff", "AUC"]]
    for row in pd.read_csv(FOLDER / "training_size.csv").itertuples():
        limit = _with_error(row.limit_za_fb, row.limit_za_error_fb)
        events = f"`seed: {row.events}`"
        behind = _number(row.b_expected)
        cells = [f"{row.part:g}", events, f"{row.seed}", limit, behind, _number(row.n_eff)]
        rows.append([*cells, _auc(row)])
    return rows


def signal_events() -> Rows:
    """Cross-attention for all masses: other trainings of it on twice the signal events."""
    more, table = pd.read_csv(FOLDER / "signal_events.csv"), _trainings()
    table = table[(table["network"] == FIRST) & table["seed"].isin(more["seed"])]
    rows = [["m_H [GeV]", "6,000 signal events a mass [fb]", "12,000 [fb]", "n_eff"]]
    for mass, own in more.groupby("mass_gev"):
        before = table[table["mass_gev"] == mass]
        rows.append([f"{mass:g}", _of_seeds(before), _of_seeds(own), _range(own["n_eff"])])
    return rows


def encoders() -> Rows:
    """Rejection of cross-attention of 1 TeV alone over the same with other encoders of jets."""
    rows = [["encoder of the jets", "ε_S", "n_eff", "ratio", "95%", "trainings"]]
    for row in pd.read_csv(FOLDER / "encoders.csv").itertuples():
        ends, of_seeds = (row.low95, row.high95), (row.min, row.max)
        rows.append(
            [
                row.encoder,
                f"{row.signal_efficiency:g}",
                _number(row.n_eff),
                f"**{_number(row.ratio)}**",
                "–".join(map(_number, ends)),
                "–".join(map(_number, of_seeds)),
            ]
        )
    return rows


def encoder_limits() -> Rows:
    """Limits at 1 TeV with other encoders of jets, on the events of another seed."""
    table, ratios = pd.read_csv(OTHER / "limits.csv"), pd.read_csv(OTHER / "limit_ratios.csv")
    metrics = pd.read_csv(OTHER / "metrics.csv").groupby("network")
    ratios = ratios[ratios["question"] == "encoder"]
    rows = [["network", "limits of the trainings [fb]", "behind", "n_eff", "AUC"]]
    for name in [*ratios["first"].unique(), *ratios["second"]]:
        own = table[table["network"] == name]
        auc = ", ".join(_auc(row) for row in metrics.get_group(name).itertuples())
        rows.append([_name(name), _each(own), _range(own["b_expected"]), _range(own["n_eff"]), auc])
    return rows


def another_seed() -> Rows:
    """Limits at 1 TeV beside those of the same trainings on the events of another seed."""
    key, other = ["network", "mass_gev", "seed"], pd.read_csv(OTHER / "limits.csv")
    rows = [["network", "training", "`seed: 1` [fb]", "`seed: 2` [fb]", "n_eff", "difference / σ"]]
    for row in _trainings().merge(other, on=key, suffixes=("", "_2")).itertuples():
        limits = row.limit_za_fb, row.limit_za_fb_2
        errors = row.limit_za_error_fb, row.limit_za_error_fb_2
        sigma = np.hypot(*(error / limit for error, limit in zip(errors, limits, strict=True)))
        rows.append(
            [
                _name(row.network),
                f"{row.seed}",
                *(_with_error(*pair) for pair in zip(limits, errors, strict=True)),
                _range([row.n_eff, row.n_eff_2]),
                f"{np.log(limits[1] / limits[0]) / sigma:+.1f}",
            ]
        )
    return rows


def rejections() -> Rows:
    """Ratios of background rejections at equal signal efficiency that the sample supports."""
    table = pd.read_csv(FOLDER / "network_ratios.csv")
    supported = table[table["supported"] == "yes"].itertuples()
    head = ["", "m_H [GeV]", "ε_S", "n_eff", "ratio", "95%"]
    return [
        head,
        *(
            [
                f"{_name(row.first)} over {_name(row.second)}",
                f"{row.mass_gev:g}",
                f"{row.signal_efficiency:g}",
                _number(row.n_eff),
                _number(row.ratio),
                f"{_number(row.low95)}–{_number(row.high95)}",
            ]
            for row in supported
        ),
    ]


def by_sample() -> Rows:
    """Simulated events of each sample above the cuts of cross-attention, all its rows together."""
    table = pd.read_csv(FOLDER / "above_cuts.csv")
    rows = [["sample", "cuts with any", "events above a cut", "largest weight", "at m_H [GeV]"]]
    for sample, own in table[table["network"] == FIRST].groupby("sample"):
        heaviest = own.loc[own["largest"].idxmax()]
        where = f"{heaviest['mass_gev']:g}"
        fewest, most = own["events"].min(), own["events"].max()
        counts = f"{fewest}" if fewest == most else f"{fewest}–{most}"
        cells = [f"{len(own)}", counts, _number(heaviest["largest"]), where]
        rows.append([f"`{sample}`", *cells])
    return rows


TABLES: dict[str, Callable[[], Rows]] = {
    make.__name__: make
    for make in (
        limits, rows_of_first, by_sample, limit_ratios, at_1000, limit_ratios_at_1000,
        background_events, projections, training_size, signal_events, encoders,
        encoder_limits, rejections, another_seed,
    )
}  # fmt: skip


def _trainings() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "limits.csv")


def _for_all_masses(table: pd.DataFrame) -> list[str]:
    """Return the networks that have a limit for each m_H, in their order."""
    masses = table.groupby("network", sort=False)["mass_gev"].nunique()
    return list(masses.index[masses == table["mass_gev"].nunique()])


def _of_seeds(own: pd.DataFrame) -> str:
    """Return the median and each limit of the trainings; those behind more than 22 in italics."""
    each = [
        f"*{_number(row.limit_za_fb)}*" if row.b_expected > 22 else _number(row.limit_za_fb)
        for row in own.itertuples()
    ]
    return f"**{_number(own['limit_za_fb'].median())}** ({', '.join(each)})"


def _each(own: pd.DataFrame) -> str:
    """Return each limit of the trainings with its error, or why there is none."""
    return ", ".join(
        _with_error(row.limit_za_fb, row.limit_za_error_fb) if row.status == "ok" else row.status
        for row in own.itertuples()
    )


def _with_error(value: float, error: float) -> str:
    return f"{_number(value)} ± {_number(error)}"


def _auc(row: Any) -> str:
    return f"{row.auc:.4f} ± {row.auc_error:.4f}"


def _range(values: Sequence[float] | pd.Series) -> str:
    if not len(values):
        return ""
    low, high = _number(min(values)), _number(max(values))
    return low if low == high else f"{low}–{high}"


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "none"
    digits = 0 if abs(value) >= 99.5 else 1 if abs(value) >= 9.95 else 2
    return f"{value:,.{digits}f}"


def _name(network: str) -> str:
    for word, spelt in {"_": " ", "cross attention": "cross-attention", "theta": "θ"}.items():
        network = network.replace(word, spelt)
    return network


def _markdown(rows: Rows) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def unknown(text: str) -> Iterator[str]:
    """Yield the names of tables that no function makes."""
    yield from (found[2] for found in MARKS.finditer(text) if found[2] not in TABLES)


if __name__ == "__main__":
    typer.run(main)

"""The tables of a HEPData submission, each from rows of a run's CSV tables."""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from common.tables import over_seeds

with warnings.catch_warnings():  # the library imports a deprecated name of jsonschema
    warnings.simplefilter("ignore", DeprecationWarning)
    import hepdata_lib

Rows = Sequence[Mapping[str, Any]]
STATISTICS = "simulated statistics"
LONGEST_NAME = 64
"""Characters of a table's name, at most."""
ERRORS = {
    "signal_efficiency": {STATISTICS: "signal_efficiency_error"},
    "background": {
        STATISTICS: "background_error",
        "assumed of mixed and borrowed tails": "background_assumed",
    },
}
"""Sources of error of what `results/efficiencies.csv` holds, and their columns."""

_KEYWORDS = {
    "reactions": ["P P --> HIGGS --> HIGGS HIGGS --> B BBAR B BBAR"],
    "cmenergies": [14000.0],
    "observables": ["SIG"],
}


def limits_table(
    rows: Rows, network: str, luminosity: float, z_target: float = 1.645, level: float = 0.95
) -> hepdata_lib.Table:
    """Return the limits of one network against m_H: median over seeds, with what varies it.

    Parameters
    ----------
    rows : sequence of mappings
        Rows of `results/limits.csv` (one per mass and seed) with a limit.
    network : str
        The network.
    luminosity : float
        [fb⁻¹].
    z_target, level : float
        Z_A at the first limit, and confidence level of the CLs limits.
    """
    table = _table(
        f"Limits {network}",
        f"Expected limits at {luminosity:g} fb^-1, {network}: medians over trainings. CLs at "
        f"{100 * level:g}% confidence level.",
    )
    masses = sorted({float(row["mass_gev"]) for row in rows})
    table.add_variable(_mass(masses))
    za = _by_mass(rows, masses, "limit_za_fb")
    variable = _dependent(f"Limit from Z_A = {z_target:g}", "fb", _medians(za))
    _spread(variable, "range over trainings", za)
    variable.add_uncertainty(_statistical(rows, masses))
    table.add_variable(variable)
    for kind in ("count", "shape", "exact"):
        if all(row.get(f"cls_{kind}_median_fb") is not None for row in rows):
            table.add_variable(_cls(rows, masses, kind))
    method = _dependent("Threshold method", "", _methods(rows, masses))
    table.add_variable(method)
    return table


def efficiency_table(rows: Rows, network: str) -> hepdata_lib.Table:
    """Return acceptance times efficiency and background above the working point."""
    table = _table(
        f"Efficiency {network}",
        f"Signal efficiency and background of {network}, medians over trainings.",
    )
    masses = sorted({float(row["mass_gev"]) for row in rows})
    table.add_variable(_mass(masses))
    names = {
        "signal_efficiency": "Acceptance times efficiency",
        "b_expected": "Expected background events",
        "sigma_b": "Uncertainty on the background events",
        "n_eff": "Effective simulated background events",
    }
    for column, label in names.items():
        values = _by_mass(rows, masses, column)
        variable = _dependent(label, "", _medians(values))
        _spread(variable, "range over trainings", values)
        table.add_variable(variable)
    return table


def cutflow_table(rows: Rows, sample: str, is_signal: bool = False) -> hepdata_lib.Table:
    """Return the cut flow of one sample: rows with `step`, `raw` and `events`."""
    yields = ", for sigma(gg -> H -> hh) = 1 fb" if is_signal else ""
    table = _table(f"Cutflow {sample}", f"Cut flow of sample {sample}{yields}.")
    table.add_variable(_independent("Cut", [str(row["step"]) for row in rows]))
    table.add_variable(_dependent("Simulated events", "", [int(row["raw"]) for row in rows]))
    expected = _dependent("Expected events", "", [float(row["events"]) for row in rows])
    error = hepdata_lib.Uncertainty("statistical")
    error.values = [float(row["error"]) for row in rows]
    expected.add_uncertainty(error)
    table.add_variable(expected)
    return table


def cuts_table(rows: Rows, masses: Mapping[str, float]) -> hepdata_lib.Table:
    """Return acceptance times efficiency of each signal after each cut.

    Its error is binomial for events of equal weight. With weights it is σ² = (Σw² above the cut
    − ε² Σw² of all) / (Σw of all)², where no cut prefers events by their weight.

    Parameters
    ----------
    rows : sequence of mappings
        Rows of `results/cutflow.csv`.
    masses : mapping
        Name of each signal sample → m_H [GeV].
    """
    table = _table("Signal cuts", "Acceptance times efficiency of hh to 4b after each cut.")
    of_signals = [row for row in rows if row["sample"] in masses]
    table.add_variable(_mass([masses[row["sample"]] for row in of_signals]))
    table.add_variable(_independent("Cut", [str(row["step"]) for row in of_signals]))
    produced = {row["sample"]: row for row in of_signals if row["step"] == "generated"}
    efficiency = _dependent(
        "Acceptance times efficiency", "", [float(row["efficiency"]) for row in of_signals]
    )
    error = hepdata_lib.Uncertainty("simulated statistics")
    error.values = [_efficiency_error(row, produced[row["sample"]]) for row in of_signals]
    efficiency.add_uncertainty(error)
    table.add_variable(efficiency)
    return table


def _efficiency_error(row: Mapping[str, Any], produced: Mapping[str, Any]) -> float:
    variance = float(row["error"]) ** 2 - (float(row["efficiency"]) * produced["error"]) ** 2
    return max(variance, 0.0) ** 0.5 / float(produced["events"])


def efficiency_map(rows: Rows, network: str) -> hepdata_lib.Table:
    """Return acceptance times efficiency and background of each channel against m_H.

    Parameters
    ----------
    rows : sequence of mappings
        Rows of `results/efficiencies.csv` of one network; of its regions, `tags` and `count`.
    network : str
        The network.
    """
    table = _table(
        f"Efficiency map {network}",
        f"Acceptance times efficiency of hh to 4b in each channel, {network}: of all events with "
        "its b tags (tags), and above the cut on the score (count). Medians over trainings.",
    )
    cells: dict[tuple[float, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["region"] in ("tags", "count"):
            key = (float(row["mass_gev"]), str(row["channel"]), str(row["region"]))
            cells.setdefault(key, []).append(row)
    table.add_variable(_mass([mass for mass, _, _ in cells]))
    table.add_variable(_independent("Channel", [channel for _, channel, _ in cells]))
    table.add_variable(_independent("Region", [region for _, _, region in cells]))
    quantities = {
        "signal_efficiency": "Acceptance times efficiency",
        "background": "Expected background events",
        "n_eff": "Effective simulated background events",
    }
    for column, label in quantities.items():
        values = [[float(row[column]) for row in cell] for cell in cells.values()]
        variable = _dependent(label, "", _medians(values))
        _spread(variable, "range over trainings", values)
        for source, error in ERRORS.get(column, {}).items():
            errors = [[float(row[error]) for row in cell] for cell in cells.values()]
            _symmetric(variable, source, _medians(errors))
        table.add_variable(variable)
    return table


def score_table(rows: Rows, channel: str, title: str) -> hepdata_lib.Table:
    """Return the score of one training in the bins of its fit, with effective numbers of events.

    Parameters
    ----------
    rows : sequence of mappings
        Rows of `results/efficiencies.csv` of one network, mass and seed; of its regions, the bins
        of the shape fit.
    channel : str
        Tag category.
    title : str
        Of the training, for the table's name.
    """
    table = _table(
        f"Score {title} {channel}",
        f"Score of {title}, channel {channel}, in the bins of the fit; of the training with seed "
        f"{rows[0]['seed']} alone.",
    )
    bins = [r for r in rows if r["channel"] == channel and str(r["region"]).startswith("shape")]
    table.add_variable(_independent("Log-odds of the score", list(map(_interval, bins))))
    signal = _dependent(
        "Signal acceptance times efficiency", "", [float(r["signal_efficiency"]) for r in bins]
    )
    total = _dependent("Expected background events", "", [float(r["background"]) for r in bins])
    for variable, column in ((signal, "signal_efficiency"), (total, "background")):
        for source, error in ERRORS[column].items():
            _symmetric(variable, source, [float(row[error]) for row in bins])
        table.add_variable(variable)
    for name in dict.fromkeys(name for row in bins for name in row if name.startswith("events_")):
        label = f"Expected events of {name.removeprefix('events_')}"
        table.add_variable(_dependent(label, "", [float(row[name] or 0.0) for row in bins]))
    n_eff = [float(row["n_eff"]) for row in bins]
    table.add_variable(_dependent("Effective simulated background events", "", n_eff))
    return table


def correlation_table(
    names: Sequence[str], correlation: NDArray[Any], title: str, seed: int
) -> hepdata_lib.Table:
    """Return the correlation [F, F] of a fit's parameters to the background expected alone."""
    table = _table(
        f"Correlation {title}",
        f"Correlation of signal strength (mu) and nuisance parameters, {title}, in a fit to the "
        f"expected background; of the training with seed {seed} alone.",
    )
    table.add_variable(_independent("First parameter", [one for one in names for _ in names]))
    table.add_variable(_independent("Second parameter", [two for _ in names for two in names]))
    table.add_variable(_dependent("Correlation", "", correlation.ravel().round(4).tolist()))
    return table


def qualify(tables: Sequence[hepdata_lib.Table], luminosity: float) -> None:
    """Say of every dependent variable at which energy and luminosity [fb⁻¹] it is."""
    for variable in (one for table in tables for one in table.variables if not one.is_independent):
        variable.add_qualifier("SQRT(S)", 14, "TeV")
        variable.add_qualifier("LUMINOSITY", luminosity, "fb$^{-1}$")


def _interval(row: Mapping[str, Any]) -> str:
    low, high = row["log_odds_low"], row["log_odds_high"]
    return f">= {low:.4g}" if high is None else f"{low:.4g} to {high:.4g}"


def _independent(name: str, values: Sequence[str]) -> hepdata_lib.Variable:
    variable = hepdata_lib.Variable(name, is_independent=True, is_binned=False)
    variable.values = list(values)
    return variable


def _table(name: str, description: str) -> hepdata_lib.Table:
    """Return an empty table; of a name that HEPData refuses as too long, a digest is the end."""
    if len(name) > LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: LONGEST_NAME - 9]} {digest}"
    table = hepdata_lib.Table(name)
    table.description = description
    table.location = "Simulation"
    table.keywords.update(_KEYWORDS)
    return table


def _mass(masses: Sequence[float]) -> hepdata_lib.Variable:
    variable = hepdata_lib.Variable("m(H)", is_independent=True, is_binned=False, units="GeV")
    variable.values = masses
    return variable


def _dependent(name: str, units: str, values: Sequence[Any]) -> hepdata_lib.Variable:
    variable = hepdata_lib.Variable(
        name, is_independent=False, is_binned=False, units=units, zero_uncertainties_warning=False
    )
    variable.values = list(values)
    return variable


def _by_mass(rows: Rows, masses: Sequence[float], column: str) -> list[list[float]]:
    return [[float(r[column]) for r in rows if float(r["mass_gev"]) == m] for m in masses]


def _medians(values: Sequence[Sequence[float]]) -> list[float]:
    return [float(over_seeds(of_mass).median) for of_mass in values]


def _spread(variable: hepdata_lib.Variable, label: str, values: Sequence[Sequence[float]]) -> None:
    spread = hepdata_lib.Uncertainty(label, is_symmetric=False)
    ends = map(over_seeds, values)
    spread.values = [(float(v.low - v.median), float(v.high - v.median)) for v in ends]
    variable.add_uncertainty(spread)


def _symmetric(variable: hepdata_lib.Variable, source: str, values: list[float]) -> None:
    error = hepdata_lib.Uncertainty(source)
    error.values = values
    variable.add_uncertainty(error)


def _statistical(rows: Rows, masses: Sequence[float]) -> hepdata_lib.Uncertainty:
    error = hepdata_lib.Uncertainty(STATISTICS)
    error.values = _medians(_by_mass(rows, masses, "limit_za_error_fb"))
    return error


def _cls(rows: Rows, masses: Sequence[float], kind: str) -> hepdata_lib.Variable:
    medians = _medians(_by_mass(rows, masses, f"cls_{kind}_median_fb"))
    variable = _dependent(f"Expected CLs limit, {kind}", "fb", medians)
    for sigma in (1, 2):
        edges = [
            _medians(_by_mass(rows, masses, f"cls_{kind}_{side}{sigma}_fb"))
            for side in ("minus", "plus")
        ]
        band = hepdata_lib.Uncertainty(f"{sigma} sigma", is_symmetric=False)
        band.values = [
            (low - middle, high - middle) for middle, low, high in zip(medians, *edges, strict=True)
        ]
        variable.add_uncertainty(band)
    return variable


def _methods(rows: Rows, masses: Sequence[float]) -> list[str]:
    methods = []
    for mass in masses:
        at_mass = {str(r["threshold_method"]) for r in rows if float(r["mass_gev"]) == mass}
        methods.append("+".join(sorted(at_mass)))
    return methods

"""A HEPData submission of limits, efficiencies and cut flows, checked by HEPData's validator."""

import contextlib
import gc
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common.errors import AnalysisError
from common.tables import over_seeds

with warnings.catch_warnings():  # the validator imports a deprecated name of jsonschema
    warnings.simplefilter("ignore", DeprecationWarning)
    import hepdata_lib
    from hepdata_validator.full_submission_validator import FullSubmissionValidator

Rows = Sequence[Mapping[str, Any]]

_ABSTRACT = (
    "Expected 95% CL upper limits on the cross section of gg → H → hh, with both h → bb in one "
    "large-radius jet each, at the HL-LHC (14 TeV), from simulated events and neural networks. "
    "BR(h → bb)² is factored out. Projections, not measurements."
)
_KEYWORDS = {
    "reactions": ["P P --> HIGGS --> HIGGS HIGGS --> B BBAR B BBAR"],
    "cmenergies": [14000.0],
    "observables": ["SIG"],
}


def limits_table(rows: Rows, network: str, luminosity: float) -> hepdata_lib.Table:
    """Return the limits of one network against m_H: median over seeds, with what varies it.

    Parameters
    ----------
    rows : sequence of mappings
        Rows of `results/limits.csv` (one per mass and seed) with a limit.
    network : str
        The network.
    luminosity : float
        [fb⁻¹].
    """
    table = _table(f"Limits {network}", f"Expected limits at {luminosity:g} fb^-1, {network}.")
    masses = sorted({float(row["mass_gev"]) for row in rows})
    table.add_variable(_mass(masses))
    za = _by_mass(rows, masses, "limit_za_fb")
    variable = _dependent("Limit from Z_A = 1.645", "fb", _medians(za))
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
    """Return acceptance times efficiency and background behind the working point."""
    table = _table(f"Efficiency {network}", f"Signal efficiency and background of {network}.")
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


def cutflow_table(rows: Rows, sample: str) -> hepdata_lib.Table:
    """Return the cut flow of one sample: rows with `step`, `raw` and `events`."""
    table = _table(f"Cutflow {sample}", f"Cut flow of sample {sample}.")
    steps = hepdata_lib.Variable("Cut", is_independent=True, is_binned=False)
    steps.values = [str(row["step"]) for row in rows]
    table.add_variable(steps)
    table.add_variable(_dependent("Simulated events", "", [int(row["raw"]) for row in rows]))
    expected = _dependent("Expected events", "", [float(row["events"]) for row in rows])
    error = hepdata_lib.Uncertainty("statistical")
    error.values = [float(row["error"]) for row in rows]
    expected.add_uncertainty(error)
    table.add_variable(expected)
    return table


def write_submission(
    tables: Sequence[hepdata_lib.Table], workspaces: Sequence[Path], folder: Path
) -> None:
    """Write `submission.yaml` and its tables into a new `folder`, after validating them.

    Parameters
    ----------
    tables : sequence
        At least one table.
    workspaces : sequence of Path
        HistFactory workspaces to attach.
    folder : Path
        Replaced if it is there.

    Raises
    ------
    AnalysisError
        If HEPData's validator finds fault, with its messages.
    """
    submission = hepdata_lib.Submission()
    submission.comment = _ABSTRACT
    for table in tables:
        submission.add_table(table)
    with TemporaryDirectory() as name:
        work = Path(name)
        for workspace in workspaces:
            copy = work / "_".join(workspace.parts[-3:])
            shutil.copy(workspace, copy)
            submission.add_additional_resource(
                f"HistFactory workspace {copy.stem}", str(copy), copy_file=True,
                file_type="HistFactory",
            )  # fmt: skip
        with contextlib.chdir(work):  # the library leaves an archive in the current folder
            submission.create_files("out", validate=False)
        _validate(work / "out")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work / "out", folder)


def _validate(folder: Path) -> None:
    with warnings.catch_warnings():  # the validator leaves its files to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        validator = FullSubmissionValidator()
        valid = validator.validate(directory=str(folder))
        messages = [
            f"{Path(file).name}: {error.message}"
            for file, errors in validator.get_messages().items()
            for error in errors
        ]
        del validator
        gc.collect()
    if not valid:
        raise AnalysisError("the HEPData submission is not valid:\n  " + "\n  ".join(messages))


def _table(name: str, description: str) -> hepdata_lib.Table:
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


def _statistical(rows: Rows, masses: Sequence[float]) -> hepdata_lib.Uncertainty:
    error = hepdata_lib.Uncertainty("simulated statistics")
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
    found = []
    for mass in masses:
        own = {str(r["threshold_method"]) for r in rows if float(r["mass_gev"]) == mass}
        found.append("+".join(sorted(own)))
    return found

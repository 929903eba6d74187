"""A HEPData submission: its tables and the likelihoods, checked by HEPData's validator."""

import contextlib
import gc
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from common.errors import AnalysisError
from workflow.reporting.hepdata_tables import LONGEST_NAME

with warnings.catch_warnings():  # the validator imports a deprecated name of jsonschema
    warnings.simplefilter("ignore", DeprecationWarning)
    import hepdata_lib
    from hepdata_validator.full_submission_validator import FullSubmissionValidator

_ABSTRACT = (
    "Expected upper limits on the cross section of gg → H → hh, with both h → bb in one "
    "large-radius jet each, at the HL-LHC (14 TeV), from simulated events and neural networks. "
    "BR(h → bb)² is factored out. Projections, not measurements."
)


def write_submission(
    tables: Sequence[hepdata_lib.Table], likelihoods: Path | None, folder: Path
) -> None:
    """Write `submission.yaml` and its tables into a new `folder`, after validating them.

    Parameters
    ----------
    tables : sequence
        At least one table.
    likelihoods : Path, optional
        Archive of HistFactory workspaces to attach.
    folder : Path
        Replaced if it is there.

    Raises
    ------
    AnalysisError
        If HEPData's validator finds fault, with its messages.
    """
    submission = hepdata_lib.Submission()
    submission.comment = _ABSTRACT
    _name_apart(tables)
    for table in tables:
        submission.add_table(table)
    with TemporaryDirectory() as name:
        work = Path(name)
        if likelihoods is not None:
            submission.add_additional_resource(
                "Likelihoods of all networks and masses: background-only workspaces and signal "
                "patch sets (HistFactory, pyhf), and the same in HS3",
                str(likelihoods.absolute()),
                copy_file=True,
                file_type="HistFactory",
            )
        with contextlib.chdir(work):  # the library leaves an archive in the current folder
            submission.create_files("out", validate=False)
        _validate(work / "out")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work / "out", folder)


def _name_apart(tables: Sequence[hepdata_lib.Table]) -> None:
    """Number tables whose files would have the same name, which HEPData's library overwrites.

    A file has the table's name in lower case, with underscores for spaces.
    """
    taken: set[str] = set()
    for table in tables:
        name, number = table.name, 1
        while (file := table.name.lower().replace(" ", "_")) in taken:
            number += 1
            table.name = f"{name[: LONGEST_NAME - 4]} {number}"
        taken.add(file)


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

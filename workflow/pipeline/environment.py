"""The environment that the jobs of a run share."""

import os
import sys
from pathlib import Path

from workflow.job import ROOT, VARIABLE, search_path
from workflow.pipeline.terminal import replace_unknown_letters


def prepare_jobs() -> None:
    """Let the rules find what they call, whatever the folder of the run and the locale.

    `python` is the interpreter that runs Snakemake, activated or not (that of the rule's
    environment, with `--software-deployment-method conda`); the variable `VARIABLE` names this
    checkout's `workflow/job.py`; text is UTF-8; the folder of the run is not on Python's path.
    """
    replace_unknown_letters()
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
    os.environ[VARIABLE] = str(ROOT / "workflow" / "job.py")
    os.environ["PYTHONUTF8"] = "1"
    if "PYTHONPATH" in os.environ:
        os.environ["PYTHONPATH"] = search_path(os.environ["PYTHONPATH"])

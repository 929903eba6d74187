"""The environment that the jobs of a run share."""

import os
import sys
from pathlib import Path


def use_this_python() -> None:
    """Let `python` in the rules be the interpreter that runs Snakemake, activated or not."""
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])

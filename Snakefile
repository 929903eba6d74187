"""The boosted HH → 4b analysis, from Delphes files to the limit plot."""

import json
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)

from analysis.errors import AnalysisError
from workflow import paths
from workflow.config import parse
from workflow.inputs import chunks
from workflow.provenance import source_digest


configfile: Path(workflow.basedir) / "config.yaml"


try:
    cfg = parse(config)
    CHUNKS = {sample.name: {chunk.name: chunk for chunk in chunks(sample)} for sample in cfg.samples}
except AnalysisError as error:
    raise WorkflowError(str(error)) from None

"""The boosted HH → 4b analysis, from Delphes files to the limit plot."""

import json
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)

from analysis.errors import AnalysisError
from models.registry import modules_of
from workflow import paths
from workflow.config import read_config
from workflow.environment import use_this_python
from workflow.inputs import chunks
from workflow.provenance import source_digest
from workflow.watchdog import hold_lock

use_this_python()


configfile: Path(workflow.basedir) / "config.yaml"


try:
    cfg = read_config(config)
    CHUNKS = {
        sample.name: {chunk.name: chunk for chunk in chunks(sample)}
        for sample in cfg.samples
    }
except AnalysisError as error:
    raise WorkflowError(str(error)) from None

SIGNALS = [sample.name for sample in cfg.signals]
NETWORKS = [network.name for network in cfg.networks]


wildcard_constraints:
    sample="|".join(CHUNKS),
    signal="|".join(SIGNALS),
    network="|".join(NETWORKS),
    seed=r"\d+",
    process="|".join({sample.process: None for sample in cfg.backgrounds}),
    chunk=r"[A-Za-z0-9_.-]+",
    kind="background_events|luminosity|sample_size",


def final_products(wildcards):
    """The tables and figures that a run ends with; the page shows them all."""
    return [
        paths.CUTFLOW_TABLE,
        paths.LIMITS_TABLE,
        paths.METRICS_TABLE,
        paths.DISTRIBUTIONS_TABLE,
        f"{paths.LIMITS_FIGURE}.png",
        *expand(f"{paths.ROC_FIGURE}.png", signal=SIGNALS),
        *expand(f"{paths.DEPENDENCE_FIGURE}.png", signal=SIGNALS, kind=DEPENDENCES),
        *expand(f"{paths.TRAINING_FIGURE}.png", signal=SIGNALS),
        *expand(f"{paths.EVENT_DISPLAY}.png", sample=CHUNKS),
        f"{paths.JET_IMAGES}.png",
        f"{paths.THETA_CORRELATION}.png",
        paths.DISTRIBUTIONS,
    ]


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/reconstruct.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/limits.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/page.smk"
include: "workflow/rules/export.smk"


# Everything that stands in `results/` after a run.
rule all:
    default_target: True
    input:
        final_products,
        paths.PAGE,


onstart:
    try:
        run_lock = hold_lock(Path(".snakemake/run.lock"))
    except AnalysisError as error:
        raise WorkflowError(str(error)) from None

"""The boosted HH → 4b analysis, from Delphes files to the limit plot."""

import json
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)

from analysis.errors import AnalysisError
from models.registry import modules_of
from models.views import VIEWS, views
from workflow import paths
from workflow.config import read_config
from workflow.environment import use_this_python
from workflow.inputs import chunks
from workflow.network_pairs import network_pairs
from workflow.provenance import source_digest
from workflow.start import begin, full_disk, require_writable

use_this_python()


configfile: Path(workflow.basedir) / "config.yaml"


try:
    require_writable(Path())
    cfg = read_config(config)
    CHUNKS = {
        sample.name: {chunk.name: chunk for chunk in chunks(sample)}
        for sample in cfg.samples
    }
    for network in cfg.networks:
        source_digest("train", *modules_of(network))  # names what is not there
except AnalysisError as error:
    raise WorkflowError(str(error)) from None

SIGNALS = [sample.name for sample in cfg.signals]
NETWORKS = [network.name for network in cfg.networks]
PAIRS = network_pairs(cfg.networks)


wildcard_constraints:
    sample="|".join(CHUNKS),
    signal="|".join(SIGNALS),
    network="|".join(NETWORKS),
    seed=r"\d+",
    process="|".join({sample.process: None for sample in cfg.backgrounds}),
    chunk=r"[A-Za-z0-9_.-]+",
    variation="jes_up|jes_down|jer_up|shower_up",
    kind="background_events|luminosity|sample_size",
    task="|".join(cfg.jets.task_names) or "(?!)",
    tagger="|".join(tagger.name for tagger in cfg.jets.taggers) or "(?!)",
    side="train|validation|test",


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/reconstruct.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/variations.smk"
include: "workflow/rules/systematics.smk"
include: "workflow/rules/limits.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/interpret.smk"
include: "workflow/rules/jets.smk"
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
        begin(
            chunk.source
            for found in CHUNKS.values()
            for chunk in found.values()
            if not chunk.is_remote
        )
    except AnalysisError as error:
        raise WorkflowError(str(error)) from None


onerror:
    if said := full_disk(Path()):
        print(said, file=sys.stderr)

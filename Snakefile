"""The boosted HH → 4b analysis, from Delphes files to the limit plot."""

import json
import os
import runpy
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The folder of all sources: this file's or, of a Git URL, that of a clone.
origin = workflow.current_basedir
if hasattr(origin, "ref"):
    from git import Repo

    hosted = getattr(origin, "hosted_repo", None)
    repository = hosted.repo if hosted else Repo(origin.repo_path)
    commit = repository.commit(origin.ref).hexsha
    CHECKOUT = Path(".snakemake", "boosted-hh4b", commit).absolute()
    if not CHECKOUT.exists():
        partial = CHECKOUT.with_name(f"{commit}.{os.getpid()}")
        try:
            repository.clone(partial).git.checkout(commit)
            with suppress(OSError):  # a job beside this one may have been faster
                partial.rename(CHECKOUT)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
elif origin.is_local:
    CHECKOUT = Path(origin.get_path_or_uri(secret_free=True)).resolve()
else:
    raise WorkflowError(
        f"{origin}: a single file of this workflow does not run; name it as github(…), "
        "gitlab(…) or git+file:…, or clone the repository"
    )

search_path = sys.path[:]
try:
    # The folder of the run, and of this file, which it may be, holds modules of any name.
    aside = {str(CHECKOUT), os.getcwd(), ""}
    sys.path[:] = [entry for entry in search_path if entry not in aside]
    runpy.run_path(str(CHECKOUT / "workflow" / "job.py"))

    from common.errors import AnalysisError
    from common.files import expanded
    from models.networks.registry import modules_of
    from models.config.views import VIEWS
    from workflow.pipeline import paths
    from workflow.pipeline.config import ALL_MASSES, read_config
    from workflow.pipeline.environment import prepare_jobs
    from workflow.pipeline.inputs import all_chunks, check_top_tagging
    from workflow.pipeline.network_pairs import network_pairs
    from workflow.pipeline.provenance import source_digest
    from workflow.pipeline.start import (
        begin,
        full_disk,
        require_folders,
        require_writable,
    )
except ImportError as error:
    raise WorkflowError(
        f"{error}. Snakemake's own environment needs the packages of {CHECKOUT}/envs/"
        "requirements.txt, also where jobs have another one."
    ) from None
finally:
    sys.path[:] = search_path

prepare_jobs()


configfile: CHECKOUT / "config.yaml"


try:
    require_writable(Path())
    require_folders(paths.templates())
    cfg = read_config(config)
    CHUNKS = all_chunks(cfg.samples)
    if cfg.jets.top_tagging:
        check_top_tagging(cfg.jets.top_tagging)
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
    masses="|".join([*SIGNALS, ALL_MASSES]),
    network="|".join(NETWORKS),
    seed=r"\d+",
    fold=r"\d+",
    process="|".join({sample.process: None for sample in cfg.backgrounds}),
    chunk=r"[A-Za-z0-9_.-]+",
    variation="jes_up|jes_down|jer_up|shower_up",
    kind="background_events|luminosity|sample_size",
    task="|".join(cfg.jets.task_names) or "(?!)",
    tagger="|".join(tagger.name for tagger in cfg.jets.taggers) or "(?!)",
    side="train|validation|test",


include: CHECKOUT / "workflow/rules/common.smk"
include: CHECKOUT / "workflow/rules/simulate.smk"
include: CHECKOUT / "workflow/rules/reconstruct.smk"
include: CHECKOUT / "workflow/rules/train.smk"
include: CHECKOUT / "workflow/rules/variations.smk"
include: CHECKOUT / "workflow/rules/systematics.smk"
include: CHECKOUT / "workflow/rules/limits.smk"
include: CHECKOUT / "workflow/rules/figures.smk"
include: CHECKOUT / "workflow/rules/networks.smk"
include: CHECKOUT / "workflow/rules/interpret.smk"
include: CHECKOUT / "workflow/rules/jets.smk"
include: CHECKOUT / "workflow/rules/page.smk"
include: CHECKOUT / "workflow/rules/export.smk"


# Everything that stands in `results/` after a run.
rule all:
    default_target: True
    input:
        final_products,
        paths.PAGE,


onstart:
    begin_run()


# Snakemake calls no `onstart` of a module.
if not workflow.modifier.is_main_snakefile():
    workflow._onstart = begin_run


onerror:
    if said := full_disk(Path()):
        print(said, file=sys.stderr)

"""The boosted HH → 4b analysis, from Delphes files to the limit plot."""

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
    from models.config.specs_jets import JET_CLASS
    from models.config.views import VIEWS
    from models.networks.registry import modules_of
    from workflow.pipeline import paths
    from workflow.pipeline.config import read_config
    from workflow.pipeline.environment import prepare_jobs
    from workflow.pipeline.figures import DEPENDENCES, figure, figures
    from workflow.pipeline.inputs import all_chunks, check_public_files
    from workflow.pipeline.options import Options, call, flags, params, resources
    from workflow.pipeline.provenance import source_digest
    from workflow.pipeline.start import full_disk, require_folders, require_writable, starter
    from workflow.pipeline.targets import TAGGER_FILES, Targets, message
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
    targets = Targets(cfg, all_chunks((*cfg.samples, *cfg.alternatives)))
    options = Options(cfg, targets)
    for key in ("top_tagging", "jet_class"):
        if public := getattr(cfg.jets, key):
            check_public_files(f"jets.{key}", public)
    for network in (*cfg.networks, *cfg.classifiers):
        source_digest("train", *modules_of(network))  # names what is not there
except AnalysisError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    **targets.wildcard_constraints(),


include: CHECKOUT / "workflow/rules/simulate.smk"
include: CHECKOUT / "workflow/rules/reconstruct.smk"
include: CHECKOUT / "workflow/rules/train.smk"
include: CHECKOUT / "workflow/rules/limits.smk"
include: CHECKOUT / "workflow/rules/reweighting.smk"
include: CHECKOUT / "workflow/rules/figures.smk"
include: CHECKOUT / "workflow/rules/networks.smk"
include: CHECKOUT / "workflow/rules/interpret.smk"
include: CHECKOUT / "workflow/rules/jets.smk"
include: CHECKOUT / "workflow/rules/page.smk"
include: CHECKOUT / "workflow/rules/export.smk"


# What a job says on the terminal, where its rule has no message of its own.
for one in workflow.rules:
    if one.docstring and one.output and CHECKOUT in Path(one.snakefile).parents:
        one.message = one.message or message(one.docstring, str(one.output[0]))


# Everything that stands in `results/` after a run.
rule all:
    default_target: True
    input:
        targets.products(),
        paths.PAGE,


begin_run = starter(
    targets.local_files(), workflow, (*cfg.networks, *cfg.jets.taggers, *cfg.classifiers)
)


onstart:
    begin_run()


# Snakemake calls no `onstart` of a module.
if not workflow.modifier.is_main_snakefile():
    workflow._onstart = begin_run


onerror:
    if said := full_disk(Path()):
        print(said, file=sys.stderr)

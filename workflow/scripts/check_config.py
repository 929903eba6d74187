"""Check a configuration before a run, or write its schema and reference."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from common.files import atomic_path
from models.networks.registry import missing_package
from workflow.pipeline.cli import run
from workflow.pipeline.config import SCHEMA, load, schema_text
from workflow.pipeline.inputs import all_chunks
from workflow.pipeline.reference import REFERENCE, reference_text


def main(
    configs: Annotated[
        list[Path] | None,
        typer.Argument(help="YAML files; each completes the ones before it."),
    ] = None,
    write_schema: Annotated[
        bool,
        typer.Option(
            "--write-schema", help=f"Write {SCHEMA.name} and {REFERENCE.name}; check nothing."
        ),
    ] = False,
) -> None:
    """Say whether a configuration is valid, and what a run would work on."""
    console = Console()
    if write_schema:
        for path, text in ((SCHEMA, schema_text()), (REFERENCE, reference_text())):
            with atomic_path(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return
    config = load(configs or [Path("config.yaml")])
    chunks = all_chunks(config.samples)
    for sample in config.samples:
        files = len(chunks[sample.name])
        console.print(f"{sample.name}: {sample.label}, process {sample.process}, {files} files")
    taggers = config.jets.taggers if config.jets.every_task else ()
    for spec in (*config.networks, *taggers, *config.classifiers):
        if package := missing_package(spec):
            console.print(
                f"{spec.name}: {spec.architecture} needs {package}, which is not installed here: "
                "pip install -r envs/requirements-peers.txt"
            )
    names = [network.name for network in config.networks]
    limits = sum(len(config.signals_of(name)) * len(config.seeds_of(name)) for name in names)
    console.print(
        f"{len(names)} networks, {len(config.signals)} masses, {limits} limits of one seed. "
        "The configuration is valid."
    )


if __name__ == "__main__":
    run(main)

"""A run as an RO-Crate: what made which files when, for archives and search engines.

Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5) on RO-Crate 1.1. The run is one
action: which job made which file is in Snakemake's own report (`snakemake --report`).
"""

import hashlib
import mimetypes
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",
]
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
LICENCE = "https://spdx.org/licenses/MIT"
METADATA = "ro-crate-metadata.json"
MAIN, CONFIG = "Snakefile", "config.json"
Entity = dict[str, Any]


def crate(
    folder: Path,
    products: Sequence[Path],
    versions: Mapping[str, str],
    started: datetime,
    ended: datetime,
) -> dict[str, Any]:
    """Return the metadata of the crate in `folder`.

    Parameters
    ----------
    folder : Path
        Folder of the results, with copies of the workflow (`MAIN`) and its configuration
        (`CONFIG`).
    products : sequence of Path
        What the run ends with: files and folders inside `folder`.
    versions : mapping
        Of the project (`boosted-hh4b`, first) and of the packages that did the work.
    started, ended : datetime
        When the first and the last job ran.
    """
    results = [_data(path, folder) for path in sorted(set(products))]
    kept = [_data(folder / name, folder) for name in (MAIN, CONFIG)]
    kept[0] |= {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "boosted-hh4b",
        "description": "The workflow's first file; its rules and scripts are in the version named.",
        "version": versions["boosted-hh4b"],
        "license": {"@id": LICENCE},
        "programmingLanguage": {"@id": "#snakemake"},
        "input": {"@id": "#configuration"},
    }
    kept[1] |= {
        "name": "configuration",
        "description": "All keys of the configuration, with defaults; it names the input files.",
        "exampleOfWork": {"@id": "#configuration"},
    }
    packages = {name: _package(name, version) for name, version in versions.items()}
    return {
        "@context": CONTEXT,
        "@graph": [
            {
                "@id": METADATA,
                "@type": "CreativeWork",
                "conformsTo": [
                    {"@id": "https://w3id.org/ro/crate/1.1"},
                    {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
                ],
                "about": {"@id": "./"},
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "name": "A run of boosted-hh4b",
                "description": "Expected limits on gg → H → hh → 4b at the HL-LHC from simulated "
                "events: tables, figures, fits and networks of one run.",
                "datePublished": ended.date().isoformat(),
                "license": {"@id": LICENCE},
                "conformsTo": [{"@id": one} for one in PROFILES],
                "hasPart": [{"@id": one["@id"]} for one in (*kept, *results)],
                "mainEntity": {"@id": MAIN},
                "mentions": {"@id": "#run"},
            },
            *(
                {"@id": url, "@type": "CreativeWork", "name": name, "version": url.split("/")[-1]}
                for url, name in PROFILES.items()
            ),
            {
                "@id": LICENCE,
                "@type": "CreativeWork",
                "name": "MIT License",
                "description": "Licence of the software, which the results are given with.",
            },
            {
                "@id": "#snakemake",
                "@type": "ComputerLanguage",
                "name": "Snakemake",
                "identifier": {"@id": "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"},
                "url": {"@id": "https://snakemake.readthedocs.io"},
            },
            {
                "@id": "#configuration",
                "@type": "FormalParameter",
                "additionalType": "File",
                "name": "configuration",
                "valueRequired": True,
            },
            {
                "@id": "#run",
                "@type": "CreateAction",
                "name": "Run of boosted-hh4b",
                "description": "Times are those of the first job's and of the last job's files, "
                "which an interrupted run's pause lies between.",
                "startTime": started.isoformat(timespec="seconds"),
                "endTime": ended.isoformat(timespec="seconds"),
                "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
                "instrument": {"@id": MAIN},
                "object": [{"@id": CONFIG}],
                "result": [{"@id": one["@id"]} for one in results],
            },
            *kept,
            *results,
            *packages.values(),
        ],
    }


def started(folder: Path, fallback: datetime) -> datetime:
    """Return when the first of the files in `folder` was written."""
    times = [path.stat().st_mtime for path in folder.rglob("*") if path.is_file()]
    return datetime.fromtimestamp(min(times), UTC) if times else fallback


def _data(path: Path, folder: Path) -> Entity:
    """Return the entity of a file, with size and SHA-256, or of a folder."""
    name = path.relative_to(folder).as_posix()
    if path.is_dir():
        return {"@id": f"{name}/", "@type": "Dataset", "name": name}
    kind, packed = mimetypes.guess_type(path.name)
    return {
        "@id": name,
        "@type": "File",
        "name": name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": f"application/{packed}" if packed else kind or "text/plain",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _package(name: str, version: str) -> Entity:
    return {
        "@id": f"#package-{name}",
        "@type": "SoftwareApplication",
        "name": name,
        "softwareVersion": version,
    }

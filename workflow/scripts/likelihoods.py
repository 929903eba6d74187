"""Rule likelihoods: all fits in HS3, and as one archive for HEPData."""

from pathlib import Path
from typing import Annotated

from typer import BadParameter, Option

from analysis.statistics.hs3 import VERSION
from common.tables import read_json, write_json
from workflow.pipeline.cli import run
from workflow.reporting.likelihoods import README, dumps, members, write_archive


def main(
    limit: Annotated[list[Path], Option(help="JSON of rule limit; repeat.")],
    workspace: Annotated[list[Path], Option(help="Its workspace; repeat in the same order.")],
    hs3: Annotated[list[Path], Option(help="HS3 file to write of it; repeat likewise.")],
    output: Annotated[Path, Option(help="Archive to write: a gzipped tar file.")],
) -> None:
    """Translate the fits; a training without a limit gets a file that says so."""
    if not len(limit) == len(workspace) == len(hs3):
        raise BadParameter("--limit, --workspace and --hs3: give as many of each")
    files = {"README.md": README.format(version=VERSION)}
    for row, source, target in zip(limit, workspace, hs3, strict=True):
        content = read_json(source)
        if "channels" not in content:
            write_json(content, target)
            continue
        of_fit = members(content, read_json(row)["limit"])
        document = next(value for name, value in of_fit.items() if name.endswith("/hs3.json"))
        write_json(document, target)
        files |= {name: dumps(value) for name, value in of_fit.items()}
    write_archive(files.items(), output)


if __name__ == "__main__":
    run(main)

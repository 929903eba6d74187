"""What a call of the workflow would run."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from tests.conftest import call_snakemake


def planned(folder: Path, config: dict[str, Any], snakefile: Path, *arguments: str) -> Counter[str]:
    """Return how many jobs of each rule a call would run."""
    run = call_snakemake(folder, config, *arguments, "--dry-run", snakefile=snakefile)
    assert run.returncode == 0, run.stdout + run.stderr
    _, _, table = run.stdout.partition("Job stats:")
    rows = re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)
    return Counter({rule: int(n) for rule, n in rows if rule not in ("all", "total")})

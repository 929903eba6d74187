"""The progress bar of a run, on a terminal."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

SNAKEFILE = """
rule all:
    input: expand("{name}.txt", name=["first", "second"])
rule one:
    output: "{name}.txt"
    log: "{name}.log"
    message: "Making the {wildcards.name}"
    shell: "COMMAND"
"""


def on_a_terminal(folder: Path, command: str) -> tuple[int, str]:
    """Run a workflow of two jobs with the bar; return its exit status and what was shown."""
    (folder / "Snakefile").write_text(SNAKEFILE.replace("COMMAND", command))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--logger", "progress",
         "--show-failed-logs"],
        cwd=folder, stderr=theirs, stdout=theirs, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow/plugins"), "COLUMNS": "120",
             "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    return process.wait(), text


def test_bar_counts_the_jobs_and_names_those_that_run(tmp_path: Path) -> None:
    status, shown = on_a_terminal(tmp_path, "sleep 0.3; touch {output}")
    assert status == 0
    for words in ("Making the first", "Making the second", "1/3", "3/3", "left"):
        assert words in shown


def test_a_job_says_how_far_it_is(tmp_path: Path) -> None:
    status, shown = on_a_terminal(
        tmp_path,
        "echo 3 of 40 epochs, loss 0.5 > {log}; echo chatter >> {log}; sleep 1; touch {output}",
    )
    assert status == 0
    assert "Making the first: 3 of 40 epochs, loss 0.5" in shown
    assert "chatter" not in shown


def test_a_failed_job_shows_its_log(tmp_path: Path) -> None:
    status, shown = on_a_terminal(tmp_path, "echo Error: no such file > {log}; false")
    assert status != 0
    assert "Error: no such file" in shown
    assert "Error in rule one" in shown

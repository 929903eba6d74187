"""A progress bar of the whole run: `snakemake --logger progress`, with this folder on PYTHONPATH.

Under it stands what runs, each job with the last "<done> of <all> …" that it wrote to its log;
warnings and errors stand above, as Snakemake formats them.

The ready plugin `rich` (snakemake-logger-plugin-rich 0.5) has a bar for each rule, of which a run
has forty, and does not read the logs. A training of hours would show nothing until it ends.
"""

import os
import re
from collections.abc import Iterable
from logging import WARNING, LogRecord
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

SHOWN = 4
"""Running jobs under the bar; further ones are counted."""
TAIL = 4096
"""Bytes at the end of a log that are searched for how far its job is."""


class Job(NamedTuple):
    """A running job: what it does, and its log."""

    name: str
    log: Path | None


class Run(Progress):
    """The bar, and a line for each of the first jobs that run."""

    def __init__(self, *columns: Any, **options: Any) -> None:
        self.jobs: dict[int, Job] = {}
        super().__init__(*columns, **options)

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return the bar and the lines."""
        yield from super().get_renderables()
        jobs = list(self.jobs.values())
        for job in jobs[:SHOWN]:
            words = ": ".join(filter(None, (job.name, progress_in(job.log))))
            yield Text(f"  {words}", no_wrap=True, overflow="ellipsis")
        if len(jobs) > SHOWN:
            yield Text(f"  and {len(jobs) - SHOWN} more", style="dim")


def progress_in(log: Path | None) -> str:
    """Return the last line of a log that starts with "<done> of <all>"; empty without one."""
    if log is None or not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(-min(TAIL, log.stat().st_size), os.SEEK_END)
        lines = file.read().decode(errors="replace").splitlines()
    return next((line for line in reversed(lines) if re.match(r"\d+ of \d+", line)), "")


class LogHandler(LogHandlerBase):
    """Draws the bar from Snakemake's events."""

    def __post_init__(self) -> None:
        self.console = Console(stderr=True)
        columns = (
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self.progress = Run(*columns, console=self.console, refresh_per_second=4)
        self.bar = self.progress.add_task("", total=None)
        self.formatter = DefaultFormatter(
            self.common_settings.quiet, self.common_settings.show_failed_logs
        )

    def emit(self, record: LogRecord) -> None:
        """Follow one event."""
        event, fields = getattr(record, "event", None), record.__dict__
        if event == LogEvent.RUN_INFO:
            jobs = {name: n for name, n in fields.get("stats", {}).items() if name != "total"}
            self.progress.update(self.bar, total=sum(jobs.values()))
            self.progress.start()
        elif event == LogEvent.JOB_INFO:
            name, logs = fields["rule_msg"] or fields["rule_name"], list(fields["log"] or ())
            self.progress.jobs[fields["jobid"]] = Job(name, Path(logs[0]) if logs else None)
        elif event == LogEvent.JOB_FINISHED:
            self.progress.jobs.pop(fields["job_id"], None)
        elif event == LogEvent.PROGRESS:
            self.progress.update(self.bar, completed=fields["done"], total=fields["total"])
        elif event in (LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR) or record.levelno >= WARNING:
            self.progress.jobs.pop(fields.get("jobid", -1), None)
            self._print(record)

    def _print(self, record: LogRecord) -> None:
        text = self.formatter.format(record) if self.formatter else record.getMessage()
        if text.strip():
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.progress.stop()
        super().close()

    writes_to_stream: Any = True
    writes_to_file: Any = False
    has_filter: Any = True
    has_formatter: Any = True
    needs_rulegraph: Any = False

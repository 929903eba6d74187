"""A progress bar of the whole run: `snakemake --logger progress`, with this folder on PYTHONPATH.

What runs stands beside the bar; warnings and errors stand above it, as Snakemake formats them.
"""

from logging import WARNING, LogRecord
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

SHOWN = 2
"""Names of running jobs beside the bar; further ones are counted."""


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
            TextColumn(
                "{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")
            ),
        )
        self.progress = Progress(*columns, console=self.console)
        self.bar = self.progress.add_task("", total=None)
        self.running: dict[int, str] = {}
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
            self.running[fields["jobid"]] = fields["rule_msg"] or fields["rule_name"]
            self._describe()
        elif event == LogEvent.JOB_FINISHED:
            self.running.pop(fields["job_id"], None)
            self._describe()
        elif event == LogEvent.PROGRESS:
            self.progress.update(self.bar, completed=fields["done"], total=fields["total"])
        elif event in (LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR) or record.levelno >= WARNING:
            self.running.pop(fields.get("jobid", -1), None)
            self._print(record)

    def _describe(self) -> None:
        names = list(self.running.values())
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        self.progress.update(self.bar, description="; ".join(names[:SHOWN]) + more)

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

"""Running a script's `main` as a command line, and reading a configuration block."""

import json
import logging
import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import typer
import yaml
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from common.errors import ConfigError, UserError
from workflow.pipeline.terminal import replace_unknown_letters
from workflow.pipeline.watchdog import follow_run

T = TypeVar("T")


def run(main: Callable[..., None], arguments: Sequence[str] | None = None) -> None:
    """Run `main` as a typer command; an error that the user can mend is one message and exit 1.

    `arguments` are those of the process where none are given.
    """
    replace_unknown_letters()
    follow_run()
    _show_progress()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app(arguments)
    except UserError as error:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]Error:[/] {error}", highlight=False)
        sys.exit(1)


def _show_progress() -> None:
    """Send the project's progress lines ("<done> of <all> …") to stderr, a rule's log."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    for package in ("analysis", "models", "workflow"):
        logger = logging.getLogger(package)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)


def limit_memory(size: int) -> None:
    """Let this process have at most `size` bytes of address space, or less where it has less."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft > size:
        with suppress(ValueError, OSError):  # macOS knows the limit, but does not set it
            resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def read_block(kind: type[T], text: str) -> T:
    """Return the configuration block that `text` holds.

    Parameters
    ----------
    kind : type
        The pydantic model, or any type that pydantic can validate.
    text : str
        JSON of the block, or the path of a YAML or JSON file that holds the block.

    Raises
    ------
    ConfigError
        If the text is neither, or the block is not valid; names each key.
    """
    content = _parse(text)
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


def lenders(pairs: Sequence[str] | None) -> dict[str, str]:
    """Return the sample that lends its tail to another, of options SAMPLE=OTHER.

    Raises
    ------
    typer.BadParameter
        If one is not of that form.
    """
    found = {}
    for text in pairs or ():
        name, _, other = text.partition("=")
        if not name or not other:
            raise typer.BadParameter(
                f"--tail-from {text!r}: write SAMPLE=OTHER, as in qcd_bb=qcd_bbbb"
            )
        found[name] = other
    return found


def _parse(text: str) -> Any:
    if text.lstrip().startswith(("{", "[", '"')):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError(f"the configuration given inline is not JSON: {error}") from None
    try:
        return yaml.safe_load(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"the configuration file {text} cannot be read: {error}") from None


def explain(error: ValidationError) -> str:
    """Return one line per wrong key: the key, what was found and what is allowed."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"]) or "(top level)"
        given = "" if item["type"] == "missing" else f" (found {item['input']!r:.80})"
        lines.append(f"{key}: {item['msg']}{given}")
    return "\n".join(lines)

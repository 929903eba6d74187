"""Headless Chromium for tests of the page."""

import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--disable-dev-shm-usage",
]


def chromium() -> str | None:
    """Return the path of the browser, or None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def call(page: Path, profile: Path, *flags: str) -> tuple[str, list[str]]:
    """Open `page`; return what the browser printed, and the messages on its console.

    `profile` is a fresh folder for the browser's own files.
    """
    program = chromium()
    assert program is not None
    command = [program, *FLAGS, f"--user-data-dir={profile}", *flags, page.resolve().as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return run.stdout, [line for line in run.stderr.splitlines() if ":CONSOLE" in line]

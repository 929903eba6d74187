"""What a run prints, on terminals of any locale."""

import io
import sys


def replace_unknown_letters() -> None:
    """Print "?" for what the locale's encoding lacks (σ, η, fb⁻¹), in place of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")

"""All text is UTF-8, whatever the locale: no call leaves the encoding to the system."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("common", "analysis", "models", "workflow", "benchmarks", "examples", "docs")
OTHERS = ("uproot", "pyhepmc", "os", "tarfile", "Progress", "webbrowser")  # their `open` is another
SOURCES = sorted(path for name in FOLDERS for path in (ROOT / name).rglob("*.py"))


def undecided(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of calls that read or write text in the locale's encoding."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        given = {keyword.arg for keyword in call.keywords}
        values = [*call.args, *(keyword.value for keyword in call.keywords)]
        constants = {node.value for node in values if isinstance(node, ast.Constant)}
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        owner = getattr(getattr(call.func, "value", None), "id", "")
        opens = name == "open" and owner not in OTHERS and not constants & {"rb", "wb", "ab"}
        text = opens or name in ("read_text", "write_text") or "text" in given
        if text and not ("encoding" in given or "utf-8" in constants):
            yield call.lineno


def test_every_text_file_is_utf8() -> None:
    found = {path: list(undecided(ast.parse(path.read_text("utf-8")))) for path in SOURCES}
    assert {str(path.relative_to(ROOT)): lines for path, lines in found.items() if lines} == {}

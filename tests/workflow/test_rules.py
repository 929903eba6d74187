"""What a rule looks like: short, with a log, a docstring and the environment."""

import re

import pytest

from tests.conftest import ROOT

MOST_LINES = 19


def rules() -> dict[str, list[str]]:
    """Return the lines of each rule, without docstring, comments and empty lines."""
    found: dict[str, list[str]] = {}
    for path in sorted(ROOT.glob("workflow/rules/*.smk")):
        text = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for number, part in enumerate(re.split(r"^(?= *rule\b)", text, flags=re.MULTILINE)[1:]):
            head, *body = [line for line in part.splitlines() if line.strip()]
            indent = len(head) - len(head.lstrip())
            own = [head]
            for line in body:
                if len(line) - len(line.lstrip()) <= indent:
                    break
                own.append(line)
            name = head.strip().removeprefix("rule").strip(": ") or f"{path.stem}_{number}"
            found[name] = own
    return found


RULES = rules()
JOBS = {name: lines for name, lines in RULES.items() if name not in ("jets", "onnx", "reweighting")}


def test_all_rules_are_found() -> None:
    scripts = {path.stem for path in (ROOT / "workflow/scripts").glob("[a-z]*.py")}
    alone = {"check_config", "model_cross_section", "interpretation_figure"}
    assert scripts - alone <= set(RULES)
    assert len(RULES) > 30


@pytest.mark.parametrize("name", RULES)
def test_rule_is_short(name: str) -> None:
    assert len(RULES[name]) <= MOST_LINES


@pytest.mark.parametrize("name", JOBS)
def test_rule_has_what_every_rule_has(name: str) -> None:
    text = "\n".join(JOBS[name])
    for part in ("log:", "benchmark:", "conda:", "**params(", "call("):
        assert part in text


def test_rules_hold_no_function_of_their_own() -> None:
    """Functions of wildcards are in `workflow/pipeline/`, with types and tests."""
    files = [ROOT / "Snakefile", *ROOT.glob("workflow/rules/*.smk")]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    assert "def " not in text

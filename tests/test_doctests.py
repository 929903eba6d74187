"""The worked examples of the docstrings give what they say."""

import doctest
import importlib

import pytest

from tests.test_architecture import MODULES

WITH_EXAMPLES = [name for name, path in MODULES.items() if ">>> " in path.read_text()]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0, capsys.readouterr().out

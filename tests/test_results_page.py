"""The page Results says what the files of its run say."""

import re

import pytest

from benchmarks.results_page import MARKS, PAGE, filled, unknown

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*\.?\d*(?= fb\b)")


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_tables_are_made_of_the_files(text: str) -> None:
    assert filled(text) == text, "python -m benchmarks.results_page writes them anew"
    assert list(MARKS.finditer(text))
    assert not list(unknown(text))


def test_limits_in_the_text_are_in_a_table(text: str) -> None:
    tables = "\n".join(found[0] for found in MARKS.finditer(text))
    prose = MARKS.sub("", text)
    said = set(NUMBER.findall(prose))
    assert said, "the text says what came out"
    assert not {number for number in said if not re.search(rf"(?<![\d.]){number}(?![\d.])", tables)}


def test_a_number_that_no_file_has_is_found(text: str) -> None:
    changed = re.sub(r"(\*\*)\d+\.\d+(\*\*)", r"\g<1>0.123456\2", text, count=1)
    assert changed != text
    assert filled(changed) == text

"""Formulas of the documentation as MathML, so that the site needs no script from elsewhere."""

import re
from typing import Any

from latex2mathml.converter import convert

FORMULA = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace each $$…$$ by MathML."""
    return FORMULA.sub(lambda match: convert(match[1].strip(), display="block"), markdown)

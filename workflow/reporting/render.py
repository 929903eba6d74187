"""From content to one HTML file that needs no other."""

from collections.abc import Sequence
from itertools import groupby

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from workflow.pipeline.provenance import ROOT
from workflow.reporting.content import Content
from workflow.reporting.figures import Picture

DATA = ROOT / "workflow" / "reporting"
TEMPLATE, STYLE, SCRIPT = "data/page.html", "data/page.css", "data/page.js"


def by_caption(pictures: Sequence[Picture]) -> list[tuple[str, list[Picture]]]:
    """Return neighbours with the same caption together, so that it is told once."""
    groups = groupby(pictures, lambda picture: picture.caption)
    return [(caption, list(group)) for caption, group in groups]


def render(content: Content) -> str:
    """Return the page; text is escaped, stylesheet and script are inline."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["by_caption"] = by_caption
    template = environment.from_string((DATA / TEMPLATE).read_text(encoding="utf-8"))
    style, script = (Markup((DATA / name).read_text(encoding="utf-8")) for name in (STYLE, SCRIPT))
    return template.render(content=content, style=style, script=script)

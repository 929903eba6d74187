"""From content to one HTML file that needs no other."""

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from workflow.page.content import Content
from workflow.provenance import ROOT

DATA = ROOT / "workflow"
TEMPLATE, STYLE, SCRIPT = "data/page.html", "data/page.css", "data/page.js"


def render(content: Content) -> str:
    """Return the page; text is escaped, stylesheet and script are inline."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((DATA / TEMPLATE).read_text())
    style, script = (Markup((DATA / name).read_text()) for name in (STYLE, SCRIPT))
    return template.render(content=content, style=style, script=script)

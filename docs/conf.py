"""The site: `sphinx-build -W docs site` builds it into the folder `site`.

Pages are Markdown. Those on the command and on Python take the package's own help and
docstrings whenever the site is built.
"""

import tomllib
from pathlib import Path

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from thaw.cli.main import main

project = "Thaw"
author = "The Thaw authors"
copyright = author
about = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
version = release = tomllib.loads(about)["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = "Thaw"
html_copy_source = False
html_show_sphinx = False

# Links to headings of other pages; a link that leads nowhere fails with `-W`.
myst_heading_anchors = 3

# Docstrings are plain text with code between single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"


class Help(SphinxDirective):
    """The help of each command of `thaw`: a section a command."""

    def run(self) -> list[nodes.Node]:
        """Return the sections, in the order of `thaw --help`."""
        parent = click.Context(main, info_name="thaw")
        sections: list[nodes.Node] = []
        for name in main.list_commands(parent):
            command = main.get_command(parent, name)
            context = click.Context(command, info_name=name, parent=parent)
            text = command.get_help(context)
            title = nodes.title("", "", nodes.literal("", f"thaw {name}"))
            shown = nodes.literal_block(text, text, language="text")
            sections.append(nodes.section("", title, shown, ids=[f"thaw-{name}"]))
        return sections


def setup(app: Sphinx) -> None:
    """Add what pages use beyond Markdown."""
    app.add_directive("thaw-help", Help)

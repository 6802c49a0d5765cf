"""The documentation as a site: `nox -s docs`."""

project = "Integrand"
copyright = "the Integrand maintainers"  # noqa: A001  Sphinx's word
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Integrand"
html_show_sphinx = False
# README.md is the first page, and links into this folder as it is read on a forge.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
exclude_patterns = ["_build"]
nitpicky = True

"""Names that images, their tags and their labels may have, whatever engine makes them."""

from __future__ import annotations

import re

# The prefix of the labels that Integrand gives its images.
LABEL = "io.github.integrand"
# The folder outside the source that holds a probe's scripts and results, and in an image of the head its findings.
PROBE_FOLDER = "/integrand"


def legal_tag(text: str) -> str:
    """Return a text as a legal image tag: ``+`` is legal in a git ref, but not in a tag."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text).lstrip("-.")[:128]


def legal_name(text: str) -> str:
    """Return a text as a part of a repository name: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "project"

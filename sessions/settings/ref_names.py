"""Which names git accepts for a branch, after git-check-ref-format(1). Pure."""

from __future__ import annotations

import re

_RULES = (
    (r"[\x00-\x20\x7f~^:?*\[\\]", "holds a space, a control character or one of ~ ^ : ? * [ \\"),
    (r"\.\.", "holds two dots one after the other"),
    (r"@\{", "holds @{"),
    (r"(^|/)\.", "has a part that begins with a dot"),
    (r"\.lock(/|$)", "has a part that ends with .lock"),
    (r"^/|/$|//", "has an empty part between slashes"),
    (r"\.$", "ends with a dot"),
    (r"^-", "begins with a dash"),
    (r"^(HEAD)?$", "is no name for a branch"),
)


def branch_fault(name: str) -> str:
    r"""Return why git refuses ``name`` for a branch, as a clause without its subject; nothing if it does not.

    >>> branch_fault("next 2026-11-23")
    'holds a space, a control character or one of ~ ^ : ? * [ \\\\'
    >>> branch_fault("1.0+integration-2026-11-23")
    ''
    """
    return next((why for rule, why in _RULES if re.search(rule, name)), "")

"""The seed of a gate's run."""

from __future__ import annotations

import hashlib


def seed_of(tree: str, attempt: int) -> int:
    """Return the seed of all that is random in a probe: the same for the same tree, another one for each attempt."""
    return int(hashlib.sha256(f"{tree} {attempt}".encode()).hexdigest()[:8], 16)

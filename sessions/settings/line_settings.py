"""``[[lines]]`` of the configuration: the release lines that one call integrates, each with settings of its own."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.settings.keys import key


@dataclass(frozen=True, kw_only=True)
class ReleaseLine:
    """``[[lines]]``: a release line, such as 24.x beside 25.x. What is empty here is as the other tables have it."""

    name: str = key("Name of the line, such as `24.x`.")
    release: str = key("Instead of `[project] release`.", "")
    tags: str = key("Instead of `[project] tags`: which tags are releases of this line.", "")
    branch: str = key("Instead of `[project] branch`: name of the integration branch.", "")
    milestone: str = key("Instead of `[tickets] milestone`.", "")
    target: str = key("Instead of `[tickets] target`: the branch that the tickets of this line are for.", "")
    ready: tuple[str, ...] = key("Instead of `[tickets] ready`, such as a label for backports.", ())
    backport: bool = key("Apply the changes of a ticket instead of merging its branch.", False)

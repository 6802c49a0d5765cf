"""Markdown as GitLab reads it."""

from __future__ import annotations

import re

from sessions.tickets.dialects.markdown import Markdown

# GitLab carries out a line of a comment that begins with a slash: https://docs.gitlab.com/user/project/quick_actions/
# It looks for such lines with a regular expression of its own, which takes the first ``` at the end of a line for the
# end of a block of code, whatever opened it. So a line of an excerpt may not begin with a slash either.
_QUICK_ACTION = re.compile(r"^(?=/)", re.MULTILINE)
# References that GitHub does not have: !7, %milestone, ~label, &epic, $snippet, ^alert#7, [vulnerability:7], [[page]],
# and the key of a Jira issue.
_LIVE = re.compile(r"(?<=[!%~&$^])(?=[\w\"\\])|(?<=\[)(?=\[|[a-z_]+:)|(?<=[A-Z])(?=-\d)")


class GitLabMarkdown(Markdown):
    """Markdown in which neither quick actions nor GitLab's references form."""

    def escape(self, text: object) -> str:
        r"""Escape a text from a ticket or a log.

        >>> GitLabMarkdown().escape("/close *hi*")
        '\\/close \\*hi\\*'
        """
        return _QUICK_ACTION.sub(r"\\", _LIVE.sub("\u200b", super().escape(text)))

    def fence(self, text: str, lines: int = 30) -> str:
        """A code block in which a line that begins with a slash is indented by one space."""
        return _QUICK_ACTION.sub(" ", super().fence(text, lines))


GITLAB_MARKDOWN = GitLabMarkdown()

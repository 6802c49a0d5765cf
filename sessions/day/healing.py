"""Run a story again if it ended because its mirror is damaged: opening the mirror repairs it."""

from __future__ import annotations

from collections.abc import Callable

from sessions.ledger.record import Record
from sessions.settings.options import Options
from sessions.source.healing import suspect_mirrors
from sessions.terminal.console import Console
from sessions.terminal.errors import SourceError

Story = Callable[[Options, Console], Record]


def run_healing(story: Story, options: Options, console: Console) -> Record:
    """Run a story, and once more if git complained about the mirror; known results are kept.

    Raises the errors of the story.
    """
    try:
        record = story(options, console)
        if record.state != "broken" or not suspect_mirrors(options.state):
            return record
        why = record.message
    except SourceError as error:
        if not suspect_mirrors(options.state):
            raise
        why = str(error)
    console.step("The mirror is checked, made anew where it is damaged, and the same is done again")
    console.detail(why)
    return story(options, console)

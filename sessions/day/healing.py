"""A story that ended because its mirror is damaged is run once more: opening the mirror heals it."""

from __future__ import annotations

from collections.abc import Callable

from sessions.ledger.record import Record
from sessions.settings.options import Options
from sessions.source.healing import suspect_mirrors
from sessions.terminal.console import Console
from sessions.terminal.errors import SourceError

Story = Callable[[Options, Console], Record]


def run_healing(story: Story, options: Options, console: Console) -> Record:
    """Run a story; once more where git complained of the mirror, as what is known is kept and costs no probe.

    Raises what the story raises.
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

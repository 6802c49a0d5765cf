"""The live lines of a terminal: one for each running probe, whole at any width."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from sessions.terminal.durations import say_duration
from sessions.terminal.fitting import fit
from sessions.terminal.harmless_text import harmless

# A shorter rest of the line shows too little of what a probe prints.
_LEAST_OUTPUT = 20


@dataclass
class ProbeLine:
    """One running probe: what it does, how many seconds such a probe usually takes, and the line it printed last."""

    title: str
    usual: float | None = None
    started: float = field(default_factory=time.monotonic)
    output: str = ""

    @property
    def elapsed(self) -> float:
        """Seconds since the probe started."""
        return time.monotonic() - self.started

    def clock(self) -> str:
        """Return how long the probe has run, and how long it will probably still run or usually takes."""
        elapsed = self.elapsed
        if self.usual is None:
            return say_duration(elapsed)
        if elapsed < self.usual:
            return f"{say_duration(elapsed)}, {say_duration(self.usual - elapsed)} left"
        return f"{say_duration(elapsed)}, usually {say_duration(self.usual)}"

    def render(self, width: int) -> Text:
        """Return the line: the clock always, the title as far as there is room, output only if much room is left."""
        clock = self.clock()
        title = fit(self.title, width - cell_len(clock) - 4)
        left = width - cell_len(title) - cell_len(clock) - 6
        output = fit(self.output, left) if left >= _LEAST_OUTPUT else ""
        parts = ("  ", title, "  ", (clock, "cyan"), *(("  ", (output, "dim")) if output else ()))
        return Text.assemble(*parts, no_wrap=True, overflow="crop")


class LiveView:
    """The lines of all running probes with a ``footer`` below, redrawn four times a second."""

    def __init__(self, terminal: RichConsole, footer: str = "") -> None:
        self.footer = footer
        self.lines: list[ProbeLine] = []
        self.live = Live(self, console=terminal, transient=True, refresh_per_second=4)

    def __rich_console__(self, _console: RichConsole, options: ConsoleOptions) -> RenderResult:
        # A line that is as wide as the terminal makes some terminals wrap; a view that is as high makes them scroll.
        room = max(1, options.size.height - 3)
        shown = self.lines if len(self.lines) <= room else self.lines[: room - 1]
        for line in shown:
            yield line.render(options.size.width - 1)
        if hidden := len(self.lines) - len(shown):
            yield Text(f"  and {hidden} more", style="dim")
        if self.footer:
            yield Text(fit(f"  {self.footer}", options.size.width - 1), style="dim")

    def add(self, title: str, usual: float | None) -> ProbeLine:
        """Show one more probe."""
        line = ProbeLine(harmless(title), usual)
        self.lines = [*self.lines, line]
        return line

    def remove(self, line: ProbeLine) -> None:
        """Stop showing a probe that has ended."""
        self.lines = [each for each in self.lines if each is not line]


def listener(line: ProbeLine) -> Callable[[str], None]:
    """Return the function that takes each line that a probe prints."""

    def listen(printed: str) -> None:
        line.output = " ".join(harmless(printed).split()) or line.output

    return listen

"""Print what a session does: coloured lines and a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.text import Text

from sessions.terminal.durations import say_duration
from sessions.terminal.fitting import wrap
from sessions.terminal.harmless_text import break_ci_commands, harmless
from sessions.terminal.live_view import LiveView, listener
from sessions.terminal.typed_commands import as_typed, noxfile_option

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Watch:
    """Running probes: a listener for what each prints, and the function to call with the index of one that ended."""

    listeners: Sequence[OnLine]
    ended: Callable[[int], None]


@dataclass
class Console:
    """The output of one session. Everything goes to standard error if ``to_stderr``, as with ``--json``.

    ``NO_COLOR`` and ``FORCE_COLOR`` are honoured by rich. Commands to type next are spelled for the folder
    ``called_from``.
    """

    to_stderr: bool = False
    called_from: Path | None = None
    terminal: RichConsole = field(init=False)
    probes_run: int = 0
    _expected: int = 0
    _noxfile: str = field(init=False)

    def __post_init__(self) -> None:
        self._noxfile = noxfile_option(self.called_from) if self.called_from else ""
        file = sys.stderr if self.to_stderr else sys.stdout
        self.terminal = RichConsole(file=file, highlight=False, soft_wrap=True, emoji=False)
        if not self.terminal.width:  # COLUMNS=0: nothing would be printed
            self.terminal.width = 80

    def step(self, text: str) -> None:
        """Print the heading of the next stage."""
        self._print("==>", f" {text}", start_style="bold cyan")

    def detail(self, text: str) -> None:
        """Print a line about the current stage."""
        self._print("    ", text)

    def good(self, text: str) -> None:
        """Print a success."""
        self._print("", text, style="bold green")

    def bad(self, text: str) -> None:
        """Print a failure."""
        self._print("", text, style="bold red")

    def _print(self, start: str, text: str, *, start_style: str = "", style: str = "") -> None:
        # Never as rich's markup: the text may come from a ticket.
        safe = break_ci_commands(harmless(as_typed(text, self._noxfile)))
        # A line with a command in it is wrapped by the terminal, so that it is copied as one line.
        is_wrapped = self.terminal.file.isatty() and "`" not in safe
        indent = " " * cell_len(start)
        lines = wrap(safe, max(self.terminal.width - len(indent), 20)) if is_wrapped else [safe]
        for beginning, line in zip((start, *(indent for _ in lines[1:])), lines, strict=True):
            self.terminal.print(Text.assemble((beginning, start_style), (line, style)))

    def show(self, markdown: str, text: Callable[[], str]) -> None:
        """Print a report: its Markdown rendered on a terminal, elsewhere the plain text that ``text`` makes."""
        if self.terminal.is_terminal:
            from rich.markdown import Markdown

            self.terminal.print(Markdown(markdown), soft_wrap=False)
        else:
            self.print_text(text())

    def print_text(self, text: str) -> None:
        """Print a text as it is."""
        self.terminal.print(text, markup=False, highlight=False, soft_wrap=True)

    def expect(self, probes: int) -> None:
        """Set the number of probes that are probably still to run, the next one included."""
        self._expected = probes

    @contextmanager
    def probes(self, running: Sequence[tuple[str, float | None]], at_once: int) -> Iterator[Watch]:
        """Show probes that start now: for each what it does, and the seconds that such a probe takes.

        ``at_once`` of them run together, the others as soon as one has ended.
        """
        first = self.probes_run + 1
        self.probes_run += len(running)
        titles = [f"probe {number}: {what}" for number, (what, _) in enumerate(running, start=first)]
        usual = [seconds for _, seconds in running]
        if self.terminal.is_terminal:
            with self._live_view(titles, usual, at_once) as watch:
                yield watch
        else:
            for title, seconds in zip(titles, usual, strict=True):
                clauses = [f"usually {say_duration(seconds)}"] if seconds else []
                clauses += filter(None, [self._outlook(seconds, at_once)])
                self.detail(title + (f" ({'; '.join(clauses)})" if clauses else ""))
            yield Watch([lambda _line: None] * len(running), lambda _index: None)
        self._expected = 0

    @contextmanager
    def _live_view(self, titles: Sequence[str], usual: Sequence[float | None], at_once: int) -> Iterator[Watch]:
        view = LiveView(self.terminal, self._outlook(max((seconds or 0.0 for seconds in usual), default=0.0), at_once))
        lines = [view.add(title, seconds) for title, seconds in zip(titles, usual, strict=True)]

        def ended(index: int) -> None:
            view.remove(lines[index])
            self.detail(f"{titles[index]} · {say_duration(lines[index].elapsed)}")

        with view.live:
            yield Watch([listener(line) for line in lines], ended)

    def _outlook(self, usual: float | None, at_once: int) -> str:
        """Return how many probes are still to come, and how long they take if ``at_once`` run together."""
        if self._expected < 2:
            return ""
        seconds = (usual or 0.0) * math.ceil(self._expected / at_once)
        return f"about {self._expected} to come" + (f", {say_duration(seconds)}" if seconds else "")

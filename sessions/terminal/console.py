"""What a person sees while a session runs: steps, and how long the probe under way will still take."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console as RichConsole
from rich.markdown import Markdown
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from sessions.terminal.durations import say_duration

_CONTROL = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]"  # sequences that steer a terminal
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # characters that do
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # those that turn the direction of writing
    r"|[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164]"
    r"|[\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"  # with the line above: those that nobody sees
)
# What a CI's runner would obey: GitHub's commands at a line's start or, as of old, anywhere, and others like those.
# https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
_COMMAND = re.compile(r"^(?P<start>\s*):(?=:)|#(?=#[a-z]*\[)", re.MULTILINE | re.IGNORECASE)


def harmless(text: str) -> str:
    """A text without what could steer a terminal, or is there unseen: a ticket's title or a log may hold anything.

    Bytes that were no UTF-8 are shown as escapes.
    """
    return _CONTROL.sub("", text.replace("\r\n", "\n")).encode("utf-8", "backslashreplace").decode()


def disobeyed(text: str) -> str:
    """A text of whole lines in which a space breaks whatever a CI's runner would take for a command."""
    return _COMMAND.sub(lambda found: f"{found['start']}: " if found["start"] is not None else "# ", text)


def harmless_json(text: str) -> str:
    """JSON that means the same and holds nothing that a CI's runner would obey; only its strings could."""
    return re.sub(r"#(?=#[a-z]*\[)", r"\\u0023", text, flags=re.IGNORECASE)


OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Watch:
    """Probes under way: who hears what each prints, and whom to tell that one has ended, by its place."""

    listeners: Sequence[OnLine]
    ended: Callable[[int], None]


@dataclass
class Console:
    """Tells the story of a session: colour and a moving line on a terminal, plain lines elsewhere.

    ``NO_COLOR`` and ``FORCE_COLOR`` are honoured (by rich). With ``--json`` everything goes to standard error.
    """

    to_stderr: bool = False
    terminal: RichConsole = field(init=False)
    probes_run: int = 0
    _to_come: int = 0

    def __post_init__(self) -> None:
        file = sys.stderr if self.to_stderr else sys.stdout
        self.terminal = RichConsole(file=file, highlight=False, soft_wrap=True, emoji=False)

    def step(self, text: str) -> None:
        """The next thing that happens."""
        self._say("==>", f" {text}", start_style="bold cyan")

    def detail(self, text: str) -> None:
        """Something about it."""
        self._say("    ", text)

    def good(self, text: str) -> None:
        """It ended well."""
        self._say("", text, style="bold green")

    def bad(self, text: str) -> None:
        """It did not."""
        self._say("", text, style="bold red")

    def _say(self, start: str, text: str, *, start_style: str = "", style: str = "") -> None:
        # Never as rich's markup: what is said may come from a ticket.
        self.terminal.print(Text.assemble((start, start_style), (disobeyed(harmless(text)), style)))

    def show(self, markdown: str) -> None:
        """A report: rendered on a terminal, as it is written elsewhere."""
        if self.terminal.is_terminal:
            self.terminal.print(Markdown(markdown), soft_wrap=False)
        else:
            self.terminal.print(markdown, markup=False)

    @staticmethod
    def plain(text: str) -> str:
        """One line of harmless text, for whoever prints it."""
        return disobeyed(" ".join(harmless(text).split()))

    def expect(self, probes: int) -> None:
        """About so many probes are to come, the next one included."""
        self._to_come = probes

    @contextmanager
    def probes(self, wanted: Sequence[tuple[str, float | None]]) -> Iterator[Watch]:
        """Probes are under way, all at once: what each is, and how many seconds such a one took before."""
        start, first = time.monotonic(), self.probes_run + 1
        self.probes_run += len(wanted)
        whats = [f"probe {number}: {what}" for number, (what, _) in enumerate(wanted, start=first)]
        outlooks = [self._outlook(usual) for _, usual in wanted]

        def ended(place: int) -> None:
            self.detail(f"{whats[place]} · {say_duration(time.monotonic() - start)}")

        if self.terminal.is_terminal:
            lines = [what + outlook for what, outlook in zip(whats, outlooks, strict=True)]
            with self._moving(lines, [usual for _, usual in wanted]) as listeners:
                yield Watch(listeners, ended)
        else:
            for what, outlook in zip(whats, outlooks, strict=True):
                self.detail(what + outlook)
            yield Watch([lambda _line: None] * len(wanted), lambda _place: None)
        self._to_come = 0

    def _outlook(self, usual: float | None) -> str:
        words = [f"usually {say_duration(usual)}"] if usual else []
        if self._to_come > 1:
            left = f", {say_duration(usual * self._to_come)}" if usual else ""
            words.append(f"about {self._to_come} to come{left}")
        return f" ({'; '.join(words)})" if words else ""

    @contextmanager
    def _moving(self, whats: Sequence[str], usual: Sequence[float | None]) -> Iterator[list[OnLine]]:
        """A line for each that moves: what runs, the last line it printed, how long it runs and will still run."""
        column = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        words = TextColumn("{task.description}", markup=False, table_column=column)
        with Progress(SpinnerColumn(), words, _Clock(), console=self.terminal, transient=True, expand=True) as lines:

            def listener(known: str, seconds: float | None) -> OnLine:
                task = lines.add_task(known, total=seconds)
                return lambda printed: lines.update(task, description=f"{known} {harmless(printed.strip())[:60]}")

            yield [listener(harmless(what), seconds) for what, seconds in zip(whats, usual, strict=True)]


class _Clock(ProgressColumn):
    """How long a probe runs, and how long it will still run if it takes as long as usual."""

    def render(self, task: Task) -> Text:
        """``12s, 48s left``."""
        run = task.elapsed or 0.0
        left = f", {say_duration(max(task.total - run, 0.0))} left" if task.total else ""
        return Text(f"{say_duration(run)}{left}", style="cyan")

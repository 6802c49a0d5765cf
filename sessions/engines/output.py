"""What a step prints: kept on disk while it comes, told line by line, and bounded."""

from __future__ import annotations

import tempfile

from sessions.engines import Listen
from sessions.engines.bounds import Bounds, say_bytes

# Below this, a log stays in memory: most are a few lines.
_SMALL = 2**18


class StepOutput:
    """The output of a step. The listener gets lines in which paths are relative to the folder ``strip``."""

    def __init__(self, bounds: Bounds, listen: Listen, strip: str = "") -> None:
        self._bounds, self._listen, self._strip = bounds, listen, strip
        self._file = tempfile.SpooledTemporaryFile(max_size=_SMALL)  # noqa: SIM115  closed by `close`
        self._size = 0
        self._rest = b""

    @property
    def exceeded(self) -> str:
        """Why the step must be stopped, as a sentence without its full stop; empty if it need not be."""
        if self._size <= self._bounds.output:
            return ""
        return f"it printed more than {say_bytes(self._bounds.output)} ([engine] output sets how much)"

    def take(self, chunk: bytes) -> None:
        """Keep some more bytes, and tell the listener; what comes after too much is dropped."""
        if self.exceeded:
            return
        self._file.write(chunk)
        self._size += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines[-self._bounds.flood :]:
            self._tell(line + b"\n")
        if len(self._rest) > self._bounds.line:
            self._end_line()

    def close(self) -> str:
        """Tell what is left of the last line, and return the whole log; of too much, its begin and its end."""
        self._end_line()
        with self._file as file:
            file.seek(0)
            if not self.exceeded:
                return self._text(file.read())
            begin = file.read(self._bounds.kept)
            file.seek(max(self._bounds.kept, self._size - self._bounds.kept))
            return f"{self._text(begin)}\n[{self.exceeded}: the middle is left out]\n{self._text(file.read())}"

    def _end_line(self) -> None:
        if self._rest:
            self._tell(self._rest)
        self._rest = b""

    def _tell(self, line: bytes) -> None:
        for start in range(0, len(line), self._bounds.line):
            self._listen(self._text(line[start : start + self._bounds.line]))

    def _text(self, raw: bytes) -> str:
        text = raw.decode("utf-8", "replace")
        return text.replace(self._strip, "") if self._strip else text

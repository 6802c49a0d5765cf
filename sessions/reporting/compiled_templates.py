"""Keep compiled templates beside the compiled modules: to compile those of a report takes longer than to fill them."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket


class CompiledTemplates(FileSystemBytecodeCache):
    """The compiled templates of one ``kind`` of environment, for the installed version of Jinja.

    They lie in ``__pycache__``, where an installation keeps code that it runs anyway; a state folder, which may come
    from another machine, is no place for them. Jinja compiles a template anew when its text has changed.
    """

    def __init__(self, kind: str) -> None:
        folder = Path(__file__).parent / "__pycache__"
        if not sys.dont_write_bytecode:
            with suppress(OSError):  # then nothing is kept
                folder.mkdir(exist_ok=True)
        super().__init__(str(folder), f"jinja-{version('jinja2')}-{kind}-%s.cache")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a compiled template, if there is one that can be read."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template, unless Python keeps no compiled modules or the folder cannot be written."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                super().dump_bytecode(bucket)

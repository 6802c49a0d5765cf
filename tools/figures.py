"""``nox -s figures``: measure the code, and write the table of figures into ``docs/architecture.md``."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "sessions"
BEGIN, END = "<!-- figures: `nox -s figures` writes this table -->", "<!-- end of figures -->"
# The bundled sample is material, not our code.
_LEFT_OUT = Path("sessions/sample/project")


@dataclass(frozen=True)
class Module:
    """A parsed module of the package, under its dotted name; ``is_package`` for an ``__init__.py``."""

    name: str
    tree: ast.Module
    lines: int
    is_package: bool

    @property
    def is_loose(self) -> bool:
        """Whether it lies in no room."""
        return self.name.count(".") < 2 and not self.is_package


@dataclass(frozen=True)
class Figure:
    """One row of the table: a value, its bound (None: none), and the names that exceed the bound or hold the value."""

    title: str
    value: int
    bound: int | None
    names: tuple[str, ...] = ()

    def row(self) -> str:
        """Return the row of a Markdown table."""
        bound = "" if self.bound is None else str(self.bound)
        return f"| {self.title} | {self.value:,} | {bound} | {', '.join(f'`{name}`' for name in self.names)} |"


def main() -> None:
    """Write the table into the documentation."""
    path = ROOT / "docs" / "architecture.md"
    path.write_text(replace_table(path.read_text(encoding="utf-8"), format_table(measure(ROOT))), encoding="utf-8")


def replace_table(page: str, table: str) -> str:
    """Return the page of figures with another table.

    Raises ValueError if the page does not have each marker once.
    """
    return replace_between(page, BEGIN, END, table)


def replace_between(page: str, begin: str, end: str, table: str) -> str:
    """Return the page with another table between two markers.

    Raises ValueError if the page does not have both.
    """
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page needs the lines {begin} and {end}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def format_table(figures: list[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = ["| figure | value | at most | where |", "|---|---|---|---|"]
    return "\n".join([*rows, *(figure.row() for figure in figures)])


def measure(root: Path) -> list[Figure]:
    """Measure the package below ``root``."""
    modules = list(_modules(root))
    dead = list(_dead_code(root))
    return [
        Figure("modules", len(modules), None),
        Figure("lines", sum(module.lines for module in modules), None),
        _largest("lines of the longest function", 40, dict(_function_lengths(modules))),
        _largest("methods of the largest class, protocols aside", 12, dict(_method_counts(modules))),
        _largest("modules of ours that a module imports, stories aside", 12, _import_counts(modules)),
        _count("public names defined in two modules", dict(_names_defined_twice(modules))),
        _count("modules beside the stories and `main`", {each.name: 1 for each in modules if _is_misplaced(each)}),
        _count("unused names that vulture finds", dict.fromkeys(dead, 1)),
    ]


def _largest(title: str, bound: int, sizes: dict[str, int]) -> Figure:
    """Return the largest size, and the names of those above the bound, or else of the largest one."""
    largest = max(sizes.values(), default=0)
    above = sorted((name for name, size in sizes.items() if size > bound), key=lambda name: (-sizes[name], name))
    return Figure(title, largest, bound, tuple(above or sorted(name for name in sizes if sizes[name] == largest)[:1]))


def _count(title: str, found: dict[str, int]) -> Figure:
    return Figure(title, len(found), 0, tuple(sorted(found)))


def _modules(root: Path) -> Iterator[Module]:
    for path in sorted((root / PACKAGE).rglob("*.py")):
        relative = path.relative_to(root)
        if not relative.is_relative_to(_LEFT_OUT):
            text = path.read_text(encoding="utf-8")
            name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            yield Module(name, ast.parse(text), text.count("\n"), path.name == "__init__.py")


def _function_lengths(modules: list[Module]) -> Iterator[tuple[str, int]]:
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None  # noqa: S101  the parser gives every node one
                yield f"{_short(module.name)}.{node.name}", node.end_lineno - node.lineno + 1


def _method_counts(modules: list[Module]) -> Iterator[tuple[str, int]]:
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and "Protocol" not in map(_name_of, node.bases):
                methods = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
                yield f"{_short(module.name)}.{node.name}", len(methods)


def _import_counts(modules: list[Module]) -> dict[str, int]:
    """Count the modules of the package that each module imports, stories and ``main`` aside."""
    known = {module.name for module in modules}
    return {_short(each.name): len(set(_imported(each, known)) - {PACKAGE}) for each in modules if not each.is_loose}


def _imported(module: Module, known: set[str]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in known else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)


def _names_defined_twice(modules: list[Module]) -> Iterator[tuple[str, int]]:
    """Yield each public function, class or type that several modules define at their top, with their number.

    A format is a module with a function ``read``: that is its contract, not a name that is used twice.
    """
    defined = defaultdict[str, set[str]](set)
    for module in modules:
        for node in module.tree.body:
            for name in _defined_by(node):
                if not name.startswith("_") and not (name == "read" and ".gates.formats." in module.name):
                    defined[name].add(module.name)
    yield from ((name, len(places)) for name, places in defined.items() if len(places) > 1)


def _defined_by(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name for name in map(_name_of, targets) if name and not name.isupper()]


def _is_misplaced(module: Module) -> bool:
    """Whether a module lies in no room and is no story: a story's module defines a function of its own name."""
    story = module.name.rpartition(".")[2]
    return module.is_loose and story != "main" and all(story not in _defined_by(node) for node in module.tree.body)


def _dead_code(root: Path) -> Iterator[str]:
    """Yield what vulture finds unused, with the settings in ``pyproject.toml``."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["vulture"]
    vulture = Vulture(ignore_names=settings["ignore_names"], ignore_decorators=settings["ignore_decorators"])
    vulture.scavenge([root / path for path in settings["paths"]], exclude=[f"*{each}*" for each in settings["exclude"]])
    for item in vulture.get_unused_code(min_confidence=60):
        yield f"{Path(item.filename).stem}.{item.name}"


def _name_of(node: ast.expr) -> str:
    node = node.value if isinstance(node, ast.Subscript) else node  # Protocol[T]
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _short(name: str) -> str:
    return name.removeprefix(f"{PACKAGE}.")


if __name__ == "__main__":
    main()

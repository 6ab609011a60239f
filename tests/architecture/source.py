"""The source as the architecture tests see it: files, syntax trees, imports."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gateway.service import SERVICE as GATEWAY

ROOT = Path(__file__).parents[2]
PARTS = ("services", "gateway", "shared", "deploy")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class File:
    """One source file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def module(self) -> str:
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def functions(self) -> Iterator[Function]:
        return (n for n in ast.walk(self.tree) if isinstance(n, Function))

    def imports(self) -> Iterator[str]:
        """Every module this file imports, as precisely as it says."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(*parts: str) -> list[File]:
    """All source files of the named parts of the suite."""
    return [File(p) for part in (parts or PARTS) for p in sorted((ROOT / part).rglob("*.py"))]


def capabilities() -> list[Path]:
    """Every capability's folder: what is below a service, and what the gateway's manifest names."""
    below_services = (p.parent for p in sorted((ROOT / "services").glob("*/*/__init__.py")))
    return [folder for folder in below_services if folder.name != "migrations"] + [
        ROOT / "gateway" / name for name in GATEWAY.capabilities
    ]


def capability_files() -> list[File]:
    """All source files of capabilities."""
    return [File(p) for folder in capabilities() for p in sorted(folder.rglob("*.py"))]

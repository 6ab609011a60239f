"""A guide of docs/ done as it says: its files and edits applied to a copy of the source, its commands run there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"^\*\*`(?P<path>[^`]+)`\*\*\n\n```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", ".data", "__pycache__", ".*_cache", ".hypothesis")


@dataclass(frozen=True)
class Step:
    """One block of a guide: a new file, or an edit of one that is there."""

    path: str
    kind: str
    body: str

    def apply(self, tree: Path) -> None:
        """Write the file, or put the edit where its lines without `+` stand, once."""
        path = tree / self.path
        if self.kind != "diff":
            assert not path.exists(), f"{self.path} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.body)
            return
        lines = self.body.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        after = "".join(line[1:] for line in lines if line[0] != "-")
        text = path.read_text()
        assert text.count(before) == 1, f"{self.path} has not, or not once:\n{before}"
        path.write_text(text.replace(before, after))


def steps(guide: str) -> Iterator[Step]:
    """The blocks of a guide under the name of a file, in their order."""
    for found in BLOCK.finditer((ROOT / "docs" / guide).read_text()):
        yield Step(found["path"], found["kind"], found["body"])


@dataclass(frozen=True)
class Tree:
    """A copy of the source, as in another clone."""

    path: Path

    @classmethod
    def copied_to(cls, path: Path) -> "Tree":
        """Copy this one and commit it there."""
        shutil.copytree(ROOT, path, ignore=LEFT_BEHIND)
        tree = cls(path)
        tree.git("init", "-q")
        tree.git("add", "-A")
        tree.git(
            "-c",
            "user.name=A stranger",
            "-c",
            "user.email=stranger@example.org",
            "commit",
            "-q",
            "-m",
            "Before",
        )
        return tree

    def git(self, *arguments: str) -> str:
        """Run git there."""
        return self.run("git", *arguments)

    def python(self, *arguments: str, fails: bool = False, **environment: str) -> str:
        """Run this Python there; returns what it printed."""
        return self.run(sys.executable, *arguments, fails=fails, **environment)

    def run(self, *command: str, fails: bool = False, **environment: str) -> str:
        """Run a command there, which succeeds or, as told, fails; returns what it printed."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GIT_"))}
        done = subprocess.run(
            command,
            cwd=self.path,
            env=kept | environment,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        told = done.stdout + done.stderr
        assert bool(done.returncode) is fails, f"{command}: {told[-6000:]}"
        return told

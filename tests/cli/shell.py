"""The real command line, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ESCAPE = "\x1b"


@dataclass(frozen=True)
class Shell:
    """Runs commands in a folder, with a cache of traces of its own."""

    folder: Path
    cache: Path

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HWCOST", "NO_COLOR"))}
        return {**kept, "XDG_CACHE_HOME": str(self.cache), **changes}

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hwcost", *words],
            cwd=self.folder,
            env=self.environment(**(env or {})),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def out(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """Standard output of a command that succeeds."""
        done = self.run(*words, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

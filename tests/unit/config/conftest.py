"""A folder with files, a folder with secrets, and a process environment that is a plain dict."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from service.config import ConfigurationError, Loaded, load


@dataclass
class World:
    """Everything that `load` may look at."""

    directory: Path
    secrets_dir: Path
    environ: dict[str, str] = field(default_factory=dict[str, str])

    def file(self, text: str, name: str = "ai-provider.yml") -> Path:
        path = self.directory / name
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def secret(self, name: str, text: str) -> Path:
        path = self.secrets_dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, **environ: str) -> Loaded:
        return load(
            {**self.environ, **environ}, directory=self.directory, secrets_dir=self.secrets_dir
        )

    def problems(self, **environ: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            self.load(**environ)
        assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def world(tmp_path: Path) -> World:
    directory, secrets_dir = tmp_path / "config", tmp_path / "secrets"
    directory.mkdir()
    secrets_dir.mkdir()
    return World(directory, secrets_dir)

"""The files of the page: all of them, wherever the service is installed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hatchling.build import build_wheel

from service.page.files import files

ROOT = Path(__file__).parents[3]


def test_the_wheel_holds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is served from the tree is in the distribution, too."""
    monkeypatch.chdir(ROOT)
    wheel = build_wheel(str(tmp_path))
    with zipfile.ZipFile(tmp_path / wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}

    for path, file in files().items():
        name = "/index.html" if path == "/" else path
        assert file.content == packed[f"service/page/static{name}"]


def test_each_has_a_type() -> None:
    """A browser that is told not to guess needs one."""
    kinds = {path.rpartition(".")[2]: file.type.split(";")[0] for path, file in files().items()}

    assert {
        "html": "text/html",
        "css": "text/css",
        "js": "text/javascript",
    }.items() <= kinds.items()
    assert "image/svg+xml" == kinds["svg"]

"""The page and the examples say what the schema says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from service.config import load
from service.config.settings import Settings
from service.config.shape import fields

_ROOT = Path(__file__).resolve().parents[3]
_EXAMPLES = _ROOT / "deploy" / "config"


def test_the_page_is_fresh() -> None:
    """docs/configuration.md is what tools/config_docs.py prints."""
    done = subprocess.run(
        [sys.executable, str(_ROOT / "tools" / "config_docs.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_every_setting_is_described() -> None:
    """A setting without a description would be an empty cell in the page."""
    bare = [".".join(path) for path, info, _ in fields(Settings) if not info.description]

    assert [] == bare


def test_the_examples_are_valid(tmp_path: Path) -> None:
    """Both files load, in the environment that they are for, and both have a say."""
    shutil.copytree(_EXAMPLES, tmp_path / "config")

    loaded = load(
        {"AI_PROVIDER_ENVIRONMENT": "production", "OPENAI_API_KEY": "sk-test-key"},
        directory=tmp_path / "config",
        secrets_dir=tmp_path / "none",
    )

    assert ["openai"] == list(loaded.settings.active_providers)
    assert loaded.origin("cache.ttl").name == "production.yml"
    assert loaded.origin("providers.openai.priority").name == "ai-provider.yml"
    assert () == loaded.warnings


def test_what_the_example_leaves_out_is_valid_too(tmp_path: Path) -> None:
    """The commented lines are real settings: uncommented they are YAML without unknown keys."""
    text = (_EXAMPLES / "ai-provider.yml").read_text()
    lines = re.sub(r"(?m)^( *)# ((?:  )*(?:- )?(?:[a-z_0-9]+:|\{).*)$", r"\1\2", text)
    data = yaml.safe_load(lines)
    for name in ("cert_file", "key_file", "client_ca_file"):
        path = tmp_path / name
        path.touch()
        data["server"]["tls"][name] = str(path)
    data["auth"]["keys"][0]["key_sha256"] = "0" * 64
    data["alerts"]["webhooks"][0]["secret"] = "0" * 16
    (tmp_path / "ai-provider.yml").write_text(yaml.safe_dump(data))

    settings = load({}, directory=tmp_path, secrets_dir=tmp_path / "none").settings

    assert settings.server.tls.enabled
    assert "shop" == settings.auth.keys[0].tenant
    assert "batch" == settings.auth.client_certificates[0].caller
    assert {"team", "product"} == settings.analytics.labels
    assert ["gpt-4o"] == list(settings.prices[0].models)
    assert 8006 == settings.admin.port


def test_litellm_is_not_imported() -> None:
    """Loading the configuration pulls in neither the library nor the server."""
    code = (
        "import sys, service.config as c; c.load({});"
        "print([m for m in ('litellm', 'grpc', 'aiohttp', 'structlog') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )

    assert "[]\n" == done.stdout

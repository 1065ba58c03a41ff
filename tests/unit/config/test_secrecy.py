"""No secret is ever shown: not in text, not in errors, not in dumps."""

from __future__ import annotations

import logging
import string
import tempfile
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from service.config import ConfigurationError, Loaded, load, secrets
from service.config.report import describe, describe_json, looked_for, summary
from tests.unit.config.conftest import World

_CHARACTERS = string.ascii_letters + string.digits + "-_.~+/="
# The rim keeps a word of the output itself, which would be found there, from being a key.
_KEYS = st.text(_CHARACTERS, min_size=8, max_size=40).map(lambda text: f"~{text}~")


def _everything(loaded: Loaded) -> str:
    settings = loaded.settings
    return "\n".join(
        (
            describe(loaded),
            describe_json(loaded),
            looked_for(loaded),
            summary(loaded),
            repr(loaded),
            str(loaded),
            str(settings),
            repr(settings.model_dump()),
            settings.model_dump_json(),
            *loaded.warnings,
        )
    )


@trials(max_examples=30, deadline=None)
@given(key=_KEYS)
def test_a_secret_is_shown_nowhere(key: str) -> None:
    """Whatever the secret is, and wherever it stands, nothing that is printed holds it."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "ai-provider.yml").write_text(
            f"auth: {{keys: [{{caller: c, tenant: t, key: 'b{key}'}}]}}\n"
            f"providers: {{deepseek: {{api_key: 'c{key}'}}}}"
        )
        (directory / "anthropic_api_key").write_text(f"d{key}")
        environ = {
            "OPENAI_API_KEY": f"a{key}",
            "GOOGLE_API_KEY": f"e{key}",
            "GEMINI_API_KEY": f"f{key}",
            "AI_PROVIDER__PROVIDERS__OPENAI__HEADERS": f'{{"X-Secret": "g{key}"}}',
            "REDIS_URL": f"redis://user:{key.replace('/', '_')}@host:6379/0",
        }

        loaded = load(environ, directory=directory, secrets_dir=directory)

        assert key not in _everything(loaded)
        known = secrets(loaded.settings)
        assert {f"{letter}{key}" for letter in "abcdeg"} < set(known)
        assert key.replace("/", "_") in known


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "hush hush"),
        ("OPENAI_PRIORITY", "hush hush"),
        ("OPENAI_BASE_URL", "https://user:hush hush@host"),
        ("OPENAI_BASE_URL", "hush hush"),
        ("REDIS_URL", "http://:hush hush@host"),
        ("REDIS_URL", "redis://:hush hush@[::1"),
        ("AI_PROVIDER_API_KEYS", "hush hush"),
        ("AI_PROVIDER_API_KEYS", "t:c:hush hush"),
        ("AI_PROVIDER_API_KEYS", '[{"caller": "c", "key": "hush hush"'),
        ("AI_PROVIDER__AUTH__KEYS", '[{"caller": "c", "key": "hush hush"}]'),
        ("AI_PROVIDER__PROVIDERS", '{"openai": "hush hush"}'),
        ("AI_PROVIDER__PROVIDERS__OPENAI__HEADERS", "hush hush"),
        ("AI_PROVIDER__PROVIDERS__OPENAI__HEADERS", '{"X": "hush hush\\n"}'),
        ("AI_PROVIDER_PROT", "hush hush"),
    ],
)
def test_a_refused_secret_is_not_repeated(world: World, name: str, value: str) -> None:
    """An error, its parts and its traceback tell what is wrong with a value, never the value."""
    with pytest.raises(ConfigurationError) as caught:
        world.load(**{name: value})

    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.problems)
    assert "hush" not in told
    assert name in told


def test_a_refused_secret_in_a_file_is_not_repeated(world: World) -> None:
    """The same holds for files: a line is told, not what stands there."""
    world.file("providers:\n  openai:\n    api_key: [hush hush]\n    headers: {X: {y: hush hush}}")

    with pytest.raises(ConfigurationError) as caught:
        world.load()

    told = "".join(traceback.format_exception(caught.value))
    assert "hush" not in told
    assert "ai-provider.yml:3" in told


def test_the_debug_switch_of_the_library_stays_off(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """pydantic-settings can log raw values on demand; here it cannot."""
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG)

    world.load(OPENAI_API_KEY="hush-hush-hush")

    assert "hush" not in caplog.text


def test_a_redis_url_is_shown_without_its_password(world: World) -> None:
    """Host, port and database help; the password does not."""
    loaded = world.load(REDIS_URL="rediss://user:pass%21word@host:6379/2")

    assert "rediss://user:********@host:6379/2" in describe(loaded)
    assert {"pass!word", "pass%21word"} < set(secrets(loaded.settings))
    assert () == secrets(world.load(REDIS_URL="redis://host/0").settings)

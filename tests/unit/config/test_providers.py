"""Which providers are asked, in which order, and what is said when there is none."""

from __future__ import annotations

import pytest

from service.config import BUILT_IN, ProviderSettings, Settings
from service.config.endpoints import standing
from service.config.report import looked_for
from tests.unit.config.conftest import World


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("openai", {}, (False, "no API key")),
        ("openai", {"enabled": True}, (False, "no API key")),
        ("openai", {"api_key": "sk-key"}, (True, "has an API key")),
        ("openai", {"api_key": "sk-key", "enabled": False}, (False, "switched off")),
        ("openai", {"base_url": "http://127.0.0.1:1"}, (False, "no API key")),
        ("openai", {"base_url": "http://127.0.0.1:1", "enabled": True}, (True, "switched on")),
        ("local", {"base_url": "http://127.0.0.1:1"}, (True, "has a base URL of its own")),
        ("bedrock", {"kind": "litellm"}, (False, "no API key")),
        ("bedrock", {"kind": "litellm", "enabled": True}, (True, "switched on")),
    ],
)
def test_who_is_asked(name: str, values: dict[str, object], expected: tuple[bool, str]) -> None:
    """A provider is asked when it could answer: it has a key, or needs none."""
    provider = ProviderSettings.model_validate({**BUILT_IN.get(name, {}), **values})

    assert expected == standing(name, provider)


def test_the_lowest_priority_is_asked_first(world: World) -> None:
    """Priorities order the providers; equal ones keep the order in which they are built in."""
    settings = world.load(
        OPENAI_API_KEY="sk-key",
        ANTHROPIC_API_KEY="sk-key",
        DEEPSEEK_API_KEY="sk-key",
        DEEPSEEK_PRIORITY="1",
        ANTHROPIC_PRIORITY="10",
    ).settings

    assert ["deepseek", "openai", "anthropic"] == list(settings.active_providers)


def test_nobody_to_ask(world: World) -> None:
    """The message names every variable, secret and key that was looked for, and the files."""
    world.file("providers: {deepseek: {enabled: false}}")

    lines = looked_for(world.load()).splitlines()

    secrets = world.secrets_dir
    assert [
        (
            f"openai: no API key; looked for the variable OPENAI_API_KEY, the secret"
            f" {secrets}/openai_api_key, and the key providers.openai.api_key"
        ),
        (
            f"anthropic: no API key; looked for the variable ANTHROPIC_API_KEY, the secret"
            f" {secrets}/anthropic_api_key, and the key providers.anthropic.api_key"
        ),
        (
            f"google: no API key; looked for the variable GOOGLE_API_KEY or GEMINI_API_KEY,"
            f" the secret {secrets}/google_api_key or {secrets}/gemini_api_key,"
            " and the key providers.google.api_key"
        ),
        "deepseek: switched off by ai-provider.yml:1",
        f"{world.directory}/ai-provider.yml: read",
        f"{world.directory}/development.yml: not there",
        (
            "an OpenAI-compatible server of your own:"
            " AI_PROVIDER__PROVIDERS__LOCAL__BASE_URL=http://127.0.0.1:8000/v1"
        ),
    ] == lines


def test_enabled_without_a_key_is_told(world: World) -> None:
    """A provider that is switched on and cannot answer is not asked, and that is said."""
    loaded = world.load(OPENAI_ENABLED="true")

    assert () == tuple(loaded.settings.active_providers)
    assert ("providers.openai is enabled but has no API key; it is not asked",) == loaded.warnings


def test_settings_by_hand_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Settings(...)` is the defaults and what is given, whatever the surroundings say."""
    monkeypatch.setenv("SERVICE__PORT", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-key")

    settings = Settings.model_validate({"providers": {"openai": {"priority": 5}}})

    assert 8005 == settings.service.port
    openai = settings.providers["openai"]
    assert (5, "https://api.openai.com/v1", None) == (
        openai.priority,
        openai.base_url,
        openai.api_key,
    )

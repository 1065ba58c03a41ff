"""Which source wins, and what each of them is called."""

from __future__ import annotations

import pytest

from tests.unit.config.conftest import World

_LAYERS = ("default", "environment file", "service file", "secret", "variable")


@pytest.mark.parametrize("count", range(len(_LAYERS)))
def test_the_strongest_source_wins(world: World, count: int) -> None:
    """Environment over secrets over ai-provider.yml over <environment>.yml over defaults."""
    present = _LAYERS[: count + 1]
    if "environment file" in present:
        world.file("providers: {openai: {max_tokens: 1}}", "development.yml")
    if "service file" in present:
        world.file("providers: {openai: {max_tokens: 2}}")
    if "secret" in present:
        world.secret("openai_max_tokens", "3\n")
    if "variable" in present:
        world.environ["OPENAI_MAX_TOKENS"] = "4"

    loaded = world.load()

    assert (None, 1, 2, 3, 4)[count] == loaded.settings.providers["openai"].max_tokens
    expected = (
        "default",
        "development.yml:1",
        "ai-provider.yml:1",
        "secret openai_max_tokens",
        "environment OPENAI_MAX_TOKENS",
    )
    assert expected[count] == str(loaded.origin("providers.openai.max_tokens"))


def test_sources_merge_key_by_key(world: World) -> None:
    """A source that says one key of a section leaves the others to the weaker sources."""
    world.file("providers: {openai: {priority: 1}}\nlogging: {level: error}")
    world.file("providers: {openai: {temperature: 0.1}}\ncache: {ttl: 600}", "development.yml")
    world.secret("openai_api_key", "sk-from-a-secret")

    openai = world.load(OPENAI_TIMEOUT="7").settings.providers["openai"]

    assert (1, 0.1, 7.0) == (openai.priority, openai.temperature, openai.timeouts.attempt_s)
    assert openai.api_key is not None
    assert openai.api_key.get_secret_value() == "sk-from-a-secret"
    assert openai.base_url == "https://api.openai.com/v1"


def test_a_list_is_replaced_as_a_whole(world: World) -> None:
    """Lists of two sources never mix."""
    world.file("providers: {openai: {models: [one, two]}}")

    names = [m.name for m in world.load(OPENAI_MODELS="three").settings.providers["openai"].models]

    assert names == ["three"]


def test_the_overviews_files_are_valid(world: World) -> None:
    """Every name of the original overview is accepted and means what it says."""
    world.file("""
        service:
          name: ai-provider
          version: 1.0.0
          description: AI Provider microservice
        providers:
          openai:
            priority: 1
            enabled: true
          anthropic: {priority: 2, enabled: true, cost_per_token: 0.00001}
    """)
    world.file(
        """
        logging:
          level: warning

        cache:
          ttl: 600
          redis_url: redis://prod-redis:6379/0
        """,
        "production.yml",
    )

    settings = world.load(
        AI_PROVIDER_ENVIRONMENT="production",
        AI_PROVIDER_PORT="8006",
        AI_PROVIDER_LOG_LEVEL="INFO",
        OPENAI_API_KEY="sk-test-key",
        ANTHROPIC_MAX_TOKENS="4001",
    ).settings

    assert ("1.0.0", 8006) == (settings.service.version, settings.service.port)
    assert ("info", 600.0) == (settings.logging.level.value, settings.cache.ttl_s)
    assert str(settings.cache.redis_url) == "redis://prod-redis:6379/0"
    assert settings.providers["anthropic"].max_tokens == 4001
    assert ["openai"] == list(settings.active_providers)


def test_defaults_are_the_overviews(world: World) -> None:
    """Without any source the overview's defaults are in force."""
    settings = world.load().settings

    assert ("0.0.0.0", 8005) == (settings.service.host, settings.service.port)
    assert ("info", "json") == (settings.logging.level.value, settings.logging.format.value)
    cache = settings.cache
    assert (True, 300, 30, 60) == (
        cache.enabled,
        cache.ttl_s,
        cache.health_ttl_s,
        cache.metrics_ttl_s,
    )
    completion = settings.completion
    assert (0.7, 4000) == (completion.temperature, completion.max_output_tokens)


@pytest.mark.parametrize(
    ("environ", "text", "expected"),
    [
        ({}, "", "development"),
        ({}, "service: {environment: staging}", "staging"),
        (
            {"AI_PROVIDER_ENVIRONMENT": "production"},
            "service: {environment: staging}",
            "production",
        ),
    ],
)
def test_the_environment_chooses_the_file(
    world: World, environ: dict[str, str], text: str, expected: str
) -> None:
    """The variable, else ai-provider.yml, else development says which other file is read."""
    world.file(text)
    for number, name in enumerate(("development", "staging", "production"), start=1):
        world.file(f"limits: {{attempts_max: {number}}}", f"{name}.yml")

    loaded = world.load(**environ)

    assert expected == loaded.settings.service.environment
    assert f"{expected}.yml:1" == str(loaded.origin("limits.attempts_max"))

"""Mistakes outside of files: in variables and in docker secrets."""

from __future__ import annotations

import pytest

from tests.unit.config.conftest import World


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "AI_PROVIDER_PROT",
            "1",
            "environment AI_PROVIDER_PROT: unknown variable; did you mean AI_PROVIDER_PORT?",
        ),
        (
            "AI_PROVIDER__SERVR__REFLECTION",
            "1",
            (
                "environment AI_PROVIDER__SERVR__REFLECTION: unknown variable;"
                " did you mean AI_PROVIDER__SERVER__REFLECTION?"
            ),
        ),
        (
            "AI_PROVIDER__SERVER__REFLECTON",
            "1",
            (
                "environment AI_PROVIDER__SERVER__REFLECTON: server.reflecton: unknown key;"
                " did you mean 'reflection'?"
            ),
        ),
        (
            "AI_PROVIDER__QQQQ",
            "1",
            "environment AI_PROVIDER__QQQQ: unknown variable; see docs/configuration.md",
        ),
        (
            "AI_PROVIDER__PROVIDERS__OPENIA__API_KEY",
            "sk-key",
            (
                "environment AI_PROVIDER__PROVIDERS__OPENIA__API_KEY: providers.openia:"
                " needs a base_url: it is not a built-in provider; did you mean 'openai'?"
            ),
        ),
        (
            "ANTHROPIC_MAX_TOKENS",
            "many",
            (
                "environment ANTHROPIC_MAX_TOKENS: providers.anthropic.max_tokens:"
                " must be a valid integer, unable to parse string as an integer"
            ),
        ),
        (
            "AI_PROVIDER__PROVIDERS__OPENAI__HEADERS",
            "{broken",
            (
                "environment AI_PROVIDER__PROVIDERS__OPENAI__HEADERS: providers.openai.headers:"
                " must be a mapping"
            ),
        ),
        (
            "AI_PROVIDER_ENVIRONMENT",
            "../production",
            (
                "environment AI_PROVIDER_ENVIRONMENT: service.environment:"
                " must match pattern '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$'"
            ),
        ),
    ],
)
def test_a_mistake_in_a_variable(world: World, name: str, value: str, expected: str) -> None:
    """It is told with the variable's name."""
    assert [expected] == world.problems(**{name: value})


def test_a_mistake_in_a_secret(world: World) -> None:
    """It is told with the secret's name, as the file spells it."""
    world.secret("OpenAI_Priority", "first")

    assert [
        (
            "secret OpenAI_Priority: providers.openai.priority:"
            " must be a valid integer, unable to parse string as an integer"
        )
    ] == world.problems()

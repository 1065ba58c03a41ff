"""What is wrong with a configuration is told with its place, and all of it at once."""

from __future__ import annotations

import pytest

from service.config import Problem
from tests.unit.config.conftest import World


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "providers:\n  openai:\n    prority: 1",
            ["ai-provider.yml:3: providers.openai.prority: unknown key; did you mean 'priority'?"],
        ),
        (
            "\nporviders: {}",
            ["ai-provider.yml:2: porviders: unknown key; did you mean 'providers'?"],
        ),
        (
            "port: 1",
            ["ai-provider.yml:1: port: unknown key; did you mean 'service.port' or 'admin.port'?"],
        ),
        (
            "logging: {qqqq: 1}",
            ["ai-provider.yml:1: logging.qqqq: unknown key; known keys: level, format"],
        ),
        (
            "service:\n  port: 70000",
            ["ai-provider.yml:2: service.port: must be less than or equal to 65535"],
        ),
        (
            "logging: {level: loud}",
            [
                (
                    "ai-provider.yml:1: logging.level: must be"
                    " 'debug', 'info', 'warning', 'error' or 'critical'"
                )
            ],
        ),
        (
            "routing:\n  aliases:\n    a: [x, 'gpt-*']\n    b: []\n  fallbacks: {'g-*': [x]}",
            [
                (
                    "ai-provider.yml:3: routing.aliases.a[1]: must be the name of one model,"
                    " not a pattern"
                ),
                "ai-provider.yml:4: routing.aliases.b: must name at least one model",
                (
                    "ai-provider.yml:5: routing.fallbacks.g-*: must be the name of one model,"
                    " not a pattern"
                ),
            ],
        ),
        ("cache: 5", ["ai-provider.yml:1: cache: must be a mapping"]),
        (
            "providers:\n  openai:\n    models: gpt-5",
            ["ai-provider.yml:3: providers.openai.models: must be a list"],
        ),
        (
            "deadlines:\n  default_s: .nan",
            ["ai-provider.yml:2: deadlines.default_s: must be a finite number"],
        ),
        (
            "deadlines: {default_s: 700}",
            ["ai-provider.yml:1: deadlines: default_s (700) is more than max_s (600)"],
        ),
        (
            "providers:\n  local:\n    api_key: some-key",
            [
                (
                    "ai-provider.yml:2: providers.local:"
                    " needs a base_url: it is not a built-in provider"
                )
            ],
        ),
        (
            "providers:\n  opnai: {priority: 1}",
            [
                (
                    "ai-provider.yml:2: providers.opnai:"
                    " needs a base_url: it is not a built-in provider; did you mean 'openai'?"
                )
            ],
        ),
        (
            "providers: {x: {kind: litellm, engine: native}}",
            ["ai-provider.yml:1: providers.x: kind `litellm` has no native engine"],
        ),
        (
            "providers: {openai: {base_url: 'https://user:pass@host'}}",
            [
                (
                    "ai-provider.yml:1: providers.openai.base_url:"
                    " must not hold a user or a password; put the key into api_key"
                )
            ],
        ),
        (
            "cache: {redis_url: 'http://host'}",
            [
                (
                    "ai-provider.yml:1: cache.redis_url:"
                    " must be a URL that begins with redis:// or rediss:// or unix://"
                )
            ],
        ),
        (
            "server:\n  tls:\n    cert_file: nowhere.pem",
            ["ai-provider.yml:3: server.tls.cert_file: no such file"],
        ),
        (
            "server: {tls: {require_client_cert: true}}",
            ["ai-provider.yml:1: server.tls: require_client_cert needs client_ca_file"],
        ),
        (
            "auth:\n  keys:\n    - {caller: a, key: k}\n    - oops",
            [
                "ai-provider.yml:3: auth.keys[0].tenant: is required",
                "ai-provider.yml:4: auth.keys[1]: must be of the form TENANT:CALLER:KEY",
            ],
        ),
        (
            "auth: {keys: ['t:a:same', 't:b:same']}",
            ["ai-provider.yml:1: auth: keys: the same key stands there twice"],
        ),
        (
            "auth: {keys: [{caller: a, tenant: t}]}",
            ["ai-provider.yml:1: auth.keys[0]: needs either key or key_sha256"],
        ),
    ],
)
def test_a_mistake_in_a_file(world: World, text: str, expected: list[str]) -> None:
    """It is told with file, line and field, what is wrong, and what was probably meant."""
    world.file(text)

    assert expected == world.problems()


def test_all_mistakes_at_once(world: World) -> None:
    """Every source is checked alone too: a stronger one hides no mistake in a weaker one."""
    world.file("service:\n  prot: 1\n  port: 99999")
    world.file("service: {port: http}", "development.yml")

    assert [
        "ai-provider.yml:2: service.prot: unknown key; did you mean 'port'?",
        "ai-provider.yml:3: service.port: must be less than or equal to 65535",
        (
            "development.yml:1: service.port: must be a valid integer,"
            " unable to parse string as an integer"
        ),
        "environment AI_PROVIDER_LOGLEVEL: unknown variable; did you mean AI_PROVIDER_LOG_LEVEL?",
    ] == world.problems(AI_PROVIDER_PORT="8005", AI_PROVIDER_LOGLEVEL="info")


def test_half_a_setting_in_each_source(world: World) -> None:
    """What one source leaves to another is no mistake in it."""
    world.file("providers: {local: {priority: 5}}", "development.yml")
    world.secret("local_api_key", "some-key")

    loaded = world.load(LOCAL_BASE_URL="http://127.0.0.1:1")

    assert ["local"] == list(loaded.settings.active_providers)


@pytest.mark.parametrize(
    "name", ["AI_PROVIDER_CONFIG", "AI_PROVIDER_CONFIG_DIR", "AI_PROVIDER_SECRETS_DIR"]
)
def test_a_named_place_must_exist(world: World, name: str) -> None:
    """A file or a directory that a variable names and that is not there is a mistake."""
    missing = str(world.directory / "missing")

    assert [f"environment {name}: {missing}: not there, or not accessible"] == world.problems(
        **{name: missing}
    )


def test_the_secrets_must_be_a_directory(world: World) -> None:
    """What cannot be listed is told; that there are no secrets is no mistake."""
    world.secrets_dir = world.file("", "not-a-directory")

    assert [f"{world.secrets_dir}: cannot be read: not a directory"] == world.problems()

    world.secrets_dir = world.directory / "missing"
    assert world.load().settings.active_providers == {}


def test_a_problem_has_parts() -> None:
    """A problem is a value for machines as well as a line for people."""
    problem = Problem("ai-provider.yml:12", "service.prot", "unknown key", "did you mean 'port'?")

    assert "ai-provider.yml:12: service.prot: unknown key; did you mean 'port'?" == str(problem)

"""What the variables and the secrets are called, and which of them are ours."""

from __future__ import annotations

from pathlib import Path

from service.config import Engine, Kind, load
from tests.unit.config.conftest import World


def test_every_setting_has_a_variable(world: World) -> None:
    """The nested form reaches any depth, parses lists and JSON, and wins over a short name."""
    settings = world.load(
        AI_PROVIDER__SERVER__DRAIN__GRACE_S="5",
        AI_PROVIDER__SERVICE__PORT="1",
        AI_PROVIDER_PORT="2",
        AI_PROVIDER__PROVIDERS__LOCAL__BASE_URL="http://127.0.0.1:1/v1/",
        AI_PROVIDER__PROVIDERS__LOCAL__MODELS="small, large",
        AI_PROVIDER__PROVIDERS__OPENAI='{"priority": 3, "headers": {"X-Team": "blue"}}',
        OPENAI_API_KEY="sk-test-key",
        LOCAL_API_KEY="local-key",
    ).settings

    assert (5.0, 1) == (settings.server.drain.grace_s, settings.service.port)
    local, openai = settings.providers["local"], settings.providers["openai"]
    assert ("http://127.0.0.1:1/v1", ["small", "large"]) == (
        local.base_url,
        [model.name for model in local.models],
    )
    assert local.api_key is not None
    assert (3, "blue") == (openai.priority, openai.headers["X-Team"].get_secret_value())
    assert openai.api_key is not None


def test_a_name_with_a_dash_has_variables_with_an_underscore(world: World) -> None:
    """`my-vllm` is MY_VLLM in the environment and my_vllm among the secrets."""
    world.file("providers: {my-vllm: {base_url: 'http://127.0.0.1:1'}}")
    world.secret("my_vllm_api_key", "first-key")

    loaded = world.load(AI_PROVIDER__PROVIDERS__MY_VLLM__PRIORITY="5")

    provider = loaded.settings.providers["my-vllm"]
    assert 5 == provider.priority
    assert provider.api_key is not None
    assert "my_vllm" not in loaded.settings.providers


def test_googles_second_name(world: World) -> None:
    """GEMINI_ and GOOGLE_ mean the same provider; GOOGLE_ wins, and a difference is told."""
    loaded = world.load(GEMINI_API_KEY="gemini-key", GOOGLE_API_KEY="google-key")

    key = loaded.settings.providers["google"].api_key
    assert key is not None
    assert key.get_secret_value() == "google-key"
    assert (
        "environment GEMINI_API_KEY and GOOGLE_API_KEY differ; GOOGLE_API_KEY is used",
    ) == loaded.warnings


def test_callers_keys_from_one_variable(world: World) -> None:
    """AI_PROVIDER_API_KEYS holds TENANT:CALLER:KEY; the key itself may hold colons."""
    keys = world.load(AI_PROVIDER_API_KEYS="shop:web:one, lab:batch:a:b").settings.auth.keys

    assert [("shop", "web"), ("lab", "batch")] == [(key.tenant, key.caller) for key in keys]
    assert keys[1].key is not None
    assert keys[1].key.get_secret_value() == "a:b"


def test_callers_keys_from_a_secret(world: World) -> None:
    """In a secret file each key may stand on a line of its own."""
    world.secret("AI_PROVIDER_API_KEYS", "shop:web:one\nlab:batch:two\n")

    assert ["web", "batch"] == [key.caller for key in world.load().settings.auth.keys]


def test_a_digest_stands_for_its_key(world: World) -> None:
    """A key and its SHA-256 are the same key."""
    world.file(
        """
        auth:
          keys:
            - {caller: a, tenant: t, key: test}
            - {caller: b, tenant: t, key_sha256: %s}
    """
        % ("AB" * 32)
    )

    first, second = world.load().settings.auth.keys

    assert "9f86d081884c7d65" == first.digest.hex()[:16]
    assert b"\xab" * 32 == second.digest


def test_what_says_nothing_decides_nothing(world: World) -> None:
    """An empty variable, an empty secret, an empty file and a key without a value are absent."""
    world.file("cache:\nproviders: {openai: {priority: }}")
    world.file("", "development.yml")
    world.secret("openai_api_key", "\n")

    settings = world.load(AI_PROVIDER_PORT="", OPENAI_API_KEY=" ").settings

    assert (8005, 10) == (settings.service.port, settings.providers["openai"].priority)
    assert settings.providers["openai"].api_key is None


def test_kubernetes_variables_are_ignored(world: World) -> None:
    """A Service called `ai-provider` puts these into every pod; they are not meant for us."""
    settings = world.load(
        AI_PROVIDER_SERVICE_HOST="10.0.0.1",
        AI_PROVIDER_SERVICE_PORT="8005",
        AI_PROVIDER_SERVICE_PORT_GRPC="8005",
        AI_PROVIDER_PORT="tcp://10.0.0.1:8005",
        AI_PROVIDER_PORT_8005_TCP="tcp://10.0.0.1:8005",
        AI_PROVIDER_PORT_8005_TCP_ADDR="10.0.0.1",
    ).settings

    assert 8005 == settings.service.port


def test_others_variables_are_ignored(world: World) -> None:
    """Variables of providers' own tools are none of ours; a near miss is told."""
    loaded = world.load(OPENAI_ORG_ID="org", GOOGLE_CLOUD_PROJECT="p", OPENAI_API_KEYS="sk-x")

    assert ("environment OPENAI_API_KEYS is ignored; OPENAI_API_KEY is known",) == loaded.warnings


def test_the_places_have_variables(world: World) -> None:
    """The directory, the file and the secrets can be elsewhere."""
    other = world.file("service: {name: other}", "other.yml")
    world.file("service: {name: usual}")
    world.secret("openai_api_key", "sk-test-key")
    secrets = {"AI_PROVIDER_SECRETS_DIR": str(world.secrets_dir)}

    usual = load({"AI_PROVIDER_CONFIG_DIR": str(world.directory), **secrets})
    named = load({"AI_PROVIDER_CONFIG": str(other), **secrets})

    assert "usual" == usual.settings.service.name
    assert "other" == named.settings.service.name
    assert world.directory / "development.yml" == named.places.environment_file
    assert ["openai"] == list(named.settings.active_providers)


def test_files_to_watch(world: World) -> None:
    """What was read and what would be read, were it there."""
    service_file = world.file("")
    key_file = world.secret("openai_api_key", "sk-test-key")
    world.secret("someone_elses", "x")

    loaded = world.load()

    assert {service_file, world.directory / "development.yml", key_file} == set(loaded.files)
    assert loaded.stamps[Path(world.directory / "development.yml")] is None


def test_own_providers(world: World) -> None:
    """Another provider is OpenAI-compatible unless it says so; litellm's need no URL."""
    world.file("""
        providers:
          local: {base_url: http://127.0.0.1:1/v1}
          mistral: {kind: litellm, api_key: key-of-mistral}
          bedrock: {kind: litellm, enabled: true}
    """)

    providers = world.load().settings.active_providers

    assert ["local", "mistral", "bedrock"] == list(providers)
    assert (Kind.OPENAI, Engine.NATIVE) == (providers["local"].kind, providers["local"].engine)
    assert Engine.LITELLM is providers["mistral"].engine

"""`python -m service config`: what it prints and how it exits."""

from __future__ import annotations

import json

import pytest

from service.config.command import main
from tests.unit.config.conftest import World


@pytest.fixture(autouse=True)
def surroundings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process sees the world's folders, one key, and nothing of the machine's."""
    monkeypatch.delenv("AI_PROVIDER_ENVIRONMENT", raising=False)
    monkeypatch.setenv("AI_PROVIDER_SECRETS_DIR", str(world.secrets_dir))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
    monkeypatch.chdir(world.directory)


def test_every_value_has_its_origin(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each setting: path, masked value, origin; always in the same order."""
    world.file("service:\n  port: 9000\nauth:\n  keys: ['shop:web:some-key']")

    code = main([])

    out, complaints = capsys.readouterr()
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()}
    assert (0, "") == (code, complaints)
    assert rows["service.port"].split() == ["9000", "ai-provider.yml:2"]
    assert rows["service.host"].split() == ["0.0.0.0", "default"]
    assert rows["providers.openai.api_key"].split() == [
        "********",
        "environment",
        "OPENAI_API_KEY",
    ]
    assert rows["auth.keys[0]"].endswith("ai-provider.yml:4")
    assert "some-key" not in out
    assert rows["providers.openai.enabled"].endswith("default (asked: has an API key)")
    assert main([]) == 0
    assert out == capsys.readouterr().out


def test_deployments_have_their_origins(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each deployment is told key by key; its own key may come from the environment, masked."""
    world.file("providers: {openai: {deployments: {eu: {region: eu}}}}")
    variable = "AI_PROVIDER__PROVIDERS__OPENAI__DEPLOYMENTS__EU__API_KEY"
    monkeypatch.setenv(variable, "sk-of-eu")

    code = main([])

    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert 0 == code
    assert rows["providers.openai.deployments.eu.region"] == ["eu", "ai-provider.yml:1"]
    assert rows["providers.openai.deployments.eu.enabled"] == ["true", "default"]
    assert rows["providers.openai.deployments.eu.api_key"] == ["********", "environment", variable]
    assert "sk-of-eu" not in out


def test_values_for_machines(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """--json says the same with types, file and line."""
    world.file("service:\n  port: 9000")

    code = main(["--json"])

    report = json.loads(capsys.readouterr().out)
    assert 0 == code
    assert {
        "value": 9000,
        "origin": "ai-provider.yml:2",
        "kind": "file",
        "file": "ai-provider.yml",
        "line": 2,
    } == report["values"]["service.port"]
    assert "********" == report["values"]["providers.openai.api_key"]["value"]
    assert ["openai"] == report["active_providers"]
    assert {"ai-provider.yml": True, "development.yml": False} == report["files"]


def test_a_valid_configuration(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """--check says OK, what was read and who is asked, and exits with 0."""
    world.file("")

    code = main(["--check"])

    assert (0, "OK: read ai-provider.yml; providers: openai\n") == (code, capsys.readouterr().out)


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_refused_configuration(
    world: World, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Every mistake on stderr, nothing on stdout, exit code 2."""
    world.file("service:\n  prot: 1\n  port: x")

    code = main(arguments)

    out, complaints = capsys.readouterr()
    assert (2, "") == (code, out)
    assert [
        "ai-provider.yml:2: service.prot: unknown key; did you mean 'port'?",
        (
            "ai-provider.yml:3: service.port: must be a valid integer,"
            " unable to parse string as an integer"
        ),
    ] == complaints.splitlines()


def test_mistakes_for_machines(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """--check --json lists the mistakes in parts; the exit code stays."""
    world.file("service: {prot: 1}")

    code = main(["--check", "--json"])

    assert 2 == code
    assert {
        "problems": [
            {
                "source": "ai-provider.yml:1",
                "field": "service.prot",
                "message": "unknown key",
                "hint": "did you mean 'port'?",
            }
        ]
    } == json.loads(capsys.readouterr().out)


def test_nobody_to_ask_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a provider the configuration is valid, and where keys were looked for is told."""
    monkeypatch.delenv("OPENAI_API_KEY")

    code = main(["--check"])

    out, complaints = capsys.readouterr()
    assert (0, "OK: read no file; providers: none\n") == (code, out)
    assert complaints.startswith("warning: no provider is enabled\nopenai: no API key")

"""YAML with lines: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.config.analytics import StoreKind
from service.config.documents import parse, read
from service.config.origins import Problem
from service.config.telemetry import ContentExport
from service.domain.cache_use import KeepPolicy
from tests.unit.config.conftest import World


def test_every_key_and_item_has_its_line() -> None:
    """Lines count from 1, in lists and nested mappings too."""
    problems: list[Problem] = []

    document = parse("a:\n  b: 1\n  c:\n    - d: 2\n      e: 3\n    - f\n", "x.yml", problems)

    assert {"a": {"b": 1, "c": [{"d": 2, "e": 3}, "f"]}} == document.data
    assert {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", "0"): 4,
        ("a", "c", "0", "d"): 4,
        ("a", "c", "0", "e"): 5,
        ("a", "c", "1"): 6,
    } == document.lines
    assert [] == problems


def test_merge_keys() -> None:
    """What is merged in has the line where it is written; the key's own line wins."""
    problems: list[Problem] = []
    text = "base: &base\n  x: 1\n  y: 2\nmine:\n  y: 3\n  <<: *base\n"

    document = parse(text, "x.yml", problems)

    assert {"x": 1, "y": 3} == document.data["mine"]
    assert (2, 5) == (document.lines[("mine", "x")], document.lines[("mine", "y")])
    assert [] == problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: {c: 2,\n   c: 3}", "x.yml:3: b.c: stands there twice; it is on line 2 already"),
        ("a: 1\na: 2", "x.yml:2: a: stands there twice; it is on line 1 already"),
        ("on: 1", "x.yml:1: a key must be text; put it into quotes"),
        ("- a", "x.yml:1: must be a mapping of sections"),
        ("just text", "x.yml:1: must be a mapping of sections"),
        ("a: [1, 2\nb: 3", "x.yml:2:2: is not YAML: did not find expected ',' or ']'"),
        ("a: b: c", "x.yml:1:5: is not YAML: mapping values are not allowed in this context"),
        (
            "a: !!python/object:os.system x",
            (
                "x.yml:1:4: is not YAML: could not determine a constructor for the tag"
                " 'tag:yaml.org,2002:python/object:os.system'"
            ),
        ),
        (
            "a: 1\n---\nb: 2",
            "x.yml:2:1: is not YAML: but found another document",
        ),
        ("a: &a [*a]", "x.yml: is nested too deeply, or holds a value YAML cannot read"),
        ("a: 2024-13-45", "x.yml: is nested too deeply, or holds a value YAML cannot read"),
        ("a: \x00", "x.yml: is not YAML: control characters are not allowed at 3"),
    ],
)
def test_what_is_refused(text: str, expected: str) -> None:
    """Text that does not say one thing clearly is refused, with its line and column."""
    problems: list[Problem] = []

    parse(text, "x.yml", problems)

    assert [expected] == [str(problem) for problem in problems]


def test_unreadable_files(world: World, tmp_path: Path) -> None:
    """A file that is there and cannot be read is a mistake; one that is not there is none."""
    (world.directory / "ai-provider.yml").mkdir()
    (world.directory / "development.yml").write_bytes(b"service:\n  name: \xff")
    problems: list[Problem] = []
    (tmp_path / "huge.yml").write_text("#" * (1024 * 1024 + 1))

    assert read(tmp_path / "missing.yml", problems).data == {}
    assert [] == problems
    assert read(tmp_path / "huge.yml", problems).data == {}
    assert [f"{tmp_path}/huge.yml: is larger than 1048576 bytes"] == [str(p) for p in problems]
    assert [
        f"{world.directory}/ai-provider.yml: cannot be read: is a directory",
        f"{world.directory}/development.yml: is not UTF-8 text at byte 17",
    ] == world.problems()


def test_unreadable_secrets(world: World) -> None:
    """A secret of ours that is not text is a mistake; anything else in the folder is others'."""
    (world.secrets_dir / "openai_api_key").write_bytes(b"\xff\xfe")
    (world.secrets_dir / "anthropic_api_key").write_text("k" * (64 * 1024 + 1))
    (world.secrets_dir / "certificate.der").write_bytes(b"\xff\xfe")
    (world.secrets_dir / "kubernetes.io").mkdir()
    (world.secrets_dir / "google_api_key").mkdir()

    assert [
        "secret anthropic_api_key: is too large",
        "secret openai_api_key: is not UTF-8 text",
    ] == world.problems()


@pytest.mark.parametrize("word", ["off", "Off", '"off"'])
def test_a_word_that_yaml_takes_for_a_truth_value(world: World, word: str) -> None:
    """A bare `off` says what it says where that is one of the words of a setting."""
    world.file(f"""
        cache: {{policy: {word}, rules: [{{models: [m], policy: {word}}}]}}
        analytics: {{store: {word}}}
        telemetry: {{content: on}}
    """)

    settings = world.load().settings

    assert KeepPolicy.OFF is settings.cache.policy is settings.cache.rules[0].policy
    assert StoreKind.OFF is settings.analytics.store
    assert ContentExport.ON is settings.telemetry.content

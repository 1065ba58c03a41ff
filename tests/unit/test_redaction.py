"""Credentials never leave the process."""

from __future__ import annotations

import io

import orjson
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry.logs import LogWriter
from service.telemetry.redaction import MASK, Redactor


@given(st.text(), st.text())
def test_known_secrets_vanish(before: str, after: str) -> None:
    """A secret that the configuration knows is masked wherever it stands."""
    redactor = Redactor(["tops3cret-value"])

    assert "tops3cret" not in redactor.text(f"{before}tops3cret-value{after}")


def test_shapes_of_keys_vanish() -> None:
    """A key nobody told us of is known by its shape."""
    text = Redactor().text("key sk-abcdefgh1234 and Bearer abcdef.123 and AIza" + "x" * 30)

    assert f"key {MASK} and {MASK} and {MASK}" == text


def test_secret_fields_vanish() -> None:
    """A field that is named like a secret is masked, however deep."""
    fields = Redactor().named({"a": {"api_key": "x"}, "b": [{"Authorization": "y"}], "c": 1})

    assert {"a": {"api_key": MASK}, "b": [{"Authorization": MASK}], "c": 1} == fields


def test_log_lines() -> None:
    """The log is one JSON object a line, redacted, in order, complete after close."""
    out = io.StringIO()
    writer = LogWriter(Redactor(["hunter2-hunter2"]), json=True, out=out)
    for number in range(3):
        writer.put({"event": "e", "level": "info", "n": number, "why": "hunter2-hunter2"})
    writer.close()

    lines = [orjson.loads(line) for line in out.getvalue().splitlines()]
    assert [0, 1, 2] == [line["n"] for line in lines]
    assert {MASK} == {line["why"] for line in lines}


def test_a_full_disk_is_survived() -> None:
    """A log that cannot be written is counted and told later; nothing raises."""

    class Full(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                raise OSError(28, "No space left on device")
            return super().write(text)

    out = Full()
    writer = LogWriter(Redactor(), json=True, out=out)
    writer.put({"event": "lost"})
    while not writer.dropped_count:
        pass
    out.full = False
    writer.close()

    assert "log records dropped" in out.getvalue()

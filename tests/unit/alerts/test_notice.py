"""What a webhook is sent, word by word, and how it is signed."""

from __future__ import annotations

import base64
import hashlib
import hmac

import orjson
import pytest

from service.alerts.notice import Origin, headers, notice, summary
from service.domain.alert_rules import By, ErrorRate, Limits, Scope, Severity, Subject
from service.domain.alerts import Alert, Reading, Standing, Why
from service.domain.signing import key, signature

ORIGIN = Origin("ai-provider", "production", "pod-1", "7 1700000000.0")
RULE = ErrorRate("errors", Limits(0.2, 0.1), severity=Severity.CRITICAL, scope=Scope(By.TENANT))
ACME = Subject(By.TENANT, "acme")


def alert(why: Why, number: int = 1, since: float = 1_700_000_000.25) -> Alert:
    standing = Standing(
        since=since, told_count=number, reading=Reading(0.05 + 0.2 * (number == 1), RULE.limits)
    )
    return Alert(RULE, ACME, why, standing, since + 60.0 * (number - 1))


def test_the_body() -> None:
    """The body has every field of the documented schema."""
    found = notice(alert(Why.FIRED), ORIGIN)

    assert {
        "version": 1,
        "id": found.id.removesuffix(".1"),
        "number": 1,
        "state": "firing",
        "why": "fired",
        "rule": "errors",
        "kind": "error_rate",
        "severity": "critical",
        "subject": {"by": "tenant", "name": "acme"},
        "value": 0.25,
        "threshold": 0.2,
        "clear_threshold": 0.1,
        "unit": "share",
        "since": "2023-11-14T22:13:20.250Z",
        "resolved": None,
        "told": "2023-11-14T22:13:20.250Z",
        "service": "ai-provider",
        "environment": "production",
        "replica": "pod-1",
        "summary": "errors (tenant acme) is firing: 0.25 share, at least 0.2",
    } == orjson.loads(found.body)


def test_the_end_has_the_same_id() -> None:
    """What is told of one firing has one id, with another number each time."""
    first, last = (
        notice(alert(why, number), ORIGIN) for why, number in ((Why.FIRED, 1), (Why.RECOVERED, 2))
    )
    body = orjson.loads(last.body)

    assert (f"{body['id']}.1", f"{body['id']}.2") == (first.id, last.id)
    assert ("resolved", "2023-11-14T22:14:20.250Z") == (body["state"], body["resolved"])
    assert "errors (tenant acme) is over: 0.05 share" == body["summary"]


def test_what_is_pending_says_so() -> None:
    """Those who ask are told of it in the same words."""
    assert "errors (tenant acme) is pending: 0.25 share, at least 0.2" == summary(
        alert(Why.PENDING)
    )


def test_another_firing_has_another_id() -> None:
    """A later firing, another replica and another process of it have ids of their own."""
    found = {
        notice(alert(Why.FIRED), ORIGIN).id,
        notice(alert(Why.FIRED, since=1_700_000_001.0), ORIGIN).id,
        notice(alert(Why.FIRED), Origin("ai-provider", "production", "pod-2", "7 1")).id,
        notice(alert(Why.FIRED), Origin("ai-provider", "production", "pod-1", "8 1")).id,
    }

    assert 4 == len(found)


def test_the_signature() -> None:
    """It is the HMAC-SHA256 of id, second and body, as Standard Webhooks has it."""
    found = notice(alert(Why.FIRED), ORIGIN)
    sent = headers(found, "s" * 16, 1_700_000_000)
    signed = f"{found.id}.1700000000.".encode() + found.body
    digest = hmac.digest(b"s" * 16, signed, hashlib.sha256)

    assert f"v1,{base64.b64encode(digest).decode()}" == sent["webhook-signature"]
    assert (found.id, "1700000000") == (sent["webhook-id"], sent["webhook-timestamp"])


def test_the_example_of_standard_webhooks() -> None:
    """A signature is the one that the specification's own library makes."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    found = signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', secret)

    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == found


def test_a_secret_that_is_no_base64() -> None:
    """What follows `whsec_` is base64, or it is refused."""
    with pytest.raises(ValueError, match="must be base64"):
        key("whsec_not base64!")

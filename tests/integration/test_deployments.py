"""Deployments, aliases, rules and prices, from the configuration to what callers see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import model_service_pb2, routing_pb2

from tests.kit.serving import spec, unary
from tests.kit.stack import running

SECTION = "AI_PROVIDER__PROVIDERS__OPENAI__"
ROUTING = "AI_PROVIDER__ROUTING__"


async def test_a_second_key(tmp_path: Path) -> None:
    """A second key is a candidate of its own: when the first is spent the other one is used."""
    more = {
        f"{SECTION}DEPLOYMENTS__SPARE__API_KEY": "test-key-spare",
        f"{SECTION}DEPLOYMENTS__SPARE__REGION": "eu",
        f"{ROUTING}POLICY": "priority",
        "AI_PROVIDER__LIMITS__ATTEMPTS_MAX": "2",
    }
    async with running(tmp_path, **more) as stack:
        stack.adversary.script("status=429; retry-after=30", "openai", times=1)
        answer = await stack.completion.Complete(unary(model="gpt-4o"))
        keys = [request.headers["authorization"] for request in stack.adversary.requests]
        wish = routing_pb2.RoutingPolicy(regions=["eu"])
        europe = await stack.completion.Complete(unary(model="gpt-4o", routing=wish))

    assert ["", "spare"] == [attempt.target.deployment for attempt in answer.route.attempts]
    assert ["Bearer test-key-openai", "Bearer test-key-spare"] == keys
    assert "spare" == europe.served_by.deployment


async def test_only_further_endpoints(tmp_path: Path) -> None:
    """A provider without a key of its own is asked at those of its endpoints that have one."""
    async with running(tmp_path) as other:
        url = other.adversary.url("openai")
        more = {
            "OPENAI_API_KEY": "",
            "OPENAI_BASE_URL": "",
            f"{SECTION}DEPLOYMENTS__EU__API_KEY": "k",
            f"{SECTION}DEPLOYMENTS__EU__BASE_URL": url,
        }
        async with running(tmp_path, **more) as stack:
            answer = await stack.completion.Complete(unary(model="gpt-4o"))

    assert ("openai", "eu") == (answer.served_by.provider, answer.served_by.deployment)


async def test_published_prices(tmp_path: Path) -> None:
    """What is published of a model's price is known; the operator's own word wins over it."""
    own = {"name": "gpt-4o-mini", "price": {"input": "1", "output": "2.5"}}
    more = {f"{SECTION}MODELS": json.dumps([own, "gpt-*"])}
    async with running(tmp_path, **more) as stack:

        async def cost(model: str) -> int:
            asked = pb.ExplainRouteRequest(spec=spec(model=model))
            explained = await stack.completion.ExplainRoute(asked)
            nano: int = explained.candidates[0].estimated_cost_nano_usd
            return nano

        published, configured = await cost("gpt-4o"), await cost("gpt-4o-mini")

    # 5 tokens in, 256 out: 2.5 and 10 USD a million; 1 and 2.5 USD.
    assert 5 * 2500 + 256 * 10_000 == published
    assert 5 * 1000 + 256 * 2500 == configured


async def test_aliases_are_listed(tmp_path: Path) -> None:
    """An alias is a name that ListModels tells, with all who serve it."""
    more = {f"{ROUTING}ALIASES": json.dumps({"fast": ["gpt-4o-mini", "gemini-2.5-flash"]})}
    async with running(tmp_path, **more) as stack:
        listed = await stack.model.ListModels(model_service_pb2.ListModelsRequest(page_size=1000))
        answer = await stack.completion.Complete(unary(model="fast"))

    models: dict[str, Any] = {model.name: model for model in listed.models}
    targets = [(target.provider, target.model) for target in models["fast"].targets]
    assert [("openai", "gpt-4o-mini"), ("google", "gemini-2.5-flash")] == targets
    assert 128_000 == models["fast"].context_window_tokens
    assert answer.served_by.provider in ("openai", "google")


async def test_policies_by_model(tmp_path: Path) -> None:
    """A rule gives some models another policy."""
    rules = [{"models": ["gpt-*"], "policy": "least_in_flight"}]
    async with running(tmp_path, **{f"{ROUTING}RULES": json.dumps(rules)}) as stack:
        gpt = await stack.completion.Complete(unary(model="gpt-4o"))
        claude = await stack.completion.Complete(unary(model="claude-sonnet-4-5"))

    assert ("least_in_flight", "composite") == (gpt.route.policy, claude.route.policy)

"""The decision log of the whole service, and the command that reads it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, routing_pb2

from service.__main__ import main
from service.config import load
from service.domain.attempt import Attempt, Outcome
from service.domain.candidate import Names
from service.domain.completion import CompletionSpec, Message, Role, Text, Usage
from service.domain.decision import Decision
from service.domain.errors import ProviderFailure
from service.domain.pricing import Price
from service.domain.provider import Defaults, Offer, ServedModel
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.routing import Plan
from service.domain.scoring import PolicyName
from service.domain.wishes import RouteWish
from service.pipeline.ended import Ended, Start
from service.pipeline.planner import Planner
from service.pipeline.roster import Member, Roster, TimeLimits
from service.pipeline.scoreboard import Scoreboard
from service.telemetry.decisions import DecisionLog
from tests.kit.scripted import ScriptedProvider
from tests.kit.serving import spec
from tests.kit.stack import Stack, environment, running

FILE = "AI_PROVIDER__ROUTING__DECISION_LOG__FILE"
SECRET = "sentinel-9f1c"
MODELS = ("gpt-4o", "claude-sonnet-4-5", "gemini-2.5-flash", "deepseek-chat")


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


class Traffic:
    """Requests planned by the real planner over a scoreboard that lives through outages."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.now = 1000.0
        self.board = Scoreboard(lambda: self.now, Random(seed + 1))
        self.planner = Planner(self.board)
        self.roster = Roster(
            [self._member(number) for number in range(4)],
            attempts_max=3,
            names=Names({"fast": ("m", "n")}, {"n": ("m",)}),
        )
        self._under_way: list[tuple[Decision, CompletionRequest, Start]] = []

    def decisions(self, count: int) -> Iterator[Decision]:
        number = 0
        while number < count:
            self.now += self.rng.expovariate(10.0)
            assert self.now < 1000.0 + count, "nobody can be asked any more"
            plan, request = self._planned(number)
            if not plan.ranked:
                continue
            number += 1
            target = plan.ranked[0].candidate.target
            start = self.board.began(target)
            attempt = Attempt(target, Outcome.OK, self.rng.expovariate(1.0))
            decision = Decision(f"r-{number}", "t", request.spec.model, plan, attempt, 100)
            self._under_way.append((decision, request, start))
            while len(self._under_way) > self.rng.randrange(12):
                yield self._ended()
        while self._under_way:
            yield self._ended()

    def _member(self, number: int) -> Member:
        price = Price(10**9 * (number + 1), 10**10) if number % 3 else None
        served = ServedModel("m", price=price), ServedModel("n", context_window_tokens=2000)
        offer = Offer(f"p{number}", 10 + number // 2, served, weight=1.0 + number)
        limits = TimeLimits(30.0, 30.0, 30.0)
        return Member(ScriptedProvider(), offer, limits, Defaults(0.7, 4000))

    def _planned(self, number: int) -> tuple[Plan, CompletionRequest]:
        text = "x" * self.rng.choice((10, 6000)) + str(number % 7)
        wish = RouteWish(
            self.rng.choice((None, *PolicyName)),
            excluded_providers=self.rng.choice(((), ("p1",))),
            disable_failover=self.rng.random() < 0.1,
        )
        asked = CompletionSpec(
            self.rng.choice(("m", "n", "fast")), (Message(Role.USER, (Text(text),)),)
        )
        request = CompletionRequest(asked, wish, tenant="t")
        return self.planner.plan(self.roster, request, 30.0), request

    def _ended(self) -> Decision:
        """Any of those that are under way, and what came of it."""
        place = self.rng.randrange(len(self._under_way))
        decision, request, start = self._under_way.pop(place)
        attempt, failure = decision.attempt, None
        # Each provider is down, or pushes back, for a while of its own; at times all are shaky.
        moment = int(self.now / 20) + int(attempt.target.provider[1:])
        shaky = int(self.now / 20) % 5 == 0
        if (moment % 4 == 0 or shaky) and self.rng.random() < (0.55 if shaky else 1.0):
            failure = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, SECRET, http_status=500)
        elif moment % 7 == 0 and self.rng.random() < 0.2:
            failure = ProviderFailure(ErrorReason.PROVIDER_RATE_LIMITED, SECRET, http_status=429)
        first_s = self.rng.uniform(0.1, 1.0)
        how = Ended(attempt.duration_s, failure, False, first_s, 0.5, 100, start=start)
        self.board.ended(attempt.target, how)
        if failure is None:
            self.planner.learn(request, decision.plan, attempt.target, Usage(10, 100))
            return decision
        failed = replace(attempt, outcome=Outcome.FAILED, reason=failure.reason, message=SECRET)
        return replace(decision, attempt=failed, output_tokens=0)


def logged_traffic(file: Path, count: int, seed: int = 1) -> Counter[str]:
    """Writes the decisions of a traffic; counts what kinds there are."""
    traffic = Traffic(seed)
    log = DecisionLog(file, 1.0, 1 << 30)
    kinds: Counter[str] = Counter()
    for number, decision in enumerate(traffic.decisions(count)):
        plan = decision.plan
        log.put(decision)
        kinds[plan.policy.name.value] += 1
        kinds["trial"] += plan.trial
        kinds["sticky"] += plan.demand.sticky is not None
        kinds["not the best"] += any(r.score > plan.ranked[0].score for r in plan.ranked[1:])
        kinds["out"] += bool(plan.excluded)
        kinds["ramp"] += any(r.view.ramp < 1 for r in plan.ranked)
        kinds["panic"] += any(r.view.circuit.value == "open" for r in plan.ranked)
        kinds["limited"] += any(r.view.limit < 100 for r in plan.ranked)
        kinds["two tiers"] += plan.ranked[-1].candidate.tier > 0
        if number % 5000 == 4999:
            log.close()
            log = DecisionLog(file, 1.0, 1 << 30)
    log.close()
    return kinds


def test_ten_thousand_decisions_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every one of 10,000 decisions of the real planner, made again offline, is the same."""
    file = tmp_path / "d.jsonl"
    kinds = logged_traffic(file, 10_000)

    assert 0 == main(["replay", "--check", str(file)])
    text = "10,000 of 10,000 decisions, made again, choose the same candidate\n"
    assert text == capsys.readouterr().out
    assert {} == {kind: count for kind, count in kinds.items() if count < 20}
    assert SECRET not in file.read_text()


def test_every_policy_can_be_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each named policy is replayed on one log, with numbers that can have been."""
    file = tmp_path / "d.jsonl"
    logged_traffic(file, 400)
    for name in PolicyName:
        assert 0 == main(["replay", "--policy", name.value, "--json", str(file)])
        report = json.loads(capsys.readouterr().out)

        assert (400, name.value) == (report["decisions"], report["policy"]["name"])
        assert 0 < report["effective_sample_size"] <= 400
        success = report["measures"]["success"]["policy"]
        assert 0 <= success["low"] <= success["mean"] <= success["high"] <= 1


def test_a_log_that_was_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--check names decisions that do not follow from their record, and exits with 1."""
    file = tmp_path / "d.jsonl"
    logged_traffic(file, 100)
    changed = lines(file)
    picked = next(one for one in changed if 0.1 < one["propensity"] < 0.9 and not one["trial"])
    places = [i for i, one in enumerate(picked["candidates"]) if not one["why"]]
    picked["chosen"] = next(i for i in places if i != picked["chosen"])
    file.write_text("\n".join(map(json.dumps, changed)))

    assert 1 == main(["replay", "--check", str(file)])
    assert (
        "99 of 100 decisions, made again, choose the same candidate\n1 choose another candidate\n"
        f"such as the requests {picked['request_id']}\n"
    ) == capsys.readouterr().out
    assert 1 == main(["replay", "--check", "--json", str(file)])
    report = json.loads(capsys.readouterr().out)
    assert (100, 99, 1) == (report["decisions"], report["same"], report["other_candidate"])
    assert [picked["request_id"]] == report["different_requests"]


def test_lines_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cut last line and records of other versions are left out, and that is said."""
    file = tmp_path / "d.jsonl"
    logged_traffic(file, 20)
    other = json.dumps({**lines(file)[0], "version": 99})
    whole = file.read_text()
    file.write_text(f"{other}\n{whole}{whole.splitlines()[0][:700]}")

    assert 0 == main(["replay", "--policy", "cost", str(file)])
    out = capsys.readouterr().out
    assert out.startswith("20 decisions, ")
    said = "lines left out: 1 cut short or damaged, 1 of another version of the service"
    assert said in out.splitlines()
    assert "WARNING: the effective sample size is" in out


@pytest.mark.parametrize("what", ["--check", "--policy=latency"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "cannot read {file}: No such file or directory\n"),
        ("", "{file}: no decision in it\n"),
        ("{}\n[]\nx\n", "{file}: no decision in it; lines left out: 3 cut short or damaged\n"),
    ],
)
def test_nothing_to_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, text: str | None, expected: str
) -> None:
    """A log that is missing, or has no decision in it, is an error that says so: exit code 2."""
    file = tmp_path / "d.jsonl"
    if text is not None:
        file.write_text(text)

    assert 2 == main(["replay", what, str(file)])
    assert ("", expected.format(file=file)) == tuple(capsys.readouterr())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("--tenant=t", 20),
        ("--tenant=else", 0),
        ("--model=[mnf]*", 20),
        ("--model=gpt-*", 0),
        ("--since=2020-01-01", 20),
        ("--since=2999-01-01T10:00Z", 0),
        ("--until=2999-01-01", 20),
        ("--until=1971-01-01T00:00+02:00", 0),
    ],
)
def test_some_of_the_decisions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str, expected: int
) -> None:
    """Decisions can be asked for by tenant, model and time; with none left the code is 2."""
    file = tmp_path / "d.jsonl"
    logged_traffic(file, 20)
    code = main(["replay", "--policy=cost", "--json", asked, str(file)])
    told = capsys.readouterr()

    if expected:
        assert (0, 20) == (code, json.loads(told.out)["decisions"])
    else:
        assert 2 == code
        assert f"{file}: none of 20 decisions is one that is asked for\n" == told.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--policy", "fastest"), "invalid choice: 'fastest'"),
        (("--policy", "cost", "--check"), "not allowed with argument"),
        (("--check", "--set", "floor=0.1"), "--set goes with --policy"),
        (("--policy", "cost", "--set", "flour=0.1"), "'flour' is none of temperature, floor"),
        (("--policy", "cost", "--set", "temperature=0"), "temperature cannot be 0"),
        (("--policy", "cost", "--set", "floor=nan"), "floor cannot be nan"),
        (("--policy", "cost", "--clip", "0"), "a weight is above 0"),
        (("--policy", "cost", "--since", "noon"), "'noon' is no time such as 2026-01-31T09:30"),
        ((), "one of the arguments --policy --check is required"),
    ],
)
def test_wrong_arguments(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], expected: str
) -> None:
    """What cannot be meant is refused with exit code 2, and says why."""
    with pytest.raises(SystemExit) as caught:
        main(["replay", *arguments, "some.jsonl"])

    assert 2 == caught.value.code
    assert expected in capsys.readouterr().err


def test_numbers_of_a_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy can be replayed with other numbers than its own; several logs are one."""
    one, two = tmp_path / "d.jsonl.1", tmp_path / "d.jsonl"
    for file in (one, two):
        logged_traffic(file, 50)
    asked = ["--policy", "composite", "--set", "success_weight=1", "--set", "temperature=0.5"]

    assert 0 == main(["replay", *asked, "--json", str(one), str(two)])
    report = json.loads(capsys.readouterr().out)
    assert 100 == report["decisions"]
    assert (1.0, 0.5) == (report["policy"]["success_weight"], report["policy"]["temperature"])


DIRECTIVES = ("", "+status=503", "+cut=10", "+error=content_policy", "+tools=1")


def telling(model: str) -> dict[str, Any]:
    """A request with the secret wherever a caller may write something."""
    asked = spec(SECRET, model)
    asked.messages.insert(0, spec(SECRET).messages[0])
    asked.messages[0].role = content_pb2.ROLE_SYSTEM
    tool = content_pb2.FunctionTool(name=SECRET, description=SECRET)
    asked.tools.add(function=tool)
    return {"spec": asked, "labels": {"team": SECRET}}


async def told(stack: Stack, model: str) -> list[str]:
    """What a caller is told, asking for the whole and for a stream."""

    async def whole() -> str:
        return str(await stack.completion.Complete(pb.CompleteRequest(**telling(model))))

    async def streamed() -> str:
        request = pb.StreamCompleteRequest(**telling(model))
        return "".join([str(event) async for event in stack.completion.StreamComplete(request)])

    words: list[str] = []
    for ask in (whole, streamed):
        try:
            words.append(await ask())
        except grpc.aio.AioRpcError as error:
            words.append(str(error.details()))
    return words


async def test_no_word_of_a_prompt(tmp_path: Path) -> None:
    """Neither prompts nor answers, labels or messages of failures reach the log."""
    file = tmp_path / "d.jsonl"
    models = [model + how for model in MODELS for how in DIRECTIVES]
    async with running(tmp_path, **{FILE: str(file)}) as stack:
        words = [word for model in models for word in await told(stack, model)]
    records, text = lines(file), file.read_text()

    assert 2 * len(models) == len(words) == len(records)
    assert 10 < sum(SECRET in word for word in words)
    assert {"ok", "failed"} == {one["result"]["outcome"] for one in records}
    assert 3 <= len({one["result"]["reason"] for one in records})
    assert SECRET not in text
    assert "Hello" not in text
    assert "adversary" not in text.lower()


async def test_a_decision_of_the_service(tmp_path: Path) -> None:
    """One request, one record: who asked, what was known, who was picked, what came of it."""
    file = tmp_path / "d.jsonl"
    more = {
        FILE: str(file),
        "AI_PROVIDER__ROUTING__ALIASES": '{"any": ["gpt-4o", "deepseek-chat"]}',
    }
    async with running(tmp_path, **more) as stack:
        request = pb.CompleteRequest(
            spec=spec(model="any"),
            routing=routing_pb2.RoutingPolicy(objective=routing_pb2.RoutingPolicy.OBJECTIVE_COST),
        )
        call = stack.completion.Complete(request, metadata=(("x-request-id", "req-7"),))
        answer = await call
    (found,) = lines(file)

    assert ("req-7", "anonymous", "any") == (found["request_id"], found["tenant"], found["model"])
    assert ("cost", answer.route.draw) == (found["policy"]["name"], found["draw"])
    assert ["openai", "deepseek"] == [one["provider"] for one in found["candidates"]]
    chosen = found["candidates"][found["chosen"]]
    assert answer.served_by.provider == chosen["provider"]
    assert answer.route.propensity == found["propensity"] == chosen["share"]
    assert "ok" == found["result"]["outcome"]
    assert answer.usage.output_tokens == found["result"]["output_tokens"]
    assert 0 < found["result"]["cost_nano_usd"]
    assert 0 == main(["replay", "--check", str(file)])


async def test_a_reload_moves_the_log(tmp_path: Path) -> None:
    """A reload takes over another file, none, or one again; nothing is lost on the way."""
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    async with running(tmp_path, **{FILE: str(one)}) as stack:

        async def follow(**more: str) -> None:
            variables = environment(stack.adversary, **more)
            nowhere = tmp_path / "none"
            await stack.app.reload(load(variables, directory=tmp_path, secrets_dir=nowhere))

        async def ask(name: str, model: str = "gpt-4o") -> None:
            request = pb.CompleteRequest(spec=spec(model=model))
            await stack.completion.Complete(request, metadata=(("x-request-id", name),))

        await ask("first")
        await follow(**{FILE: str(two)})
        await ask("second")
        await follow()
        await ask("third")
        await follow(**{FILE: str(one)})
        await ask("fourth")

    assert ["first", "fourth"] == [line["request_id"] for line in lines(one)]
    assert ["second"] == [line["request_id"] for line in lines(two)]


async def test_a_full_disk_harms_nobody(tmp_path: Path) -> None:
    """With a log that cannot be written every request is answered."""
    async with running(tmp_path, **{FILE: "/dev/full"}) as stack:
        for _ in range(5):
            request = pb.CompleteRequest(spec=spec(model="gpt-4o"))
            answer = await stack.completion.Complete(request)

            assert "openai" == answer.served_by.provider

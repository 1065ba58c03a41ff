"""Who may speak to the page."""

from __future__ import annotations

import pytest

from service.page.doors import HEADERS, refusal
from service.page.files import files

NAMES = frozenset({"ai.example.com"})


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:9000", "localhost:9000", "LocalHost", "[::1]:9000", "10.0.0.7", "ai.example.com"],
)
def test_known_hosts_pass(host: str) -> None:
    """An address, `localhost` and the configured names are hosts of this page."""
    assert refusal("GET", {"Host": host}, NAMES) is None


@pytest.mark.parametrize(
    "host", ["", "evil.example", "ai.example.com.evil.example", "127.0.0.1.evil.example", "[::1"]
)
def test_a_name_that_was_bound_anew_is_refused(host: str) -> None:
    """Any other name is refused, as it is what DNS rebinding comes with."""
    assert "unknown host" in (refusal("GET", {"Host": host}, NAMES) or "")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_but_get(method: str) -> None:
    """The page is only read."""
    assert "GET" in (refusal(method, {"Host": "localhost"}, NAMES) or "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
    ids=str,
)
def test_requests_of_other_sites_are_refused(headers: dict[str, str]) -> None:
    """Neither a script nor a frame of another site gets anything."""
    told = refusal("GET", {"Host": "localhost:9000", **headers}, NAMES)

    assert "requests of other sites are refused" == told


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:9000"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },
    ],
    ids=str,
)
def test_its_own_scripts_and_followed_links_pass(headers: dict[str, str]) -> None:
    """The page itself may ask, and a person may come by a link."""
    assert refusal("GET", {"Host": "localhost:9000", **headers}, NAMES) is None


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    """Every source is this origin or none, and no text becomes markup."""
    rules = dict(rule.split(" ", 1) for rule in HEADERS["Content-Security-Policy"].split("; "))

    assert "'none'" == rules["default-src"]
    assert {"'self'", "'none'", "'script'"} == set(rules.values())


def test_what_is_served_names_no_other_host() -> None:
    """No file of the page holds a URL that leads elsewhere."""
    namespace = b"http://www.w3.org/2000/svg"

    for path, file in files().items():
        rest = file.content.replace(namespace, b"")
        assert b"://" not in rest, path


def test_the_files_are_few_and_small() -> None:
    """The page is whole in less than 100 kB, without a build."""
    found = {file.etag: file for file in files().values()}

    assert 100_000 > sum(len(file.content) for file in found.values())

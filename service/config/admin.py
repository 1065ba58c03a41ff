"""Settings of the page that a browser shows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from service.config.values import Section, Text

HostName = Annotated[
    str,
    StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"),
]


class AdminSettings(Section):
    """A read-only page for people: usage, costs, latencies, failures. Whoever opens it sees what
    its key lets it see over gRPC.
    """

    host: Text = Field(
        default="127.0.0.1",
        description="Address to serve it on. It is served in plaintext: beyond this machine put"
        " TLS before it.",
    )
    port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port to serve it on; 0 takes a free one. Without it there is no page.",
    )
    names: frozenset[HostName] = Field(
        default=frozenset(),
        description="Names under which browsers reach it, besides `localhost` and any address;"
        " requests under other names are refused.",
    )

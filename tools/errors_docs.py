"""Writes docs/errors.md from the table in service/rpc/status.py. `--check` writes nothing."""

import pathlib
import sys

from service.rpc.status import DOMAIN, TABLE, Retry

OUT = pathlib.Path(__file__).parent.parent / "docs" / "errors.md"

INTRODUCTION = f"""# Errors

Printed from the table in `service/rpc/status.py` by `make docs`; do not edit.

Every failure carries `google.rpc.Status` details in the trailer `grpc-status-details-bin`:

- `ErrorInfo`: the `reason` below, the domain `{DOMAIN}`, the number of attempts, the last provider;
- `RequestInfo`: the request id, which also stands in the trailer `x-request-id` and in the log;
- `BadRequest`: the path of every field at fault, such as `spec.messages[2].parts[0].blob.data`;
- `RetryInfo`: when a retry may help;
- `QuotaFailure`: whose quota is spent;
- `FailureDetail`: every attempt, what was consumed, and the sequence of the last stream event sent.

`grpc-retry-pushback-ms` tells gRPC clients the same: how long to wait, or -1 for never.
A refusal by the model, or an answer that a provider filtered, is no error: `finish_reason` says so.

| Reason | Code | Retry | When |
|---|---|---|---|
"""


def document() -> str:
    rows = [
        f"| `{reason.name}` | `{row.code.name}` | {row.retry.value} | {row.situation} |"
        for reason, row in TABLE.items()
    ]
    words = {
        Retry.NO: "the same call would fail again, or the client decides by itself",
        Retry.FORBID: "the client library is told not to retry",
        Retry.LATER: "after the time in `RetryInfo`, if there is one",
        Retry.ELSEWHERE: "at once; another replica may take it",
    }
    meaning = [f"- **{retry.value}**: {text}." for retry, text in words.items()]
    return INTRODUCTION + "\n".join(rows) + "\n\n" + "\n".join(meaning) + "\n"


def main() -> int:
    text = document()
    if "--check" in sys.argv[1:]:
        if OUT.exists() and OUT.read_text() == text:
            return 0
        sys.stderr.write("docs/errors.md is stale: run `make docs` and commit the result\n")
        return 1
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

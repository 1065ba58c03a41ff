"""Writes the table in docs/telemetry.md from the catalogue of metrics. `--check` writes nothing."""

import pathlib
import sys

from service.telemetry.catalogue import METRICS, Metric

OUT = pathlib.Path(__file__).parent.parent / "docs" / "telemetry.md"
BEGIN = "<!-- Written by tools/metrics_docs.py from service/telemetry/catalogue.py: make docs -->\n"
END = "<!-- End of what is written. -->\n"


def table() -> str:
    """Every metric, by the convention that names it."""
    rows = [_row(metric) for metric in METRICS]
    head = (
        "| Metric | In Prometheus | Kind | Unit | Attributes | What |\n|---|---|---|---|---|---|\n"
    )
    return head + "".join(rows)


def document(text: str) -> str:
    """`text` with a fresh table."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def is_fresh() -> bool:
    """Whether the file holds the present table."""
    text = OUT.read_text()
    return BEGIN in text and END in text and document(text) == text


def _row(metric: Metric) -> str:
    attributes = ", ".join(f"`{name}`" for name in metric.attributes) or "-"
    return (
        f"| `{metric.name}` | `{metric.prometheus}` | {metric.kind.value} | `{metric.unit}` |"
        f" {attributes} | {metric.description} |\n"
    )


def main() -> int:
    if "--check" in sys.argv[1:]:
        if is_fresh():
            return 0
        sys.stderr.write("docs/telemetry.md is stale: run `make docs` and commit the result\n")
        return 1
    OUT.write_text(document(OUT.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The scorecard of the fault suite: a row for each scenario, as it was measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.scene import Scene

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGIN = "<!-- scorecard: written by `make chaos` -->"
_END = "<!-- end of scorecard -->"
_HEAD = (
    "| Scenario | Callers | What they saw | Upstream attempts | Slowest |\n|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    scenario: str
    callers: int
    saw: str
    upstream: str
    slowest_s: float

    def __str__(self) -> str:
        cells = (self.scenario, self.callers, self.saw, self.upstream, f"{self.slowest_s:.2f} s")
        return f"| {' | '.join(str(cell) for cell in cells)} |"


def row(scenario: str, scene: Scene) -> Row:
    saw = Counter(seen.reason or "answered" for seen in scene.seen)
    restarts = sum(seen.restarts for seen in scene.seen)
    words = [f"{count} {what}" for what, count in saw.most_common()]
    if restarts:
        words.append(f"{restarts} restarted")
    upstream = scene.upstream()
    callers = len(scene.seen)
    return Row(
        scenario,
        callers,
        ", ".join(words),
        f"{upstream} ({upstream / callers:.2f} each)",
        max(seen.took_s for seen in scene.seen),
    )


def table(rows: list[Row]) -> str:
    return "\n".join([_HEAD, *(str(one) for one in sorted(rows, key=lambda one: one.scenario))])


def write(rows: list[Row]) -> None:
    """Puts the table into the page, between its marks."""
    page = PAGE.read_text()
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}\n{table(rows)}\n{_END}{after}")

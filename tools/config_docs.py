"""Writes docs/configuration.md from the settings' schema; with `--check` only tells if it is stale.

What cannot be read from the schema stands in the text below.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from service.config import names  # noqa: E402 - found through the line above
from service.config.origins import KeyPath  # noqa: E402
from service.config.providers import BUILT_IN  # noqa: E402
from service.config.settings import Settings  # noqa: E402
from service.config.shape import ANY, alternatives, fields, inside, model_of  # noqa: E402
from service.config.values import SecretUrl  # noqa: E402

TARGET = ROOT / "docs" / "configuration.md"

_INTRO = """\
# Configuration

<!-- Written by tools/config_docs.py from service/config. Do not edit: run that. -->

Every setting has a default:
with nothing but a provider's key in the environment the service runs.
`python -m service config` prints every setting in force and where it comes from, secrets masked.
`python -m service config --check` validates,
and names the file, the line and the field of every mistake;
it exits with 0 if there is none, else with 2.
Both take `--json`.

## Where settings come from

The strongest first.
Sources are merged key by key; a list is replaced as a whole.

| | Source | Example |
|---|---|---|
| 1 | variables of the environment | `OPENAI_API_KEY=sk-…` |
| 2 | docker secrets: files named like the variables | `/run/secrets/openai_api_key` |
| 3 | `ai-provider.yml` | `providers: {openai: {priority: 1}}` |
| 4 | `<environment>.yml`, such as `production.yml` | `logging: {level: warning}` |
| 5 | built-in defaults | the tables below |

- The environment is what `AI_PROVIDER_ENVIRONMENT` says,
  else `service.environment` in `ai-provider.yml`, else `development`.
  Neither file has to exist. `deploy/config/` has an example of both.
- A key without a value in YAML, and an empty variable, say nothing: the next source decides.
- An unknown key is a mistake, and so is a key that stands twice,
  and an unknown variable that begins with `AI_PROVIDER_`.
  Unknown variables that begin like a provider (`OPENAI_ORG_ID`) belong to other programs
  and are ignored.
- Variables that Kubernetes sets for a Service called `ai-provider`
  (`AI_PROVIDER_SERVICE_HOST`, `AI_PROVIDER_PORT=tcp://…` and the like) are ignored.
- Every setting has a variable that spells its path:
  `server.drain.grace_s` is `AI_PROVIDER__SERVER__DRAIN__GRACE_S`.
  Where a short name exists too, the tables show that; the long one wins over it.
  Lists may be written with commas, everything nested as JSON.
- A change to one of the files, or SIGHUP, reloads providers, limits, deadlines and keys
  without dropping a call.
  A file with a mistake is refused, loudly, and the old configuration stays.
  What says how the server listens or logs takes a restart.
"""

_PROVIDERS = """\
```yaml
providers:
  local:
    base_url: http://127.0.0.1:8000/v1
    models: [llama-3.3-70b, {name: small, upstream: qwen2.5-7b-instruct}]
```

or, without a file, `AI_PROVIDER__PROVIDERS__LOCAL__BASE_URL=http://127.0.0.1:8000/v1`.
`NAME` in a variable is the provider in capitals, a `-` in it written `_`.
"""

_TYPES: dict[Any, str] = {
    bool: "true or false",
    int: "integer",
    float: "number",
    Decimal: "number",
    date: "date",
    str: "text",
    SecretStr: "secret",
    SecretUrl: "URL, secret",
    Path: "path",
}
_BOUNDS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"))


def document() -> str:
    """The whole page."""
    return "\n".join((_INTRO, *_places(), *_short(), *_built_in(), *_sections()))


def _places() -> Iterator[str]:
    yield "## Where the files are\n"
    yield "| Variable | Meaning |\n|---|---|"
    yield from (f"| `{name}` | {meaning} |" for name, meaning in names.PLACES.items())
    yield ""


def _short() -> Iterator[str]:
    yield "## Short names\n"
    yield "| Variable or secret | Setting |\n|---|---|"
    for name, path in names.SHORT.items():
        yield f"| `{name}` | `{'.'.join(path)}` |"
    for suffix, path in names.PROVIDER_SUFFIXES.items():
        yield f"| `NAME_{suffix}` | `providers.NAME.{'.'.join(path)}` |"
    yield ""
    yield "`NAME` is that of any provider, in capitals: `OPENAI_API_KEY`, `ANTHROPIC_MAX_TOKENS`."
    for provider, prefixes in names.PROVIDER_PREFIXES.items():
        either = " or ".join(f"`{prefix}_…`" for prefix in prefixes)
        yield f"For `{provider}` it is {either}; if both are set, `{prefixes[-1]}_…` wins."
    yield "`AI_PROVIDER_API_KEYS` holds `TENANT:CALLER:KEY`, more of them with commas between."
    yield ""


def _built_in() -> Iterator[str]:
    yield "## Built-in providers\n"
    yield "| Provider | `kind` | `base_url` | `priority` | `models` |\n|---|---|---|---|---|"
    for name, values in BUILT_IN.items():
        models = ", ".join(f"`{model}`" for model in values["models"])
        kind, url, priority = (values[key] for key in ("kind", "base_url", "priority"))
        yield f"| `{name}` | `{kind}` | `{url}` | {priority} | {models} |"
    yield ""


def _sections() -> Iterator[str]:
    tables: dict[KeyPath, list[str]] = {}
    texts: dict[KeyPath, str] = {}
    for path, info, section in fields(Settings):
        if section is not None:
            nested = inside(info.annotation)[1]
            texts[(*path, ANY) if nested else path] = info.description or ""
        if section is None or inside(info.annotation)[1]:
            tables.setdefault(path[:-1], []).append(_row(path, info))
    for path, rows in tables.items():
        if not path:
            continue
        yield f"## `{_spelled(path)}`\n"
        yield texts[path] + "\n"
        if path == ("providers", ANY):
            yield _PROVIDERS
        yield "| Key | Type | Default | Variable | Meaning |\n|---|---|---|---|---|"
        yield from rows
        yield ""


def _row(path: KeyPath, info: FieldInfo) -> str:
    cells = (f"`{path[-1]}`", _type(info), _default(info), _variable(path), info.description or "")
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _spelled(path: KeyPath) -> str:
    if path[:2] == ("providers", ANY):
        path = ("providers", "NAME", *path[2:])
    return ".".join(path).replace(f".{ANY}", "[]")


def _type(info: FieldInfo) -> str:
    item, nested = inside(info.annotation)
    if nested:
        element, lists = inside(item)
        held = f"lists of {_name(element)}" if lists else _name(item)
        return f"mapping of {held}" if _is_mapping(info) else f"list of {held}"
    limits = [
        f"{word} {_number(getattr(bound, key))}"
        for key, word in _BOUNDS
        for bound in info.metadata
        if hasattr(bound, key)
    ]
    return ", ".join((_name(item), *limits))


def _is_mapping(info: FieldInfo) -> bool:
    return any(get_origin(kind) is dict for kind in alternatives(info.annotation))


def _name(kind: Any) -> str:
    kind = alternatives(kind)[0]
    if get_origin(kind) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(kind))
    if model_of(kind) is not None:
        return "mappings"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{member.value}`" for member in kind)
    return next((text for known, text in _TYPES.items() if kind is known), "text")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default if info.default_factory is None else None
    if isinstance(value, Enum):
        value = value.value
    if value is None or value in ("", (), frozenset()) or isinstance(value, BaseModel):
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{_number(value)}`"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _variable(path: KeyPath) -> str:
    short = [name for name, known in names.SHORT.items() if known == path]
    if path[:2] == ("providers", ANY):
        short = [f"NAME_{s}" for s, known in names.PROVIDER_SUFFIXES.items() if known == path[2:]]
        path = ("providers", "NAME", *path[2:])
    if ANY in path:
        return "-"
    return " or ".join(f"`{name}`" for name in short or (names.variable(path),))


def main(argv: Sequence[str]) -> int:
    """Exit code 0 when the page is fresh or was written, 1 when it is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="do not write")
    options = parser.parse_args(argv)
    page = document()
    if not options.check:
        TARGET.write_text(page, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != page:
        print(f"{TARGET.relative_to(ROOT)} is stale: run tools/config_docs.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Fuzzes the loader of the gateway's file: good files in which lines, values and characters were changed.

Allowed outcomes: a configuration without problems, or problems of which each names the file and a line of it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any

from framegate.config.load import load
from framegate.pdk.catalog import Catalog

EXAMPLES = Path(__file__).parents[1] / "examples"

_SMALL = """_format_version: "3.0"
_info: {select_tags: [a]}
gateway:
  listen: ["127.0.0.1:0", {address: "unix:gw.sock"}]
  workers: 1
  options: {lingering_timeout: 1, lingering_time: 2}
upstreams:
- name: pool
  algorithm: consistent-hashing
  hash_on: header
  hash_on_header: x-user
  targets:
  - {target: "127.0.0.1:9001", weight: 10}
services:
- name: chat
  url: ws://pool:9001/base
  read_timeout: 1000
  tags: [a, b]
  routes:
  - name: chat
    paths: [/chat, "~/room/(?<id>[0-9]+)$"]
    hosts: ["*.example.test"]
    headers: {x-api: ["1", "2"]}
    protocols: [ws, wss]
  plugins:
  - name: websocket-size-limit
    config: {client_max_payload: 65536}
consumers:
- username: alice
  keyauth_credentials: [{key: secret}]
  acls: [{group: admin}]
routes:
- {name: other, service: chat, paths: [/other]}
plugins:
- name: key-auth
  route: other
  config: {key_names: [apikey], hide_credentials: true}
- &anchor
  name: correlation-id
  config: {header_name: x-id, generator: uuid}
"""

_JSON = """{"_format_version": "3.0",
 "services": [{"name": "a", "url": "ws://127.0.0.1:9001",
   "routes": [{"name": "r", "paths": ["/"], "protocols": ["ws"]}]}],
 "plugins": [{"name": "acl", "service": "a", "config": {"allow": ["x"]}}]
}
"""

_VALUES = ["", "null", "true", "-1", "0", "1e400", ".nan", "99999999999999999999999", "[]", "{}", "[[]]",
           "{a: {b: 1}}", '""', "'x'", "2024-01-01", "!!python/object:os.system", "!!binary AAAA", "*anchor", "&b x",
           "<<", "ws://", "http://a", "ws://[::1", "{vault://env/NOPE}", "~", "~(", "/%zz", "☃", "\x00", "\ud800",
           "- -", "? x", "|", ">", "0x1F", "1_000", "a: b: c", "'", '"', "\t", "%", "@", "#", "\r", "\u2028", "wss",
           "chat", "key-auth"]  # fmt: skip


def sources() -> list[tuple[str, str]]:
    """The good files: their names, and what stands in them."""
    examples = [("gateway.yaml", file.read_text()) for file in sorted(EXAMPLES.glob("*/gateway.yaml"))]
    return [("gateway.yaml", _SMALL), ("gateway.yaml", _SMALL), ("gateway.json", _JSON), *examples]


def make(rng: Random) -> Any:
    name, text = rng.choice(sources())
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 6])):
        text = _changed(rng, text)
    return {"name": name, "text": text}


def _changed(rng: Random, text: str) -> str:
    lines = text.split("\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randint(0, 8)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(other, lines[at])
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3:
        lines[at] = rng.choice([" ", "  ", "- ", "\t"]) + lines[at]
    elif kind == 4:
        lines[at] = lines[at][rng.randint(0, 3) :]
    elif kind in (5, 6) and ":" in lines[at]:
        lines[at] = lines[at].partition(":")[0] + ": " + rng.choice(_VALUES)
    else:
        place = rng.randint(0, len(text))
        return text[:place] + rng.choice(_VALUES) + text[place + rng.choice([0, 1, 1, 3, 10]) :]
    return "\n".join(lines)


def check(case: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, case["name"])
        file.write_bytes(case["text"].encode("utf-8", "surrogatepass"))
        loaded = load(file, catalog=Catalog.find, environment={"SECRET": "s3cret"})
    lines = len(case["text"].splitlines()) or 1
    assert (loaded.config is None) == bool(loaded.problems), "a configuration, or problems"
    for problem in (*loaded.problems, *loaded.warnings):
        assert problem.path == str(file), f"the problem of another file: {problem}"
        assert problem.line is not None, f"a problem without a line: {problem}"
        assert 1 <= problem.line <= lines, f"line {problem.line} of {lines}: {problem}"
        assert "\n" not in str(problem), f"a problem in two lines: {problem}"

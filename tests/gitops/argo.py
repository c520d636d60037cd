"""Argo CD's side of an object: its health and its actions, by the Lua that the project ships.

The scripts are taken from the patch of `argocd-cm`, as Argo CD gets them. They run as Argo CD runs
them (`util/lua/lua.go` of v3.2.0, `useOpenLibs` off): Lua 5.1 with the base library, `table`,
`package`, and by `require` an `os` of nothing but `time` and `date`.
"""

import time
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import yaml
from lupa import lua51

from sandbox.generated import ARGOCD

GROUP = "aksaccess.dev"
PENDING_DELETION = "Pending deletion"
_SANDBOX = """
package.loaded.os = {time = os.time, date = os.date}
getmetatable("").__index = nil
for _, name in ipairs({"os", "io", "string", "math", "debug", "coroutine"}) do
  _G[name] = nil
  if name ~= "os" then package.loaded[name] = nil end
end
"""
_SECOND = 1.0


class Health(NamedTuple):
    """What Argo CD shows: Healthy, Progressing, Degraded or Suspended, and why."""

    status: str
    message: str


def config_map() -> dict[str, str]:
    """The keys that the project adds to `argocd-cm`."""
    data: dict[str, str] = yaml.safe_load(ARGOCD.read_text())["data"]
    return data


def health(raw: Mapping[str, Any]) -> Health:
    """The object's health; of a deleted one Argo CD says so without asking the script."""
    if raw["metadata"].get("deletionTimestamp"):  # gitops-engine: pkg/health/health.go
        return Health("Progressing", PENDING_DELETION)
    script = config_map()[f"resource.customizations.health.{GROUP}_{raw['kind']}"]
    return Health(**_run(script, raw))


def actions(raw: Mapping[str, Any]) -> dict[str, bool]:
    """The object's actions, and whether each can be chosen."""
    found = _run(_customized(raw)["discovery.lua"], raw)
    return {name: not action["disabled"] for name, action in found.items()}


def act(raw: Mapping[str, Any], action: str) -> dict[str, Any]:
    """The object as an action would leave it."""
    [script] = [
        each["action.lua"] for each in _customized(raw)["definitions"] if each["name"] == action
    ]
    return _run(script, raw)


def defined(kind: str) -> set[str]:
    """Names of the actions that a kind has."""
    return {each["name"] for each in _customized({"kind": kind})["definitions"]}


def _customized(raw: Mapping[str, Any]) -> dict[str, Any]:
    text = config_map()[f"resource.customizations.actions.{GROUP}_{raw['kind']}"]
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _run(script: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    lua = lua51.LuaRuntime(register_eval=False, register_builtins=False)
    lua.execute(_SANDBOX)
    lua.globals().obj = lua.table_from(deepcopy(dict(raw)), recursive=True)
    began = time.process_time()
    result = _plain(lua.execute(script))
    assert time.process_time() - began < _SECOND, "Argo CD ends a script after a second"
    assert isinstance(result, dict)
    return result


def _plain(value: Any) -> Any:
    if lua51.lua_type(value) != "table":
        return value
    items = {key: _plain(item) for key, item in value.items()}
    if items and all(isinstance(key, int) for key in items):
        return [items[key] for key in sorted(items)]
    return items

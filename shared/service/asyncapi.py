"""The catalogue of facts: JSON Schemas of all event contracts, and an AsyncAPI 3.0 document of who tells whom."""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Any

from shared import contracts
from shared.contracts.event import REGISTRY, Event
from shared.service.manifest import Service

ENVELOPE: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0, structured mode. `partitionkey` names the ordering key whose order is kept.",
    "required": [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "tenantid",
        "partitionkey",
        "data",
    ],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid"},
        "source": {"type": "string"},
        "type": {"type": "string"},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "tenantid": {"type": "string", "format": "uuid"},
        "aggregateversion": {"type": "integer"},
        "partitionkey": {"type": "string"},
        "actorid": {"type": "string"},
        "causationid": {"type": "string"},
        "correlationid": {"type": "string"},
        "traceparent": {"type": "string"},
    },
}


def event_contracts() -> dict[str, type[Event]]:
    """Every contract in `shared/contracts/`, by event type."""
    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"{contracts.__name__}.{module.name}")
    found = {t: c for t, c in REGISTRY.items() if c.__module__.startswith(f"{contracts.__name__}.")}
    return dict(sorted(found.items()))


def event_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each event's payload, by event type."""
    return {t: contract.model_json_schema(mode="serialization") for t, contract in event_contracts().items()}


def asyncapi(services: Sequence[Service]) -> dict[str, Any]:
    """An AsyncAPI 3.0 document: a channel per event type, with who sends and who receives it."""
    types = event_contracts()
    consumers = {s.name: sorted(c.type for c in s.handlers() if c.type in types) for s in services}
    operations: dict[str, Any] = {}
    for event_type in types:
        publisher = event_type.split(".")[0]
        operations[f"{publisher}.sends.{event_type}"] = _operation("send", event_type)
    for name, wanted in consumers.items():
        for event_type in wanted:
            operations[f"{name}.receives.{event_type}"] = _operation("receive", event_type)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Backoffice events", "version": "1"},
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            t: {"address": t, "messages": {t: {"$ref": f"#/components/messages/{t}"}}} for t in types
        },
        "operations": dict(sorted(operations.items())),
        "components": {"messages": {t: _message(t, c) for t, c in types.items()}},
    }


def _operation(action: str, event_type: str) -> dict[str, Any]:
    channel = f"#/channels/{event_type}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event_type}"}],
    }


def _message(event_type: str, contract: type[Event]) -> dict[str, Any]:
    payload = {"$ref": f"events/{event_type}.json"}
    properties = ENVELOPE["properties"] | {"type": {"const": event_type}, "data": payload}
    return {
        "name": event_type,
        "summary": (contract.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/cloudevents+json",
        "payload": ENVELOPE | {"properties": properties},
    }


def breaking_changes(before: dict[str, Any], after: dict[str, Any], place: str = "") -> list[str]:
    """What of a newer payload schema would break a reader of the older one; none: only optional additions."""
    before, after = _resolved(before, before), _resolved(after, after)
    return _compare(before, after, place)


def _resolved(node: Any, root: dict[str, Any], depth: int = 0) -> Any:  # noqa: ANN401 - JSON
    """The schema with its references put in place."""
    if isinstance(node, list):
        return [_resolved(item, root, depth) for item in node]
    if not isinstance(node, dict) or depth > 20:
        return node
    if "$ref" in node:
        target = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
        return _resolved(target | {k: v for k, v in node.items() if k != "$ref"}, root, depth + 1)
    return {k: _resolved(v, root, depth + 1) for k, v in node.items() if k != "$defs"}


IGNORED = frozenset({"title", "description", "default", "examples"})


def _compare(before: Any, after: Any, place: str) -> list[str]:  # noqa: ANN401 - JSON
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [] if before == after else [f"{place or '/'} has changed"]
    found: list[str] = []
    old, new = before.get("properties", {}), after.get("properties", {})
    for name in old:
        if name not in new:
            found.append(f"{place}/{name} is gone")
        else:
            found += _compare(old[name], new[name], f"{place}/{name}")
    # What the publisher always sent it must go on sending; a further field it may always send.
    found += [
        f"{place}/{name} is no longer always sent"
        for name in before.get("required", ())
        if name not in after.get("required", ())
    ]
    for key in sorted((before.keys() | after.keys()) - IGNORED - {"properties", "required"}):
        if before.get(key) != after.get(key):
            if isinstance(before.get(key), dict) and isinstance(after.get(key), dict):
                found += _compare(before[key], after[key], f"{place}/{key}")
            else:
                found.append(f"{place or '/'}: {key} has changed")
    return found

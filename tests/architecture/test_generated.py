"""What is generated from the code is committed as generated; events change by additions only."""

import json
import subprocess

import pytest

from deploy.cli.generate_docs import TARGET, documents
from services.all import SERVICES
from shared.service.asyncapi import asyncapi, breaking_changes, event_contracts, event_schemas
from tests.architecture.source import ROOT


def test_the_generated_documents_are_up_to_date():
    wanted = dict(documents())
    found = {p.relative_to(TARGET).as_posix(): p.read_text() for p in TARGET.rglob("*") if p.is_file()}

    assert found.keys() == wanted.keys(), "run `make docs`"
    assert [name for name, text in wanted.items() if found[name] != text] == [], "run `make docs`"


KEPT_SINCE = "2026-11-28T00:00Z"  # what was published then, and whatever is since, must stay readable


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("event_type", event_schemas())
def test_an_event_changes_by_additions_only(event_type: str):
    """Compared with all that was committed of it since `KEPT_SINCE`; a new event has no past."""
    log = ("log", "--format=%H", "--diff-filter=AM")
    path = f"docs/generated/events/{event_type}.json"
    commits = git(*log, f"--since={KEPT_SINCE}", "--", path).split()
    commits += git(*log, f"--before={KEPT_SINCE}", "-1", "--", path).split()

    broken = {
        commit: changes
        for commit in commits
        if (
            changes := breaking_changes(
                json.loads(git("show", f"{commit}:{path}")), event_schemas()[event_type]
            )
        )
    }

    assert broken == {}


def test_no_published_event_disappears():
    listed = git("log", "--format=", "--name-only", "--diff-filter=A", "--", "docs/generated/events")
    published = {line.rsplit("/", 1)[1].removesuffix(".json") for line in listed.split()}

    assert published - event_schemas().keys() == set()


OBJECT = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"$ref": "#/$defs/B"}}, "required": ["a"],
          "$defs": {"B": {"type": "object", "properties": {"c": {"type": "integer"}}, "required": ["c"]}}}  # fmt: skip


def changed(**changes: object) -> dict[str, object]:
    return json.loads(json.dumps(OBJECT)) | changes


@pytest.mark.parametrize(
    ("after", "complaint"),
    [
        (changed(properties={"a": {"type": "string"}}), "/b is gone"),
        (changed(properties=OBJECT["properties"] | {"a": {"type": "integer"}}), "/a: type has changed"),
        (changed(required=[]), "/a is no longer always sent"),
        (changed(**{"$defs": {"B": {"type": "object", "properties": {}, "required": []}}}), "/b/c is gone"),
    ],
)
def test_a_breaking_change_of_a_schema_is_noticed(after: dict[str, object], complaint: str):
    assert complaint in breaking_changes(OBJECT, after)


def test_an_addition_and_a_better_text_break_nothing():
    wider = changed(
        properties=OBJECT["properties"] | {"d": {"type": "string"}}, description="better", required=["a", "d"]
    )

    assert breaking_changes(OBJECT, wider) == []


def test_every_event_has_one_sender_known_receivers_and_a_meaning():
    document = asyncapi(SERVICES)
    names = {s.name for s in SERVICES} | {"gateway"}

    for event_type, contract in event_contracts().items():
        assert event_type.split(".")[0] in names, event_type
        assert contract.__module__.endswith(f".{event_type.split('.')[0]}"), (
            f"{event_type} is in another's contracts"
        )
        assert (contract.__doc__ or "").strip(), event_type
        assert document["components"]["messages"][event_type]["summary"]
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].rsplit("/", 1)[1] in document["channels"]

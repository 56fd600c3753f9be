"""Everything the workshop has created, looked up in AWS by name, by tag and by the state file.

Reads only; imports kinds and session.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ...errors import WorkshopError
from ..places import all_states
from ..session import Workshop
from ..state import State
from .kinds import BUCKET_KEYS, KINDS, Resource


@dataclass(frozen=True)
class Inventory:
    """What was found; shows itself as a table in a notebook and as lines in a terminal."""

    resources: tuple[Resource, ...]
    local: bool
    prefix: str = ""
    elsewhere: tuple[str, ...] = ()  # other prefixes of the workshop that have something here

    @property
    def ours(self) -> tuple[Resource, ...]:
        return tuple(resource for resource in self.resources if resource.ours)

    @property
    def others(self) -> tuple[Resource, ...]:
        """Bears one of our names, but not our tags: never touched."""
        return tuple(resource for resource in self.resources if not resource.ours)

    def __len__(self) -> int:
        return len(self.resources)

    def __str__(self) -> str:
        if not self.resources:
            return self._nothing()
        return "\n".join(
            f"{each.kind:14} {each.name:60} {each.detail}" + ("" if each.ours else "  NOT OURS: left alone")
            for each in self.resources
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._table()}

    def _nothing(self) -> str:
        words = f"Nothing with the prefix {self.prefix} exists."
        if self.elsewhere:
            words += f" Other prefixes have something here: {', '.join(self.elsewhere)}. Is one of them yours?"
        return words

    def _table(self) -> str:
        if not self.resources:
            return f"<p>{escape(self._nothing())}</p>"
        rows = "".join(self._row(resource) for resource in self.resources)
        return f"<table><tr><th>Kind</th><th>Name</th><th></th><th>Ours</th></tr>{rows}</table>"

    def _row(self, resource: Resource) -> str:
        name = escape(resource.name)
        if not self.local:
            name = f'<a href="{escape(resource.console)}" target="_blank">{name}</a>'
        cells = (resource.kind, name, escape(resource.detail), "yes" if resource.ours else "no: left alone")
        return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"


def inventory(ws: Workshop) -> Inventory:
    """Look for every resource: names of the design, tags, notes in the state file; in the clean-up's order."""
    arns = [*tagged_arns(ws), *noted_arns(ws)]
    found = (kind.find(ws, name) for kind in KINDS for name in kind.names(ws, arns))
    return Inventory(tuple(filter(None, found)), ws.target == "local", ws.names.prefix, other_prefixes(ws))


def other_prefixes(ws: Workshop) -> tuple[str, ...]:
    """The workshop's other prefixes in this account and region, by tags and by the state files of this checkout."""
    pages = ws.client("resourcegroupstaggingapi").get_paginator("get_resources")
    items = [
        item
        for page in pages.paginate(TagFilters=[{"Key": "project", "Values": [ws.tags["project"]]}])
        for item in page["ResourceTagMappingList"]
    ]
    found = {tag["Value"] for item in items for tag in item["Tags"] if tag["Key"] == "workshop"}
    noted = {state["prefix"] for state in map(_state, all_states()) if _is_of(state, ws)}
    return tuple(sorted((found | noted) - {ws.names.prefix}))


def _state(path: Path) -> dict:
    """What a state file notes; one that cannot be read is of no use here."""
    try:
        return dict(State(path))
    except WorkshopError:
        return {}


def _is_of(state: Mapping, ws: Workshop) -> bool:
    """Made in the same account, region and embedded AWS, by a chapter that makes something."""
    same = all(state.get(key) == ws.state.get(key) for key in ("target", "account", "region", "engine"))
    return same and "input_bucket" in state and "prefix" in state


def tagged_arns(ws: Workshop) -> list[str]:
    """ARNs with this workshop's tags in this region. AWS may still list what was deleted an hour ago."""
    filters = [{"Key": key, "Values": [value]} for key, value in ws.tags.items()]
    pages: Iterable = ws.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=filters)
    return [item["ResourceARN"] for page in pages for item in page["ResourceTagMappingList"]]


def noted_arns(ws: Workshop) -> list[str]:
    """ARNs of what the state file notes. The tagging API knows no roles: an odd name is found only here."""
    state, names = ws.state, ws.names
    arns = [text for text in _texts(dict(state)) if text.startswith("arn:") and text.count(":") >= 5]
    arns += [f"arn:{ws.partition}:s3:::{state[key]}" for key in BUCKET_KEYS if key in state]
    functions = [arn.rpartition(":")[2] for arn in state.get("functions", {}).values()]
    arns += [names.arn("logs", f"log-group:/aws/lambda/{name}") for name in functions]
    if "repository_uri" in state:
        arns.append(names.arn("ecr", f"repository/{state['repository_uri'].partition('/')[2]}"))
    return arns


def _texts(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)

"""`begin`: where a notebook runs (target, account, region), what came before it, and its AWS clients.

Nothing here creates or changes anything in AWS.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, UnknownRegionError
from botocore.exceptions import ConnectionError as NoConnectionError

from ..errors import WorkshopError
from .chapters import CHAPTERS, maker
from .demands import Demands, agreed, follow
from .names import Names
from .parameters import check_kinds, of_this_notebook
from .places import TARGETS, bring_back, chosen, earlier_states, engine_id, short, state_path
from .plain import speak_plainly
from .state import State

# Areas without Rekognition, and the one that is nearest.
NEIGHBOURS = {"af": "eu", "me": "eu", "mx": "us"}


@dataclass(frozen=True)
class Workshop:
    """One notebook's view of the workshop. Made by `begin`."""

    notebook: int
    target: str
    names: Names
    state: State
    session: boto3.Session = field(repr=False)
    demands: Demands = field(default_factory=Demands)
    _clients: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def account(self) -> str:
        return self.names.account

    @property
    def region(self) -> str:
        return self.names.region

    @property
    def partition(self) -> str:
        return self.names.partition

    @property
    def tags(self) -> dict[str, str]:
        """The tags every resource of this workshop carries; the clean-up deletes nothing without them."""
        return {"project": "faceblur", "workshop": self.names.prefix}

    @property
    def tag_list(self) -> list[dict[str, str]]:
        """The tags as most services want them."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    def client(self, service: str) -> Any:
        """An ordinary boto3 client, with retries that back off; one of each service, as making one takes a while."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service, config=_config(self.target))
        return self._clients[service]

    def need(self, key: str) -> Any:
        """A value that an earlier notebook saved. Raises WorkshopError with the notebook to run."""
        if key in self.state:
            return self.state[key]
        chapter = maker(key)
        if chapter is None:
            raise WorkshopError(f"no notebook saves {key!r}; see {self.state.path}")
        raise WorkshopError(f"{key!r} is not there yet: run {chapter.file} first")

    def is_ours(self, tags: Any) -> bool:
        """Whether these tags (a dict, or a list of Key/Value or key/value pairs) carry all of ours."""
        pairs = dict(tags) if isinstance(tags, dict) else {}
        if not isinstance(tags, dict):
            pairs = {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value")) for tag in tags or ()}
        return all(pairs.get(key) == value for key, value in self.tags.items())

    def check_ours(self, what: str, tags: Any) -> None:
        """Refuse to take over something that exists already and was not made by this workshop."""
        if not self.is_ours(tags):
            raise WorkshopError(
                f"{what} exists already and does not carry this workshop's tags {self.tags}: it belongs to "
                "somebody else. Choose another PREFIX for all chapters: python3 kit.py lab --prefix ..."
            )

    def done(self) -> None:
        """Mark this notebook as run and say what comes next."""
        self.state["done"] = sorted({*self.state.get("done", []), self.notebook})
        following = CHAPTERS.get(self.notebook + 1)
        print(f"Checkpoint: {CHAPTERS[self.notebook].file} is done. State: {short(self.state.path)}")
        print(f"You are here: chapter {self.notebook} of {len(CHAPTERS)}. {self._standing()}")
        if following:
            print(f"Next: {following.file}")

    def finish(self) -> None:
        """After the clean-up: forget all but which chapters were done, which the page of a class shows."""
        done = {*self.state.get("finished", []), *self.state.get("done", [])}
        whose = {"prefix": self.names.prefix, "target": self.target, "finished": sorted({*done, self.notebook})}
        self.state.forget(**(whose if done else {}))  # of a prefix that was mistyped nothing stays
        print("Checkpoint: nothing is noted any more but the chapters that you have done.")

    def _standing(self) -> str:
        """What is there now, and what an hour of it costs."""
        stands = [CHAPTERS[number] for number in self.state["done"] if CHAPTERS[number].stands]
        if not stands:
            return "Nothing stands in AWS, and nothing costs."
        usd = sum(chapter.usd_an_hour for chapter in stands)
        costs = f"about USD {usd:.5f} on AWS" if usd else "nothing"
        costs = "nothing on the embedded AWS" if self.target == "local" else costs
        return f"There are now {', '.join(chapter.stands for chapter in stands)}; an hour of it costs {costs}."


def begin(notebook: int, target: str = "", prefix: str = "") -> Workshop:
    """Say where this notebook runs, and refuse to go on where it could do harm or an earlier one is missing.

    target, prefix: left empty, they are what the lab was started with (FACEBLUR_TARGET and FACEBLUR_PREFIX), else
    "local" and "faceblur". In a notebook errors are a sentence from here on, no traceback.

    Raises WorkshopError: a parameter of another kind, an unknown target, no endpoint for "local", a diverted endpoint
    for "aws", no credentials or region, a state file of another account or region, an earlier notebook that has not
    run, demands (in the environment) that cannot be or are not those that earlier notebooks followed.
    """
    speak_plainly()
    if notebook not in CHAPTERS:
        raise WorkshopError(f"there is no notebook {notebook}; they are 1 to {max(CHAPTERS)}")
    check_kinds(notebook, of_this_notebook())
    target, prefix = chosen(target, prefix)
    check_target(target)
    session = boto3.Session()
    if not session.region_name:
        raise WorkshopError("no AWS region is set: set AWS_DEFAULT_REGION, e.g. to eu-west-1")
    _check_region_name(session)
    partition, account = _identity(session, target)
    names = Names(prefix, account, session.region_name, partition)
    if target == "aws":
        check_region(names.region, session.get_available_regions("rekognition", partition))
    engine = engine_id(session.get_credentials().access_key) if target == "local" else ""
    state = State(state_path(target, prefix, engine))
    _set_aside(state, engine)
    _check_state(state, target, names, engine)
    demands = agreed(state, names.region)
    _check_order(state, notebook)
    follow(session, demands)
    place = f"embedded AWS at {_endpoint()}" if target == "local" else "your AWS account: this costs money"
    print(f"Target:  {target} ({place})\nAccount: {account}\nRegion:  {names.region}\nPrefix:  {prefix}")
    if demands:
        print(f"Demands: {demands}")
    if "trouble" in state:
        print("Note:    something is broken on purpose, and not mended yet: see the end of chapter 8")
    return Workshop(notebook, target, names, state, session, demands)


def check_region(region: str, available: Iterable[str]) -> None:
    """Raises WorkshopError for a region without Rekognition, and names the nearest that have it."""
    there = sorted(available)
    if not there or region in there:
        return
    area = region.partition("-")[0]
    area = NEIGHBOURS.get(area, area)
    near = [name for name in there if name.startswith(f"{area}-")] or there
    raise WorkshopError(
        f"there is no Amazon Rekognition in {region}, as far as boto3 knows: set AWS_DEFAULT_REGION to one that is "
        f"near: {', '.join(near)}"
    )


def check_target(target: str) -> None:
    """Refuse a target that is unknown, or whose calls would go elsewhere. Raises WorkshopError."""
    if target not in TARGETS:
        raise WorkshopError(f'TARGET = {target!r} is unknown: use "local" or "aws"')
    if target == "local":
        host = urlsplit(_endpoint()).hostname
        if not host:
            raise WorkshopError("the embedded AWS is not running; start it with: python3 kit.py lab")
        if not _is_loopback(host):
            raise WorkshopError(
                f'TARGET = "local", but AWS_ENDPOINT_URL points to {host}, not to this machine; '
                "unset it and start the embedded AWS with: python3 kit.py lab"
            )
        return
    diverted = [name for name in sorted(os.environ) if name.startswith("AWS_ENDPOINT_URL") and os.environ[name]]
    if diverted:
        raise WorkshopError(
            f'TARGET = "aws", but {", ".join(diverted)} would send the calls elsewhere: stop this JupyterLab and '
            "start one for AWS: python3 kit.py lab --target aws"
        )


def _check_region_name(session: boto3.Session) -> None:
    try:
        session.get_partition_for_region(session.region_name)
    except UnknownRegionError:
        raise WorkshopError(
            f"{session.region_name!r} is no AWS region: set AWS_DEFAULT_REGION, e.g. to eu-west-1"
        ) from None


def _identity(session: boto3.Session, target: str) -> tuple[str, str]:
    """(partition, account) of whoever the credentials belong to."""
    fewer = Config(retries={"mode": "standard", "max_attempts": 2})  # somebody waits for the first cell
    try:
        caller = session.client("sts", config=_config(target).merge(fewer)).get_caller_identity()
    except (ClientError, BotoCoreError) as problem:
        if target == "local":
            raise WorkshopError(
                f"the embedded AWS does not answer ({problem}); start it with: python3 kit.py lab"
            ) from None
        if isinstance(problem, HTTPClientError | NoConnectionError):
            raise WorkshopError(
                f"AWS does not answer ({problem}); look at the network, at HTTPS_PROXY, and whether your account has "
                f"the region {session.region_name}"
            ) from None
        raise WorkshopError(
            f"AWS does not accept the credentials ({problem}); try: aws sts get-caller-identity"
        ) from None
    return caller["Arn"].split(":")[1], caller["Account"]


def _set_aside(state: State, engine: str) -> None:
    """A state file of another embedded AWS describes what is not here: it is kept under that one's name."""
    if engine and "engine" in state and state["engine"] != engine:
        there = state.move(state.path.with_name(f"{state.path.stem}-{state['engine']}{state.path.suffix}"))
        print(f"Note: {short(there)} is of another embedded AWS; this one starts empty, with a state of its own.")


def _check_state(state: State, target: str, names: Names, engine: str) -> None:
    """The state file belongs to one target, account and region for good, and to one embedded AWS."""
    here = {"target": target, "account": names.account, "region": names.region, "prefix": names.prefix}
    there = {key: state[key] for key in here if key in state}
    wrong = [f"{key} {there[key]} (now {here[key]})" for key in there if there[key] != here[key]]
    if wrong:
        raise WorkshopError(
            f"{state.path} was made for {', '.join(wrong)}: go back there and run {CHAPTERS[10].file}, "
            "or choose another PREFIX"
        )
    for key, value in (here | ({"engine": engine} if engine else {})).items():
        if key not in state:
            state[key] = value


def _check_order(state: State, notebook: int) -> None:
    done = state.get("done", [])
    missing = [number for number in CHAPTERS[notebook].needs if number not in done]
    if not missing:
        return
    if "engine" in state and not done and earlier_states(state.path):
        raise WorkshopError(
            "that AWS is gone: what the earlier chapters made was in an embedded AWS that has ended, or is another "
            f"one. Start at {CHAPTERS[2].file}, or {bring_back(state['prefix'])}"
        )
    raise WorkshopError(f"run {CHAPTERS[missing[0]].file} first: {CHAPTERS[notebook].file} builds on it")


def _config(target: str) -> Config:
    return Config(
        retries={"mode": "standard", "max_attempts": 8},
        # A profile may hold an endpoint_url, too: it must not divert what is meant for AWS.
        ignore_configured_endpoint_urls=target == "aws",
    )


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL", "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

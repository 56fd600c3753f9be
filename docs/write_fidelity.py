"""Writes docs/fidelity.md from the tables of tests/localaws/conformance: what the embedded AWS does as AWS does, and
what not. `--others NAME=FILE` notes what came of the cases elsewhere, as `--conformance-report FILE` wrote it; a name
that is a key of STARTED is said to have been started so.

    python docs/write_fidelity.py
"""

import argparse
import json
import sys
from pathlib import Path

DAY = "27 November 2026"
ROOT = Path(__file__).parents[1]
TABLES = ROOT / "tests" / "localaws" / "conformance"
PAGE, OTHERS = ROOT / "docs" / "fidelity.md", TABLES / "others.json"
HEAD = """\
# What is real, and what is not

The embedded AWS beside the documentation of AWS, service by service. Made by `docs/write_fidelity.py` from the tables
of `tests/localaws/conformance`: {count} cases, each with the page that it is about. The suite tries them all; what
is said here to fail does, or a test fails. The cases were written by hand, with the embedded AWS beside them: what
nobody thought of is in none of them.

```console
$ python -m pytest tests/localaws/conformance                                          # the embedded AWS
$ python -m pytest tests/localaws/conformance --endpoint-url http://127.0.0.1:4566     # any other
$ python -m pytest tests/localaws/conformance --endpoint-url none                      # the account that boto3 finds
```

The third says beforehand what it makes and costs, and removes it. **It has never been run:** whether AWS does what its
pages say, this cannot tell. AWS's own emulator, published in November 2026, cannot be had here: the second line tries
it, with its address. An operation that no case names is ministack's (see its own documentation) behind the same gate.

"""
RAN = "with a function that ran: "
ELSEWHERE = """
The other columns are the same cases, unchanged, tried elsewhere with the second line on {day}, on one machine without
Docker, each started as it starts by itself:

{started}

They are made for other ends, and do much that no case asks for; the cases were written beside the embedded AWS, not
beside them. A case that needs a function or an image to run and failed where those run in Docker alone is **not run
here**, and counted apart. Neither checks IAM unless it is asked to when it starts (`INITIAL_NO_AUTH_ACTION_COUNT`,
`AUTH`), so what a role may not do is done there; that was not tried otherwise. Rekognition Video is in neither.
"""
# These need Docker wherever they are not run by processes.
IMAGES = ("Lambda: an image's ENTRYPOINT runs before its CMD",)
# By the name of its column: how it was started, and whether it runs functions without Docker.
STARTED = {
    "moto 5.2.5": (
        "`moto_server -H 127.0.0.1 -p 4599` of moto[server] 5.2.5, and a POST to `/moto-api/config` without which no "
        'state machine runs: `{"stepfunctions": {"execute_state_machine": true}}`',
        False,
    ),
    "ministack 1.5.33": (
        "`BIND_HOST=127.0.0.1 GATEWAY_PORT=4600 ministack` of ministack 1.5.33, the bare engine: what the embedded AWS "
        "stands on, without what is added here",
        True,
    ),
}
BEYOND = """
## Whatever the service

- **Signatures, hosts, web pages**: as closed as [SECURITY.md](../SECURITY.md) says; every call is checked against IAM.
- **Functions run on this machine's Python**, whatever Runtime says, without other languages. An image with a system of
  its own runs in that, whatever it begins with; one without runs on this machine's Python, if that is what its
  ENTRYPOINT names, and what it holds below /usr, /etc, /bin and /lib is then seen in /.image. USER of an image counts
  for nothing.
- **They are confined where Linux gives namespaces**: code in /var/task, layers in /opt, a /tmp of their own with the
  size that was asked for (in memory, up to half of the machine's; beyond that on the disk, and the function that holds
  more is ended), no process but their own. The network is the machine's. Where it does not, and on macOS, code and
  layers lie in folders of their own, an image's program is refused, and `faceblur local up` says so when it starts.
- **One region, one account**, no bills, no quotas but those named in the cases and concurrent executions.
- **Times are short**: a role is usable at once, a function is active after a tenth of a second.
"""


def cases():
    sys.path.insert(0, str(TABLES))
    from tables import TABLES as tables

    return tables


def page(others: dict[str, dict[str, str]]) -> str:
    tables = cases()
    lines = [HEAD.format(count=sum(len(table.cases) for table in tables))]
    lines += ["| service | cases | embedded AWS | " + " | ".join([*others, ""]), "|---" * (3 + len(others)) + "|"]
    lines = [lines[0], *(line.rstrip() for line in lines[1:])]
    for table in tables:
        names = [f"{case.service}: {case.name}" for case in table.cases]
        elsewhere = [counted(found, names) for found in others.values()]
        own = sum(not case.lacks for case in table.cases)
        lines.append("| " + " | ".join([table.service, str(len(names)), str(own), *elsewhere]) + " |")
    if others:
        started = "\n".join(f"- **{name}**: {STARTED[name][0]}." for name in others)
        lines += [ELSEWHERE.format(day=DAY, started=started).rstrip()]
    for table in tables:
        lines += ["", f"## {table.service}", ""]
        lines += [f"- **Not so: [{case.name}]({case.page})**: {case.lacks}." for case in table.cases if case.lacks]
        good = [f"[{case.name}]({case.page})" for case in table.cases if not case.lacks]
        lines += ["- As documented: " + "; ".join(good) + "."]
    return "\n".join(lines) + "\n" + BEYOND


def outcomes(report: dict[str, str], runs_functions: bool) -> dict[str, str]:
    """What of a report is kept: "" for a case that did well, "no", or "not run" where only a function was missing."""
    kept = {}
    for name, problem in report.items():
        is_missing = problem.startswith(RAN) and (not runs_functions or name in IMAGES)
        kept[name] = "not run" if is_missing else "no" if problem else ""
    return kept


def counted(found: dict[str, str], names: list[str]) -> str:
    """How many of these did well there; apart from them, how many were not tried."""
    good = sum(found.get(name) == "" for name in names)
    untried = sum(found.get(name, "not run") == "not run" for name in names)
    return f"{good}, {untried} not run here" if untried else str(good)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--others", nargs="*", default=[], metavar="NAME=FILE")
    found = json.loads(OTHERS.read_text()) if OTHERS.exists() else {}
    for name, _, file in (one.partition("=") for one in parser.parse_args().others):
        found[name] = outcomes(json.loads(Path(file).read_text()), STARTED[name][1])
    if found:
        OTHERS.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")
    PAGE.write_text(page(found), encoding="utf-8")
    print(f"{PAGE}: {sum(len(table.cases) for table in cases())} cases")


if __name__ == "__main__":
    main()

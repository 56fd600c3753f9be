"""Writes docs/fidelity.md from the tables of tests/localaws/conformance: what the embedded AWS does as AWS does, and
what not. `--others NAME=FILE` notes what came of the cases elsewhere, as `--conformance-report FILE` wrote it; a name
that is a key of STARTED is said to have been started so.

    python docs/write_fidelity.py
"""

import argparse
import json
import sys
from pathlib import Path

DAY = "27 and 28 November 2026"
ROOT = Path(__file__).parents[1]
TABLES = ROOT / "tests" / "localaws" / "conformance"
PAGE, OTHERS = ROOT / "docs" / "fidelity.md", TABLES / "others.json"
HEAD = """\
# What is real, and what is not

The embedded AWS compared with AWS's documentation, service by service: {count} cases, each with a link to the page that
it tests. This page is made by `docs/write_fidelity.py` from the tables of `tests/localaws/conformance`. The test suite
tries every case, those that are said to fail included. The cases were written by hand, beside the embedded AWS: what
nobody thought of is not among them.

```console
$ python -m pytest tests/localaws/conformance                                          # the embedded AWS
$ python -m pytest tests/localaws/conformance --endpoint-url http://127.0.0.1:4566     # any other
$ python -m pytest tests/localaws/conformance --endpoint-url none                      # the account that boto3 finds
```

The third says beforehand what it makes and what that costs, and removes it afterwards. **It has never been run**, so
nothing here says whether AWS itself does what its pages say. AWS's own emulator, published in November 2026, was not
tried either; the second line would do that, with its address. What no case names is left to ministack (see its
documentation), behind the same checks of signatures and permissions.

"""
RAN = "with a function that ran: "
ELSEWHERE = """
The other columns are the same cases, tried with the second line on {day}, on a machine without Docker.
Each server was started with its defaults:

{started}

They have other purposes, and do much that no case asks for; the cases were written beside the embedded AWS, not beside
them. **Not run here** are cases that need a function or an image to run where those run in Docker alone. Neither server
checks IAM unless told to at its start (`INITIAL_NO_AUTH_ACTION_COUNT`, `AUTH`); that was not tried. Neither has
Rekognition Video.
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

- **Signatures, hosts, web pages** are checked as [SECURITY.md](../SECURITY.md) says; every call is checked against IAM.
- **Functions run on this machine's Python**, whichever Python their Runtime names; there are no other languages. A
  container image with a system of its own runs in it, in any language. An image without one runs on this machine's
  Python, if its ENTRYPOINT names Python; what it holds below /usr, /etc, /bin and /lib is then in /.image. USER of an
  image is ignored.
- **They are confined where Linux gives namespaces**: code in /var/task, layers in /opt, a /tmp of their own with the
  size that was asked for (in memory, up to half of the machine's; beyond that on the disk, and the function that holds
  more is ended), no process but their own. The network is the machine's. Elsewhere code and layers lie in folders
  of their own, an image's program is refused, and `faceblur local up` says so when it starts.
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

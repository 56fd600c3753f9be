"""Writes docs/fidelity.md from the tables of tests/localaws/conformance: what the embedded AWS does as AWS does, and
what not. `--others NAME=FILE` notes what came of the cases elsewhere, as `--conformance-report FILE` wrote it.

    python docs/write_fidelity.py
"""

import argparse
import json
import sys
from pathlib import Path

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
        elsewhere = [str(sum(found.get(name) == "" for name in names)) for found in others.values()]
        own = sum(not case.lacks for case in table.cases)
        lines.append("| " + " | ".join([table.service, str(len(names)), str(own), *elsewhere]) + " |")
    for table in tables:
        lines += ["", f"## {table.service}", ""]
        lines += [f"- **Not so: [{case.name}]({case.page})**: {case.lacks}." for case in table.cases if case.lacks]
        good = [f"[{case.name}]({case.page})" for case in table.cases if not case.lacks]
        lines += ["- As documented: " + "; ".join(good) + "."]
    return "\n".join(lines) + "\n" + BEYOND


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--others", nargs="*", default=[], metavar="NAME=FILE")
    found = json.loads(OTHERS.read_text()) if OTHERS.exists() else {}
    for name, _, file in (one.partition("=") for one in parser.parse_args().others):
        found[name] = json.loads(Path(file).read_text())
    if found:
        OTHERS.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")
    PAGE.write_text(page(found), encoding="utf-8")
    print(f"{PAGE}: {sum(len(table.cases) for table in cases())} cases")


if __name__ == "__main__":
    main()

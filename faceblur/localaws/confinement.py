"""Gives a function's process a machine of its own: its root folder, its /proc, its /tmp. Linux, without root.

This file is the program that becomes the function; standard library only. One line of JSON on standard input says what
is to be seen there (`sandbox` writes it). Three processes come of it: the first one watches, the second is the first
of the namespace (when it ends the kernel ends all the others), the third one is the function. They end with whoever
holds the other end of standard input.

Nothing of the machine is there but what the document names: a new, empty root takes the place of the old one.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import select
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

NEWNS, NEWIPC, NEWUSER, NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
# What must stay as it is when a mount of others is made read-only, as (statvfs has it, mount has it).
KEPT = ((2, NOSUID), (4, NODEV), (8, NOEXEC), (1024, 1024), (2048, 2048), (4096, 1 << 21))
DETACH = 2
PDEATHSIG, CAPBSET_DROP, NO_NEW_PRIVS = 1, 24, 38
DEVICES = ("null", "zero", "full", "random", "urandom")
DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
# Of /proc, where this kernel gives no new one: what libraries ask of the processor.
OF_PROC = ("/proc/cpuinfo", "/proc/meminfo")
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_FILES = MAX_PROCESSES = 1024
# From here on the limit of processes counts those of the namespace, not all of the user's.
COUNTS_BY_NAMESPACE = (5, 14)

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: Any) -> None:
    """A function of the C library. Raises OSError."""
    if getattr(libc, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    call("mount", *words, ctypes.c_ulong(flags), options.encode())


def bind(source: str, target: str) -> None:
    """What lies at `source`, with everything mounted in it, at `target`, which is made."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_RDONLY, 0o444))
    mount(source, target, None, BIND | REC)


def build(document: dict) -> None:
    """The new root, and its place taken."""
    root = document["root"]
    mount(None, "/", None, REC | PRIVATE)
    mount("root", root, "tmpfs", NOSUID | NODEV, "size=1m,mode=755")
    os.makedirs(root + "/tmp")
    if isinstance(document["tmp"], int):
        mount("tmp", root + "/tmp", "tmpfs", NOSUID | NODEV, f"size={document['tmp']},mode=1777")
    else:
        mount(document["tmp"], root + "/tmp", None, BIND)
    for source, target in document["places"]:
        bind(source, root + target)
    for target in document["empty"]:
        os.makedirs(root + target)
    for target, text in document["files"].items():
        os.makedirs(os.path.dirname(root + target), exist_ok=True)
        with open(root + target, "w") as file:
            file.write(text)
    for target, source in document["links"].items():
        os.symlink(source, root + target)
    open_devices(root)
    open_processes(root)
    seal(root)
    os.chdir(root)
    call("pivot_root", b".", b".")
    call("umount2", b".", DETACH)
    os.chdir("/")


def open_devices(root: str) -> None:
    for name in DEVICES:
        bind("/dev/" + name, f"{root}/dev/{name}")
    for name, target in DEVICE_LINKS.items():
        os.symlink(target, f"{root}/dev/{name}")


def open_processes(root: str) -> None:
    """/proc of this namespace alone. Read-only: what root may write there concerns the whole machine."""
    os.makedirs(root + "/proc")
    try:
        mount("proc", root + "/proc", "proc", NOSUID | NODEV | NOEXEC | RDONLY)
    except OSError:
        for place in filter(os.path.exists, OF_PROC):
            bind(place, root + place)


def seal(root: str) -> None:
    """Make everything read-only but /tmp, and what was mounted in what is seen, too."""
    with open("/proc/self/mountinfo") as lines:
        places = [re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split()[4]) for line in lines]
    for place in places:
        if not (place + "/").startswith(root + "/") or place == root + "/tmp" or place.startswith(root + "/dev/"):
            continue
        has = os.statvfs(place).f_flag
        flags = sum(flag for bit, flag in KEPT if has & bit)
        mount(None, place, None, REMOUNT | BIND | RDONLY | flags | NOSUID | NODEV)


def become(document: dict) -> None:
    """The function, without any right beyond those of its user."""
    os.setsid()
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    os.umask(0o022)
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: MAX_FILES}
    if document["user"] and tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= COUNTS_BY_NAMESPACE:
        limits[resource.RLIMIT_NPROC] = MAX_PROCESSES
    for kind, limit in limits.items():
        _, most = resource.getrlimit(kind)
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(kind, (limit, limit))
    capability = 0
    while libc.prctl(CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    call("prctl", NO_NEW_PRIVS, 1, 0, 0, 0)
    os.chdir(document["folder"])
    os.execve(document["command"][0], document["command"], document["variables"])


def lead(document: dict, tell: int) -> NoReturn:
    """The first process of the namespace: ends with the function, and then everything does that it left."""
    call("prctl", PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    build(document)
    function = os.fork()
    if function == 0:
        in_one_line(become, document)
    while True:
        ended, status = os.wait()
        if ended == function:
            os.write(tell, status.to_bytes(4, "big"))
            os._exit(0)


def in_one_line(work: Callable, *arguments: Any) -> NoReturn:
    """Never comes back; what goes wrong is a line of the function's log."""
    try:
        work(*arguments)
    except OSError as problem:
        print(f"this function cannot begin: {problem.strerror or problem}", file=sys.stderr, flush=True)
    os._exit(1)


def separate(document: dict) -> None:
    """Namespaces for this process' children, and for a user who is somebody else in there, as on AWS."""
    names = {"uid_map": (document["uid"], os.getuid()), "gid_map": (document["gid"], os.getgid())}
    call("unshare", NEWNS | NEWIPC | NEWPID | (NEWUSER if document["user"] else 0))
    if document["user"]:
        for file, text in {"setgroups": "deny", **{k: f"{a} {b} 1" for k, (a, b) in names.items()}}.items():
            with open(f"/proc/self/{file}", "w") as out:
                out.write(text)


def follow(leader: int, heard: int) -> NoReturn:
    """Wait for the function's end, and end as it did; end it when nobody wants it any more."""
    ready, _, _ = select.select([0, heard], [], [])
    told = os.read(heard, 4) if heard in ready else b""
    if 0 in ready:
        os.kill(leader, signal.SIGKILL)
    _, status = os.waitpid(leader, 0)
    status = int.from_bytes(told, "big") if told else status
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


def read_line() -> bytes:
    text = b""
    while not text.endswith(b"\n"):
        text += os.read(0, 1 << 16) or b"\n"
    return text


def main() -> NoReturn:
    document = json.loads(read_line())
    separate(document)
    heard, tell = os.pipe()
    leader = os.fork()
    if leader == 0:
        os.close(heard)
        in_one_line(lead, document, tell)
    os.close(tell)
    follow(leader, heard)


if __name__ == "__main__":
    in_one_line(main)

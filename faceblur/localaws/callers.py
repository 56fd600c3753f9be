"""Who is at the other end of a connection on this machine. Linux alone can tell."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from .family import members

LOOPBACK = f"{int.from_bytes(bytes([127, 0, 0, 1]), sys.byteorder):08X}"
# Over IPv4, and over IPv6 as some languages call an IPv4 address.
TABLES = {"tcp": LOOPBACK, "tcp6": f"{0:016X}{int.from_bytes(bytes([0, 0, 255, 255]), sys.byteorder):08X}{LOOPBACK}"}


def is_of_family(pid: int, own_port: int, peer_port: int) -> bool:
    """Whether the process or a descendant holds the end at `peer_port` of a connection to `own_port` of 127.0.0.1."""
    if sys.platform != "linux":
        return True
    sockets = {f"socket:[{number}]" for number in inodes(own_port, peer_port)}
    return any(sockets & set(open_files(member)) for member in members(pid)) if sockets else False


def inodes(own_port: int, peer_port: int) -> list[str]:
    """The numbers of the peer's end of the connection."""
    found = []
    for table, host in TABLES.items():
        ends = [f"{host}:{peer_port:04X}", f"{host}:{own_port:04X}"]
        with contextlib.suppress(FileNotFoundError):  # no IPv6
            lines = (line.split() for line in Path("/proc/net", table).read_text().splitlines())
            found += [line[9] for line in lines if line[1:3] == ends]
    return found


def open_files(pid: int) -> list[str]:
    found = []
    with contextlib.suppress(OSError):  # it has ended
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.append(str(file.readlink()))
    return found

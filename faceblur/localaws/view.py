"""What a confined function sees of this machine, and where.

An allow list: the system's libraries, the interpreter with what the managed runtime needs, and the function's own code,
layers and image, each where AWS has it. Of the home nothing, unless the interpreter lies there: that is seen then.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from .function import Function
from .managed_runtime import ManagedRuntime
from .warden import remove

TASK, LAYERS, RUNTIME = "/var/task", "/opt", "/var/runtime"
# What is seen of this machine where a function has no system of its own. Of /etc what libraries read, and no secrets.
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "nix", "gnu")
SETTINGS = ("alternatives", "ca-certificates", "crypto-policies", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
            "mime.types", "os-release", "pki/ca-trust/extracted", "pki/tls/cert.pem", "pki/tls/certs",
            "pki/tls/openssl.cnf", "resolv.conf", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf")  # fmt: skip
PROCESSORS = ("/sys/devices/system/cpu", "/sys/devices/system/node")
USER, GROUP = 993, 990  # as on AWS
FILES = {
    "/etc/passwd": f"root:x:0:0::/:/sbin/nologin\nsandbox:x:{USER}:{GROUP}::/tmp:/sbin/nologin\n",
    "/etc/group": f"root:x:0:\nsandbox:x:{GROUP}:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
}
EMPTY = ("/var/tmp",)
# Never of the image where it has a system of its own: they are made anew.
MADE = (".image", ".runtime", "dev", "proc", "sys", "tmp")
IMAGE, CLIENT = "/.image", "/.runtime"  # where all of an image without a system is seen, and the runtime client


@dataclass(frozen=True)
class View:
    """layers: a folder for what several layers make together."""

    python: str
    runtime: ManagedRuntime
    layers: Path

    def places(self, function: Function) -> tuple[list[tuple[str, str]], dict[str, str]]:
        """([(where it lies on this machine, where it is seen)], {link: where it leads})"""
        own = bool(function.entry and function.entry.own)
        here = [] if own else [Path("/", name) for name in SYSTEM]
        if function.image:
            taken = MADE if own else self.taken
            here += [place for place in function.image.root.iterdir() if place.name not in taken]
        links = {f"/{place.name}": str(place.readlink()) for place in here if place.is_symlink()}
        found = [(place, f"/{place.name}") for place in here if place.exists() and not place.is_symlink()]
        if not own:
            found += [(Path("/etc", name), f"/etc/{name}") for name in SETTINGS]
            found += [(place, str(place)) for place in self.interpreter()]
        if not own and function.image:
            found += [(function.image.root, IMAGE), (self.runtime.client, CLIENT)]
            found += [(function.task, TASK)] if "var" in self.taken else []
        if not function.image:
            found += [(function.task, TASK), (self.runtime.managed, RUNTIME)]
        if function.layers:
            found.append((merged(function.layers, self.layers), LAYERS))
        found += [(Path(place), place) for place in PROCESSORS]
        return [(os.path.realpath(place), seen) for place, seen in found if place.exists()], links

    def interpreter(self) -> list[Path]:
        """What this Python and the managed runtime need that lies beside the system, in a home, say."""
        prefix = Path(sys.base_prefix).resolve()
        # A Python right in a home: not the whole home.
        whole = [prefix / "bin", prefix / "lib"] if Path.home().resolve().is_relative_to(prefix) else [prefix]
        linked = (link.resolve().parent for folder in (self.runtime.managed, self.runtime.client)
                  for link in folder.iterdir() if link.is_symlink())  # fmt: skip
        needed = {place for place in (*whole, Path(self.python).parent, *linked) if place.parts[1] not in SYSTEM}
        return [place for place in sorted(needed) if needed.isdisjoint(place.parents)]

    @property
    def taken(self) -> set[str]:
        """Names at the root that are this machine's, also where the image has something of that name."""
        return {*MADE, *SYSTEM, "etc", *(place.parts[1] for place in self.interpreter())}

    def folder(self, function: Function) -> str:
        """Where it begins to work."""
        entry = function.entry
        if entry is None or entry.own:
            return entry.folder if entry else TASK
        is_hidden = {*Path(entry.folder).parts[1:2]} & self.taken - {"tmp", "var"}
        return IMAGE + entry.folder if is_hidden else entry.folder


def merged(layers: tuple[Path, ...], folder: Path) -> Path:
    """One folder with what the layers hold, later ones over earlier ones, as /opt has it. Made of links, once."""
    whole = folder / "-".join(layer.name for layer in layers)[-200:]
    with _merging:
        if not whole.exists():
            beside = whole.with_suffix(".new")
            for layer in layers:
                lay(layer, beside)
            beside.rename(whole)
    return whole


_merging = threading.Lock()


def lay(layer: Path, beneath: Path) -> None:
    """Over what is there: a file takes the place of a folder, and the other way round."""
    for place in [layer, *sorted(layer.rglob("*"))]:
        target = beneath / place.relative_to(layer)
        if target.is_file() or (target.is_dir() and not place.is_dir()):
            remove(target)
        if place.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            os.link(place, target)

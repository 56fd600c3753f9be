"""Memory of this process. The standard library alone: also runs in the Python of other tools."""

from pathlib import Path


def peak_mb() -> float | None:
    """Most memory this process used, MiB; None where the system does not tell. (A child's ru_maxrss holds its
    parent's, from before it became another program.)
    """
    try:
        with Path("/proc/self/status").open(encoding="ascii") as lines:
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except OSError:
        return None

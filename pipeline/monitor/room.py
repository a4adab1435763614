"""How much room the disk of the data folder has left. A full one stops the worker, and is seen before it does."""

import os
from pathlib import Path

LEAST_OCTETS = 200_000_000
"""A mail of the largest size (60 MB), taken apart, with the ledger's log beside it. Below this a person is told."""


def free_octets(folder: Path) -> int | None:
    """Return how many octets the worker's user may still write where the folder is; None where nobody can say."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def shortage(folder: Path) -> str:
    """Say that there is too little room, and what to do; empty where there is enough, or nobody can say."""
    free = free_octets(folder)
    if free is None or free >= LEAST_OCTETS:
        return ""
    return f"the disk of {folder.absolute()} has {free // 1_000_000} MB left: free space on it"

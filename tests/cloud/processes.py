"""Starting processes of our own, knowing them again later, and ending exactly those."""

import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

# Below the kernels' ephemeral range: a port taken from above it could be some connection's local end a moment later.
PORTS = range(20000, 32000)


def free_ports(count):
    found, held = [], []
    try:
        while len(found) < count:
            port = random.choice(PORTS)
            probe = socket.socket()
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                probe.close()
                continue
            held.append(probe)  # held until all are found, so that no port comes twice
            found.append(port)
    finally:
        for probe in held:
            probe.close()
    return found


def start(command, env, log):
    """a detached process in a group of its own → what is needed to know it again"""
    with open(log, "w") as out:
        process = subprocess.Popen(
            [str(part) for part in command], env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    return process, {"pid": process.pid, "identity": identity(process.pid), "log": str(log)}


def identity(pid):
    """start time and command line: what tells a process from a later one with the same number; None when there is none"""
    try:
        stat = Path("/proc/%d/stat" % pid).read_text()
        state, *fields = stat.rpartition(")")[2].split()
        if state == "Z":
            return None
        return "%s %s" % (fields[18], Path("/proc/%d/cmdline" % pid).read_bytes().replace(b"\0", b" ").decode(errors="replace").strip())
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except ProcessLookupError:
        return None
    found = subprocess.run(["ps", "-p", str(pid), "-o", "lstart=", "-o", "command="], stdout=subprocess.PIPE, text=True)  # macOS
    return found.stdout.strip() or None


def is_ours(entry):
    now = identity(entry["pid"])
    return now is not None and same(now, entry.get("identity"))


def same(now, recorded):
    """Right after its start a process may still show the launcher's command line; the start time alone decides then."""
    return bool(recorded) and now.split(" ", 1)[0] == recorded.split(" ", 1)[0] if now[:1].isdigit() else now == recorded


def stop(entries, patience=5.0):
    """ends the processes (with all of their groups) that are still ours → how many were"""
    ours = [entry for entry in entries if is_ours(entry)]
    for entry in ours:
        signal_group(entry["pid"], signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(is_ours(entry) for entry in ours) and time.monotonic() < deadline:
        reap(ours)
        time.sleep(0.02)
    for entry in ours:  # also children that outlived their leader: the group keeps its number until the last is gone
        signal_group(entry["pid"], signal.SIGKILL)
    reap(ours)
    return len(ours)


def signal_group(pid, number):
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def reap(entries):
    for entry in entries:
        try:
            os.waitpid(entry["pid"], os.WNOHANG)
        except ChildProcessError:
            pass  # not our child: started by an earlier `up`, and reaped by init

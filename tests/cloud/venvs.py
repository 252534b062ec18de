"""The virtual environments, built from the pinned requirement files.

They live in `target/cloud-venvs` (or $SCONES_VENVS), apart from any one cloud, so that several clouds and a CI cache share them. The
folder's name carries a digest of the requirements and of Python's version: a changed file gets a new folder, and a cloud that runs from
the old one is not pulled away. `NAME` beside it is a link to the current one. A lock file lets two `up`s start at once.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from trouble import Trouble

HERE = Path(__file__).resolve().parent
NAMES = ("ministack", "sagemaker")
ORACLES = "oracles"  # cfn-lint, statelint, parliament: only the tests need them
DONE = ".complete"  # written last: a folder without it is a build that was interrupted


def ensure(root, names=NAMES):
    """→ {name: path of its python}, building what is missing"""
    home = home_of(root)
    home.mkdir(parents=True, exist_ok=True)
    if any(not complete(home, name) for name in names):
        with locked(home / ".lock"):
            missing = [name for name in names if not complete(home, name)]
            if missing:
                print("creating virtual environments in %s (once, about a minute)" % home, flush=True)
            with ThreadPoolExecutor(len(names)) as pool:
                list(pool.map(lambda name: build(home, name), missing))
    for name in names:
        link(home, name)
    return {name: folder(home, name) / "bin" / "python" for name in names}


def home_of(root):
    return Path(os.environ.get("SCONES_VENVS") or root / "target" / "cloud-venvs").resolve()


def requirements(name):
    return HERE / ("requirements-%s.txt" % name)


def folder(home, name):
    wanted = requirements(name).read_bytes() + ("%s %s" % (sys.version_info[:2], sysconfig.get_platform())).encode()
    return home / ("%s-%s" % (name, hashlib.sha256(wanted).hexdigest()[:10]))


def complete(home, name):
    """a CI cache may bring a venv whose python is gone: then the link inside dangles"""
    where = folder(home, name)
    return (where / DONE).exists() and (where / "bin" / "python").exists()


def build(home, name):
    where = folder(home, name)
    shutil.rmtree(where, ignore_errors=True)
    log = home / ("%s.log" % where.name)
    with open(log, "w") as out:
        for command in (
            [sys.executable, "-m", "venv", str(where)],
            [str(where / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "-r", str(requirements(name))],
        ):
            print("$", *command, file=out, flush=True)
            if subprocess.call(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT) != 0:
                tail = "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-15:])
                hint = "\n  On Debian and Ubuntu: apt install python3-venv" if "ensurepip" in tail else ""
                raise Trouble("cannot create the virtual environment %s (whole log: %s)\n%s%s" % (where, log, tail, hint))
    (where / DONE).write_text("")


def link(home, name):
    point(home / name, folder(home, name))


def point(current, target):
    """makes `current` a link to a folder beside it; by rename, so that it is never absent"""
    if current.is_symlink() and os.readlink(current) == target.name:
        return
    fresh = current.with_name(".%s-%d" % (current.name, os.getpid()))
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target.name)
    fresh.replace(current)


@contextmanager
def locked(path):
    """waits for another process that does the same work"""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

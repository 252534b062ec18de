"""asl-validator, the schema of SARIF, and what they need, from npm: exactly the versions of `tests/oracles/package-lock.json`.

They live beside the virtual environments, in a folder named by a digest of the lock file; `npm` beside it is a link to the current one.
Nothing that a package brings is run at installation.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

import venvs
from trouble import Trouble

ORACLES = Path(__file__).resolve().parents[1] / "oracles"
NAME = "npm"


def ensure(home):
    """→ the folder that holds `node_modules`"""
    where = folder(home)
    if not (where / venvs.DONE).exists():
        home.mkdir(parents=True, exist_ok=True)
        with venvs.locked(home / ".lock"):
            if not (where / venvs.DONE).exists():
                build(home, where)
    venvs.point(home / NAME, where)
    return where


def folder(home):
    return home / ("%s-%s" % (NAME, hashlib.sha256((ORACLES / "package-lock.json").read_bytes()).hexdigest()[:10]))


def build(home, where):
    npm = shutil.which("npm")
    if npm is None:
        raise Trouble("npm is missing: the tests hold workflows against asl-validator\n  On Debian and Ubuntu: apt install nodejs npm")
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ORACLES / name, where)
    log = home / ("%s.log" % where.name)
    with open(log, "w") as out:
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        if subprocess.call(command, cwd=where, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT) != 0:
            tail = "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-15:])
            raise Trouble("cannot install %s (whole log: %s)\n%s" % (where, log, tail))
    (where / venvs.DONE).write_text("")

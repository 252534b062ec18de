"""`up`, `down` and `status`: which processes make the cloud, how they find each other, and when they are ready.

Files in DIR: env.sh (for people and tests), cloud.json (ports and processes), logs/, pictures/, model.tar.gz, tmp/.
"""

import hashlib
import json
import os
import secrets
import shlex
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import processes
import venvs
from trouble import Trouble

HERE = Path(__file__).resolve().parent
ACCOUNT, REGION = "123456789012", "us-east-1"
READY_WITHIN = 40.0  # seconds; 2 to 3 on two idle cores


def up(folder, root, enforce=False, account=ACCOUNT):
    pythons = venvs.ensure(root)
    with venvs.locked(folder / ".lock"):
        running = read(folder)
        if running and healthy(running) and running.get("enforces", False) == enforce and running.get("account") == account:
            print("already up: %s\n. %s" % (running["url"], folder / "env.sh"))
            return 0
        if running:
            print("an earlier cloud here is not %s: restarting it" % ("such a one" if healthy(running) else "healthy"), flush=True)
            clear(folder, running)
        for attempt in (1, 2, 3):
            began = time.monotonic()
            try:
                url = launch(folder, pythons, enforce, account)
            except Trouble as trouble:
                # Another program may have taken a port between our choice and the emulator's bind.
                if attempt < 3 and "in use" in str(trouble):
                    continue
                raise
            print("up in %.1f s: %s\n. %s" % (time.monotonic() - began, url, folder / "env.sh"))
            return 0


def down(folder, root):
    with venvs.locked(folder / ".lock"):
        running = read(folder)
        ended = clear(folder, running) if running else 0
        (folder / "env.sh").unlink(missing_ok=True)
    print("stopped %d processes" % ended if ended else "nothing runs in %s" % folder)
    return 0


def status(folder, root):
    running = read(folder)
    if not running:
        print("down (%s)" % folder)
        return 1
    fine = healthy(running)
    print("%s: %s" % ("up" if fine else "NOT HEALTHY", running["url"]))
    for name, entry in running["processes"].items():
        print("  %-10s port %-6d pid %-8d %s" % (name, entry["port"], entry["pid"], "runs" if processes.is_ours(entry) else "GONE, see " + entry["log"]))
    return 0 if fine else 1


def launch(folder, pythons, enforce, account):
    for name in ("logs", "tmp", "home", "pictures"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    ports = dict(zip(("ministack", "sagemaker", "model", "gateway"), processes.free_ports(4)))
    urls = {name: "http://127.0.0.1:%d" % port for name, port in ports.items()}
    state = {"url": urls["gateway"], "token": secrets.token_hex(8), "region": REGION, "account": account, "enforces": enforce, "processes": {}}
    children = {}
    try:
        for name, (command, env) in plan(folder, pythons, ports, urls, state["token"], enforce, account).items():
            children[name], entry = processes.start(command, env, folder / "logs" / (name + ".log"))
            state["processes"][name] = {"port": ports.get(name, 0), **entry}
            write(folder / "cloud.json", json.dumps(state, indent=2) + "\n")  # at once: `down` must know what an interrupted `up` started
        prepare(folder, pythons["ministack"])  # while they start
        wait(children, urls, state, folder)
        call(urls["gateway"] + "/__cloud__/seed", "POST", timeout=30)
        write(folder / "env.sh", environment(urls["gateway"]))
        for child in children.values():
            child.returncode = 0  # detached: nobody waits for them, and Python shall not complain
    except BaseException:
        clear(folder, state)
        raise
    return urls["gateway"]


def plan(folder, pythons, ports, urls, token, enforce, account):
    """→ {name: (command, environment)}; the environments are built from nothing, so that no setting or credential of the user leaks in"""
    base = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "*",
        "SCONES_LOCAL_ACCOUNT": account,
        **variables(urls["gateway"]),
    }
    ministack = {
        "GATEWAY_PORT": str(ports["ministack"]),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "LOG_LEVEL": "WARNING",
        "AUTH": str(enforce).lower(),
    }
    sagemaker = {"MOTO_ACCOUNT_ID": account, "SCONES_LOCAL_MINISTACK": urls["ministack"], "SCONES_LOCAL_PYTHON": str(pythons["ministack"])}
    for name in ("SCONES_LOCAL_SETTLE",):
        if name in os.environ:
            sagemaker[name] = os.environ[name]
    first, second = pythons["ministack"], pythons["sagemaker"]
    return {
        "sagemaker": ([second, HERE / "sagemaker_local.py", "--port", ports["sagemaker"]], {**base, **sagemaker}),
        "ministack": ([first, HERE / "ministack_local.py"], {**base, **ministack}),
        "gateway": (
            [first, HERE / "gateway.py", "--port", ports["gateway"], "--ministack", urls["ministack"], "--sagemaker", urls["sagemaker"]]
            + ["--model", urls["model"], "--dir", folder, "--token", token] + ["--enforce"] * enforce,
            base,
        ),
        "model": ([first, HERE / "model_server.py", "--port", ports["model"], "--sagemaker", urls["sagemaker"], "--s3", urls["ministack"]], base),
    }


def prepare(folder, python):
    """the trained artifact and the sample pictures; kept from an earlier `up` of the same sources"""
    sources = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in ("classifier.py", "pictures.py", "requirements-ministack.txt"))).hexdigest()
    mark = folder / "pictures" / ".sources"
    if mark.exists() and mark.read_text() == sources and (folder / "model.tar.gz").exists():
        return
    mark.unlink(missing_ok=True)
    work = [[python, HERE / "classifier.py", "train", folder / "model.tar.gz"], [python, HERE / "pictures.py", "samples", folder / "pictures"]]
    env = {"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    running = [subprocess.Popen([str(part) for part in command], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for command in work]
    for process in running:
        said = process.communicate()[0]
        if process.returncode != 0:
            raise Trouble("%s failed:\n%s" % (" ".join(process.args), said))
    mark.write_text(sources)


def variables(url):
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_SAGEMAKER": url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url,
        "AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def environment(url):
    lines = ["# Points AWS clients at the local cloud. Written by `tests/cloud/cloud.py up`, removed by `down`."]
    lines += ["export %s=%s" % (name, shlex.quote(value)) for name, value in variables(url).items()]
    return "\n".join(lines + ["unset AWS_PROFILE AWS_SESSION_TOKEN", ""])


READY = {"ministack": "/_ministack/health", "sagemaker": "/__local__/ping", "model": "/__local__/ping", "gateway": "/__cloud__/health"}


def wait(children, urls, state, folder):
    """until every process answers; an early exit or the deadline shows the end of that process's log"""
    waiting, deadline = set(children), time.monotonic() + READY_WITHIN
    while waiting:
        for name in sorted(children):
            if children[name].poll() is not None:
                raise Trouble("%s exited with code %s while starting.\n%s" % (name, children[name].returncode, tail(folder, name)))
            if name in waiting and call(urls[name] + READY[name], timeout=1) is not None:
                waiting.discard(name)
        if waiting and time.monotonic() > deadline:
            raise Trouble("not ready within %d s: %s.\n%s" % (READY_WITHIN, ", ".join(sorted(waiting)), tail(folder, sorted(waiting)[0])))
        time.sleep(0.03)
    if not healthy(state):
        raise Trouble("the gateway's port is already in use by another program")


def healthy(state):
    """all of our processes run, and it is our gateway that answers for them"""
    if len(state["processes"]) < len(READY) or not all(processes.is_ours(entry) for entry in state["processes"].values()):
        return False
    return (call(state["url"] + "/__cloud__/health", timeout=3) or {}).get("token") == state["token"]


def call(url, method="GET", timeout=3.0):
    """→ the JSON that the server answers; None when it does not answer"""
    request = urllib.request.Request(url, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy of the environment is not for loopback
    try:
        with opener.open(request, timeout=timeout) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        if method == "POST":
            raise Trouble("%s answered %d: %s" % (url, error.code, error.read().decode(errors="replace")[:2000])) from None
        return None
    except (OSError, ValueError):
        return None


def tail(folder, name, lines=25):
    log = folder / "logs" / (name + ".log")
    text = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "The end of %s:\n%s" % (log, "\n".join("    " + line for line in text[-lines:]) or "    (empty)")


def clear(folder, state):
    ended = processes.stop(state["processes"].values())
    (folder / "env.sh").unlink(missing_ok=True)
    (folder / "cloud.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    return ended


def read(folder):
    try:
        return json.loads((folder / "cloud.json").read_text())
    except (FileNotFoundError, ValueError):
        return None


def write(path, text):
    fresh = path.with_name(".%s.%d" % (path.name, os.getpid()))
    fresh.write_text(text)
    fresh.replace(path)

"""What scones costs with nothing to change: `make bench` runs it with the release build on a local cloud of its own.

CPU seconds and memory are the operating system's figures for the whole process (wait4); requests and the longest chain of sequential ones
are counted by the gateway, in a second round in which every request takes 50 ms, so that requests sent at once are seen to overlap.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request

RUNS = 7
DELAY_MS = 50


def gateway(path, body=None):
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + path, data=body and json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def measured(arguments, environment, wanted):
    began = time.monotonic()
    child = subprocess.Popen(arguments, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) != wanted:
        sys.exit("%s exited with %d, not with %d" % (" ".join(arguments), os.waitstatus_to_exitcode(status), wanted))
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": time.monotonic() - began, "memory": usage.ru_maxrss / 1024}


def rounds(label, arguments, wanted=0):
    """one line of the table: medians, and requests and chain of one delayed run"""
    runs = [measured(arguments, {}, wanted) for _ in range(RUNS)]
    client = "bench-%d-%s" % (os.getpid(), label.replace(" ", "-"))
    gateway("/__cloud__/faults", [{"service": "*", "kind": "delay", "delay_ms": DELAY_MS, "times": 100000, "user_agent": client}])
    delayed = measured(arguments, {"AWS_SDK_UA_APP_ID": client}, wanted)
    cost = gateway("/__cloud__/cost?user_agent=" + client)
    median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    print("%-22s %6.2f %7.2f %11.2f %9.0f %9d %6d" % (label, median["cpu"], median["wall"], delayed["wall"], median["memory"], cost["requests"], cost["chain"]))


def main():
    scones = sys.argv[1]
    subprocess.run([scones, "apply", "local", "--yes"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print("medians of %d runs; %d resources with nothing to change\n" % (RUNS, 23))
    print("%-22s %6s %7s %11s %9s %9s %6s" % ("", "CPU s", "wall s", "at 50ms s", "MiB", "requests", "chain"))
    rounds("plan local", [scones, "plan", "local"])
    rounds("drift local", [scones, "drift", "local"])
    rounds("validate local", [scones, "validate", "local"])
    subprocess.run([scones, "destroy", "local", "--yes"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

"""What scones costs with nothing to change, and Terraform beside it where it is on the PATH: `make bench` runs this on a local cloud of its own.

CPU seconds are the operating system's figures for the process and its children (wait4), memory is that of the largest process; requests
and the longest chain of sequential ones are counted by the gateway, in a further round in which every request takes 50 ms, so that
requests sent at once are seen to overlap. TERRAFORM_PLUGIN_DIR names a folder of providers, for machines without a registry.
"""

import json
import os
import pathlib
import shutil
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


def rounds(label, arguments, identity, wanted=0):
    """one line of the table: medians, and requests and chain of one delayed run; `identity` is how the gateway knows the client"""
    runs = [measured(arguments, {}, wanted) for _ in range(RUNS)]
    client, environment = identity
    gateway("/__cloud__/faults", [{"service": "*", "kind": "delay", "delay_ms": DELAY_MS, "times": 100000, "user_agent": client}])
    gateway("/__cloud__/reset-log", {})
    delayed = measured(arguments, environment, wanted)
    gateway("/__cloud__/faults", [])
    cost = gateway("/__cloud__/cost?user_agent=" + client)
    median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    print("%-22s %6.2f %7.2f %11.2f %9.0f %9d %6d" % (label, median["cpu"], median["wall"], delayed["wall"], median["memory"], cost["requests"], cost["chain"]), flush=True)


def quiet(*arguments, **kwargs):
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, **kwargs)


def measure_scones(scones):
    quiet(scones, "apply", "local", "--yes", stderr=subprocess.DEVNULL)
    for command in ("plan", "drift", "validate"):
        client = "bench-%d-%s" % (os.getpid(), command)
        rounds("scones " + command, [scones, command, "local"], (client, {"AWS_SDK_UA_APP_ID": client}))


def measure_terraform(folder):
    """the same stack as tests/bench/main.tf has it"""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(pathlib.Path(__file__).with_name("main.tf"), folder)
    package = next(pathlib.Path("target/packages").glob("filter-inference-result-*.zip")).absolute()
    os.environ.update(TF_VAR_endpoint=os.environ["AWS_ENDPOINT_URL"], TF_VAR_package=str(package), CHECKPOINT_DISABLE="1")
    terraform = ["terraform", "-chdir=%s" % folder]
    plugins = os.environ.get("TERRAFORM_PLUGIN_DIR")
    quiet(*terraform, "init", *(["-plugin-dir=" + plugins] if plugins else []))
    quiet(*terraform, "apply", "-auto-approve", "-input=false")
    rounds("terraform plan", [*terraform, "plan", "-input=false", "-detailed-exitcode"], ("Terraform", {}))
    rounds("terraform validate", [*terraform, "validate"], ("Terraform", {}))


def main():
    print("medians of %d runs with nothing to change\n" % RUNS)
    print("%-22s %6s %7s %11s %9s %9s %6s" % ("", "CPU s", "wall s", "at 50ms s", "MiB", "requests", "chain"))
    measure_scones(sys.argv[1])
    if shutil.which("terraform"):
        measure_terraform(pathlib.Path("target/bench-terraform").absolute())
    else:
        print("terraform is not on the PATH: nothing to compare with")


if __name__ == "__main__":
    main()

"""Sends pictures through the classify workflow of the environment `local`, and shows what came of each.

    . target/cloud/env.sh
    target/cloud-venvs/ministack/bin/python tests/cloud/classify.py PICTURE...

Exits 1 if an execution does not succeed. A picture below the threshold is a success.
"""
import json
import sys
import time
from pathlib import Path

import boto3

PREFIX = "scones-unlimited-local"
WITHIN = 120.0  # seconds


def main(paths):
    if not paths:
        sys.exit(__doc__)
    identity = boto3.client("sts").get_caller_identity()["Account"]
    s3, states = boto3.client("s3"), boto3.client("stepfunctions")
    region = s3.meta.region_name
    bucket = "%s-data-%s-%s" % (PREFIX, identity, region)
    machine = "arn:aws:states:%s:%s:stateMachine:%s-classify" % (region, identity, PREFIX)
    started = []
    for path in paths:  # all at once, so that the slowest decides and not the sum
        key = "demo/" + path.name
        s3.upload_file(str(path), bucket, key)
        event = {"image_data": "", "s3_bucket": bucket, "s3_key": key}
        started.append((path.name, states.start_execution(stateMachineArn=machine, input=json.dumps(event))["executionArn"]))
    print("%-20s %-12s %-11s %s" % ("picture", "label", "confidence", "result"))
    failed = 0
    for name, arn in started:
        execution = wait(states, arn)
        if execution["status"] != "SUCCEEDED":
            failed += 1
            print("%-20s %-12s %-11s %s %s" % (name, "-", "-", execution["status"], execution.get("error", "")))
            continue
        output = json.loads(execution["output"])
        confidence = "%.3f" % output["confidence"] if "confidence" in output else "-"
        print("%-20s %-12s %-11s %s" % (name, output.get("label", "-"), confidence, output.get("result", "classified")))
    return 1 if failed else 0


def wait(states, arn):
    """the execution once it has ended"""
    deadline = time.monotonic() + WITHIN
    while True:
        execution = states.describe_execution(executionArn=arn)
        if execution["status"] != "RUNNING":
            return execution
        if time.monotonic() > deadline:
            return {"status": "STILL RUNNING"}
        time.sleep(0.1)


if __name__ == "__main__":
    try:
        sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
    except KeyboardInterrupt:
        sys.exit(130)

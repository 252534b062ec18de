"""For the tests: one cloud per test run, in a folder of its own, and boto3 clients for it."""

import atexit
import io
import json
import os
import shutil
import sys
import tempfile
import time
import unittest
import urllib.request
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import boto3  # noqa: E402
import launcher  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

ACCOUNT = launcher.ACCOUNT
ARTIFACT = "s3://scones-local-models/classifier/model.tar.gz"
started = {}


def cloud():
    """→ {url, folder}; starts it when the first test asks"""
    if not started:
        folder = Path(tempfile.mkdtemp(prefix="scones-cloud-")).resolve()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(launcher.down, folder, HERE.parents[1])
        launcher.up(folder, HERE.parents[1])
        started.update(folder=folder, url=json.loads((folder / "cloud.json").read_text())["url"])
        os.environ.update(launcher.variables(started["url"]))
    return started


def control(name, method="GET", body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request("%s/__cloud__/%s" % (cloud()["url"], name), data, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def client(service, user_agent=None, **settings):
    cloud()
    config = Config(retries={"total_max_attempts": 1}, user_agent_extra=user_agent, parameter_validation=False, **settings)
    return boto3.client(service, config=config)


def package(source):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as files:
        files.writestr("app.py", source)
    return out.getvalue()


def trust(*services):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}]})


def until(ask, good, seconds=10):
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if good(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.03)


class CloudTest(unittest.TestCase):
    """an empty cloud for every test class"""

    @classmethod
    def setUpClass(cls):
        control("reset", "POST")

    def refused(self, code, text, operation, **given):
        with self.assertRaises(ClientError) as caught:
            operation(**given)
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], code, error)
        self.assertIn(text, error["Message"])
        return caught.exception.response

    def role(self, name="role", *services):
        services = services or ("lambda.amazonaws.com", "states.amazonaws.com", "sagemaker.amazonaws.com")
        return client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust(*services))["Role"]["Arn"]

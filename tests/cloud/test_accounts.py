"""Two clouds are two accounts, behind one address."""

import atexit
import json
import shutil
import tempfile
import unittest
from pathlib import Path

import boto3
import launcher
import running
from running import client, cloud, control

OTHER = "111122223333"


class Accounts(unittest.TestCase):
    def test_a_role_of_another_account_leads_there(self):
        folder = Path(tempfile.mkdtemp(prefix="scones-cloud-")).resolve()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        cloud()
        self.addCleanup(launcher.down, folder, running.HERE.parents[1])
        launcher.up(folder, running.HERE.parents[1], account=OTHER)
        url = json.loads((folder / "cloud.json").read_text())["url"]
        self.assertEqual(control("account", "POST", {"account": OTHER, "url": url}), {OTHER: url})

        role = "arn:aws:iam::%s:role/deploy" % OTHER
        keys = client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        there = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"], "aws_session_token": keys["SessionToken"]}
        self.assertEqual(boto3.client("sts", **there).get_caller_identity()["Account"], OTHER)
        self.assertEqual(client("sts").get_caller_identity()["Account"], running.ACCOUNT)

        made = boto3.client("sagemaker", **there).create_model_package_group(ModelPackageGroupName="there")
        self.assertEqual(made["ModelPackageGroupArn"], "arn:aws:sagemaker:us-east-1:%s:model-package-group/there" % OTHER)
        self.assertEqual(client("sagemaker").list_model_package_groups(NameContains="there")["ModelPackageGroupSummaryList"], [])
        boto3.client("s3", **there).create_bucket(Bucket="only-there")
        self.assertNotIn("only-there", [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]])

    def test_an_account_of_its_own_only_is_refused(self):
        for wrong in ({"account": running.ACCOUNT, "url": "http://127.0.0.1:1"}, {"account": "1", "url": "http://127.0.0.1:1"}, {"account": OTHER, "url": "https://example.org"}):
            with self.assertRaises(Exception):
                control("account", "POST", wrong)


if __name__ == "__main__":
    unittest.main()

"""Tests of a cloud that enforces permissions, whoever answers: MiniStack, moto or the gateway itself."""

import atexit
import json
import shutil
import tempfile
import unittest
from pathlib import Path

import boto3
import launcher
import running  # noqa: F401  the path of the cloud's modules
from botocore.config import Config
from botocore.exceptions import ClientError

ARN = "arn:aws:%s:us-east-1:123456789012:%s"
# What a user asks: service, action, on what it is asked, the call.
CALLS = [
    ("cloudformation", "DescribeStacks", ARN % ("cloudformation", "stack/mine/*"), lambda one: one.describe_stacks(StackName="mine")),
    ("cloudwatch", "DescribeAlarms", "*", lambda one: one.describe_alarms(AlarmNames=["mine"])),
    ("cloudwatch", "GetDashboard", "arn:aws:cloudwatch::123456789012:dashboard/mine", lambda one: one.get_dashboard(DashboardName="mine")),
    ("cloudwatch", "ListTagsForResource", ARN % ("cloudwatch", "alarm:mine"), lambda one: one.list_tags_for_resource(ResourceARN=ARN % ("cloudwatch", "alarm:mine"))),
    ("events", "ListTargetsByRule", ARN % ("events", "rule/mine"), lambda one: one.list_targets_by_rule(Rule="mine")),
    ("iam", "GetRole", "arn:aws:iam::123456789012:role/path/made", lambda one: one.get_role(RoleName="made")),
    ("iam", "GetRole", "arn:aws:iam::123456789012:role/mine", lambda one: one.get_role(RoleName="mine")),
    ("lambda", "GetPolicy", ARN % ("lambda", "function:mine:live"), lambda one: one.get_policy(FunctionName="mine", Qualifier="live")),
    ("logs", "DescribeLogGroups", "*", lambda one: one.describe_log_groups(logGroupNamePrefix="mine")),
    ("states", "ListTagsForResource", ARN % ("states", "stateMachine:mine"), lambda one: one.list_tags_for_resource(resourceArn=ARN % ("states", "stateMachine:mine"))),
    ("states", "DescribeStateMachineAlias", ARN % ("states", "stateMachine:mine"), lambda one: one.describe_state_machine_alias(stateMachineAliasArn=ARN % ("states", "stateMachine:mine:live"))),
    ("states", "DescribeStateMachine", ARN % ("states", "stateMachine:mine"), lambda one: one.describe_state_machine(stateMachineArn=ARN % ("states", "stateMachine:mine:3"))),
    ("states", "CreateStateMachineAlias", ARN % ("states", "stateMachine:mine"), lambda one: one.create_state_machine_alias(name="live", routingConfiguration=[{"stateMachineVersionArn": ARN % ("states", "stateMachine:mine:3"), "weight": 100}])),
    ("sagemaker", "DescribeEndpoint", ARN % ("sagemaker", "endpoint/mine"), lambda one: one.describe_endpoint(EndpointName="mine")),
    ("sagemaker", "ListModels", "*", lambda one: one.list_models()),
    ("application-autoscaling", "DescribeScalableTargets", "*", lambda one: one.describe_scalable_targets(ServiceNamespace="sagemaker")),
    ("tag", "GetResources", "*", lambda one: one.get_resources()),
]
BOTO = {"states": "stepfunctions", "tag": "resourcegroupstaggingapi"}
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
DENIED = ("AccessDenied", "AccessDeniedException")


class Enforcement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder, root = Path(tempfile.mkdtemp(prefix="scones-enforcing-")).resolve(), Path(__file__).resolve().parents[2]
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(launcher.down, folder, root)
        launcher.up(folder, root, enforce=True)
        cls.url = json.loads((folder / "cloud.json").read_text())["url"]
        cls.iam = cls.client("iam")
        cls.iam.create_role(RoleName="made", Path="/path/", AssumeRolePolicyDocument=json.dumps(TRUST))

    @classmethod
    def client(cls, service, key="local", secret="local"):
        settings = {"aws_access_key_id": key, "aws_secret_access_key": secret, "endpoint_url": cls.url, "region_name": "us-east-1"}
        return boto3.client(BOTO.get(service, service), config=Config(retries={"total_max_attempts": 1}), **settings)

    def user(self, name, *allowed):
        self.iam.create_user(UserName=name)
        statements = [{"Effect": "Allow", "Action": action, "Resource": on} for action, on in allowed]
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def refusal(self, service, keys, call):
        try:
            call(self.client(service, *keys))
        except ClientError as error:
            return error.response["Error"]
        return {"Code": "", "Message": ""}

    def test_an_action_is_asked_about_on_what_aws_asks_it(self):
        nobody, other = self.user("nobody"), self.user("other", *((service + ":" + action, "arn:aws:x:::y") for service, action, _, _ in CALLS))
        for number, (service, action, on, call) in enumerate(CALLS):
            with self.subTest(action=action, on=on):
                for keys in (nobody, other):
                    refused = self.refusal(service, keys, call)
                    self.assertIn(refused["Code"], DENIED, refused)
                    self.assertIn("%s:%s" % (service, action), refused["Message"])
                allowed = self.user("allowed-%d" % number, ("%s:%s" % (service, action), on))
                self.assertNotIn(self.refusal(service, allowed, call)["Code"], DENIED)

    def test_strangers_and_forgers_are_refused(self):
        key, _ = self.user("forged", ("iam:ListRoles", "*"))
        for keys, code in ((("AKIASTRANGER", "secret"), "InvalidClientTokenId"), ((key, "wrong"), "SignatureDoesNotMatch")):
            self.assertEqual(self.refusal("iam", keys, lambda one: one.list_roles())["Code"], code)


if __name__ == "__main__":
    unittest.main()

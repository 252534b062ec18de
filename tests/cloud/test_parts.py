"""Tests of the parts that need no running cloud."""

import json
import pickle
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import cbor2
import checker
import cifar
import classifier
import faults
import numpy
import pictures
import processes
import tagging
from ledger import Ledger, chain
from multidict import CIMultiDict


def row(start, end, user_agent="scones/1", service="sts", operation="GetCallerIdentity"):
    return {"service": service, "operation": operation, "start": start, "end": end, "status": 200, "user_agent": user_agent}


class Chain(unittest.TestCase):
    def test_longest_sequence_of_requests_that_follow_each_other(self):
        self.assertEqual(chain([]), 0)
        self.assertEqual(chain([row(0, 10), row(1, 9), row(2, 8)]), 1)
        self.assertEqual(chain([row(0, 1), row(1, 2), row(2, 3)]), 3)
        # The long one overlaps all others: leaving it out gives the longer sequence.
        self.assertEqual(chain([row(0, 100), row(1, 2), row(3, 4), row(5, 6), row(3.5, 5.5)]), 3)

    def test_cost_counts_one_user_agent(self):
        ledger = Ledger()
        ledger.requests = [row(0, 1), row(2, 3, "other"), row(4, 5, service="iam", operation="GetRole"), row(4, 5, service="iam", operation="GetRole")]
        self.assertEqual(ledger.cost("scones"), {"requests": 3, "chain": 2, "by_operation": {"iam:GetRole": 2, "sts:GetCallerIdentity": 1}})


def inspected(service, target=None, body=None, method="POST", path="/", content="application/x-amz-json-1.1"):
    headers = CIMultiDict({"Content-Type": content, **({"X-Amz-Target": target} if target else {})})
    operation, _, found = checker.inspect(service, method, path, headers, body if isinstance(body, bytes) else json.dumps(body).encode())
    return operation, found


def form(text):
    return {"body": text.encode(), "content": "application/x-www-form-urlencoded"}


class Checks(unittest.TestCase):
    """right requests pass, planted violations are found, in every protocol"""

    def found(self, text, *given, **more):
        _, violations = inspected(*given, **more)
        self.assertTrue(any(text in one for one in violations), "%r not in %s" % (text, violations))

    def clean(self, name, *given, **more):
        self.assertEqual(inspected(*given, **more), (name, []))

    def test_json(self):
        model = {"ModelName": "m", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/r", "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/k"}}
        self.clean("CreateModel", "sagemaker", "SageMaker.CreateModel", model)
        self.found("unknown member", "sagemaker", "SageMaker.CreateModel", {**model, "Modelname": "x"})
        self.found("ExecutionRoleArn", "sagemaker", "SageMaker.CreateModel", {**model, "ExecutionRoleArn": "r"})
        self.found("ModelName: required", "sagemaker", "SageMaker.CreateModel", {})
        self.found("is outside", "sagemaker", "SageMaker.CreateModel", {**model, "ModelName": "m" * 64})
        self.found("aws:", "sagemaker", "SageMaker.AddTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m", "Tags": [{"Key": "aws:x", "Value": "y"}]})
        machine = {"name": "m", "definition": "{}", "roleArn": "arn:aws:iam::123456789012:role/r"}
        self.clean("CreateStateMachine", "states", "AWSStepFunctions.CreateStateMachine", machine)
        self.found("not allowed for a state machine", "states", "AWSStepFunctions.CreateStateMachine", {**machine, "name": "a b"})
        self.found("not JSON", "states", "AWSStepFunctions.CreateStateMachine", {**machine, "definition": "{"})
        self.found("more than 1048576", "states", "AWSStepFunctions.CreateStateMachine", {**machine, "definition": json.dumps({"Comment": "x" * 1048576})})
        self.found("more than 50", "states", "AWSStepFunctions.TagResource", {"resourceArn": "arn:x", "tags": [{"key": str(n), "value": ""} for n in range(51)]})
        self.found("forbidden character", "logs", "Logs_20140328.TagResource", {"resourceArn": "arn:x", "tags": {"k": "semi;colon"}})
        self.found("comes twice", "states", "AWSStepFunctions.TagResource", {"resourceArn": "arn:x", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]})

    def test_query(self):
        policy = "%7B%22Statement%22%3A%5B%5D%7D"
        self.clean("CreateRole", "iam", **form("Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%s&Tags.member.1.Key=a&Tags.member.1.Value=b" % policy))
        self.found("is outside", "iam", **form("Action=CreateRole&Version=2010-05-08&RoleName=%s&AssumeRolePolicyDocument=%s" % ("r" * 65, policy)))
        self.found("not JSON", "iam", **form("Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=p&PolicyDocument=nope"))
        self.found("unknown member", "iam", **form("Action=GetRole&Version=2010-05-08&RoleName=r&Rolename=x"))
        self.found("aws:", "iam", **form("Action=TagRole&Version=2010-05-08&RoleName=r&Tags.member.1.Key=aws%3Ax&Tags.member.1.Value=b"))

    def test_rest_json(self):
        function = {"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Code": {"S3Bucket": "bucket", "S3Key": "k"}, "Runtime": "provided.al2023", "Handler": "bootstrap"}
        route = {"path": "/2015-03-31/functions", "content": "application/json"}
        self.clean("CreateFunction", "lambda", body=function, **route)
        self.found("FunctionName", "lambda", body={**function, "FunctionName": "f" * 65}, **route)
        self.found("FunctionName", "lambda", body={**function, "FunctionName": "a.b"}, **route)
        self.found("MemorySize", "lambda", body={**function, "MemorySize": 64}, **route)
        self.found("is none of", "lambda", body={**function, "Runtime": "cobol"}, **route)
        self.found("more than 4096", "lambda", body={**function, "Environment": {"Variables": {"LONG": "x" * 4096}}}, **route)
        self.found("reserved", "lambda", body={**function, "Environment": {"Variables": {"AWS_REGION": "x"}}}, **route)
        self.clean("GetPolicy", "lambda", method="GET", path="/2015-03-31/functions/f/policy?Qualifier=live", body=b"")
        self.found("Qualifier", "lambda", method="GET", path="/2015-03-31/functions/f/policy?Qualifier=a%20b", body=b"")
        self.found("no operation", "lambda", method="GET", path="/2015-03-31/nothing", body=b"")

    def test_patterns_in_javas_spelling(self):
        target = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/e/variant/\U0001F6B2", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
        self.clean("DeregisterScalableTarget", "application-autoscaling", "AnyScaleFrontendService.DeregisterScalableTarget", target)
        self.found("does not match", "application-autoscaling", "AnyScaleFrontendService.DeregisterScalableTarget", {**target, "ResourceId": "a\x07"})

    def test_cbor(self):
        alarm = {"AlarmName": "a", "MetricName": "M", "Namespace": "N", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
        route = {"path": "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm", "content": "application/cbor"}
        self.clean("PutMetricAlarm", "cloudwatch", body=cbor2.dumps(alarm), **route)
        self.found("is none of", "cloudwatch", body=cbor2.dumps({**alarm, "ComparisonOperator": "Greater"}), **route)
        self.found("Period", "cloudwatch", body=cbor2.dumps({**alarm, "Period": 61}), **route)
        self.found("exactly one of", "cloudwatch", body=cbor2.dumps({**alarm, "ExtendedStatistic": "p99"}), **route)
        self.found("required", "cloudwatch", body=cbor2.dumps({"Statistic": "Sum"}), **route)

    def test_s3_names_operations_and_checks_buckets(self):
        for method, path, name in (("PUT", "/bucket", "CreateBucket"), ("HEAD", "/bucket", "HeadBucket"), ("PUT", "/bucket/a/b", "PutObject"), ("GET", "/bucket?list-type=2&prefix=x", "ListObjectsV2"),
                                   ("GET", "/bucket?versions", "ListObjectVersions"), ("POST", "/bucket?delete", "DeleteObjects"), ("PUT", "/bucket?tagging", "PutBucketTagging"),
                                   ("PUT", "/bucket?publicAccessBlock", "PutPublicAccessBlock"), ("GET", "/bucket/k", "GetObject"), ("HEAD", "/bucket/k", "HeadObject"), ("DELETE", "/bucket/k?x-id=DeleteObject", "DeleteObject")):
            self.clean(name, "s3", method=method, path=path, body=b"")
        self.found("Bucket", "s3", method="PUT", path="/Big_Bucket", body=b"")


class Faults(unittest.TestCase):
    def test_a_fault_that_could_never_match_is_refused(self):
        for wrong in ({"service": "lamda", "kind": "throttle"}, {"service": "lambda", "operation": "Nope", "kind": "throttle"}, {"service": "lambda", "kind": "nope"}):
            with self.assertRaises(ValueError):
                faults.Faults().plant([wrong])

    def test_times_and_wildcards(self):
        planted = faults.Faults()
        planted.plant([{"service": "monitoring", "operation": "DescribeAlarms", "kind": "throttle", "times": 1}, {"service": "*", "kind": "delay", "times": 2, "delay_ms": 5}])
        self.assertEqual([one and one["kind"] for one in planted.take("cloudwatch", "DescribeAlarms")], ["delay", "throttle"])
        self.assertEqual([one and one["kind"] for one in planted.take("cloudwatch", "DescribeAlarms")], ["delay", None])
        self.assertEqual(planted.take("cloudwatch", "DescribeAlarms"), (None, None))


class Tagging(unittest.TestCase):
    TAGS = {"arn:aws:lambda:us-east-1:1:function:f": {"a": "1"}, "arn:aws:s3:::b": {"a": "2"}, "arn:aws:sagemaker:us-east-1:1:endpoint-config/e": {"a": "1", "b": "x"}}

    def arns(self, **given):
        return [one["ResourceARN"].split(":")[2] for one in tagging.get_resources(given, self.TAGS)["ResourceTagMappingList"]]

    def test_filters_and_pages(self):
        self.assertEqual(self.arns(TagFilters=[{"Key": "a", "Values": ["1"]}]), ["lambda", "sagemaker"])
        self.assertEqual(self.arns(TagFilters=[{"Key": "a"}, {"Key": "b", "Values": ["y", "x"]}]), ["sagemaker"])
        self.assertEqual(self.arns(ResourceTypeFilters=["sagemaker:endpoint-config", "s3"]), ["s3", "sagemaker"])
        self.assertEqual(self.arns(ResourceTypeFilters=["sagemaker:endpoint"]), [])
        self.assertEqual(self.arns(ResourceARNList=["arn:aws:s3:::b"]), ["s3"])
        first = tagging.get_resources({"ResourcesPerPage": 2}, self.TAGS)
        last = tagging.get_resources({"ResourcesPerPage": 2, "PaginationToken": first["PaginationToken"]}, self.TAGS)
        self.assertEqual([len(first["ResourceTagMappingList"]), len(last["ResourceTagMappingList"]), last["PaginationToken"]], [2, 1, ""])


class Processes(unittest.TestCase):
    def test_only_what_was_started_here_is_ended(self):
        with tempfile.TemporaryDirectory() as folder:
            children = [processes.start([sys.executable, "-c", "import time; time.sleep(60)"], {}, Path(folder) / ("%d.log" % number)) for number in (1, 2)]
        ours, other = children[0][1], {**children[1][1], "identity": "12345 another program with the same number"}
        self.assertTrue(processes.is_ours(ours))
        self.assertFalse(processes.is_ours(other))
        self.assertEqual(processes.stop([ours, other]), 1)
        self.assertIsNone(children[1][0].poll())
        self.assertEqual(processes.stop([children[1][1]]), 1)
        self.assertEqual(processes.stop([children[1][1]]), 0)
        for process, _ in children:
            process.wait()


class Pictures(unittest.TestCase):
    def test_the_classifier_is_right_and_sure_on_pictures_it_never_saw(self):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "model.tar.gz"
            classifier.save(classifier.train(), out)
            found = classifier.measure(classifier.load(out.read_bytes()), 150)
        self.assertGreaterEqual(found["accuracy"], 0.95, found)
        self.assertGreaterEqual(found["confident"], 0.8, found)
        self.assertLessEqual(found["noise"], 0.15, found)

    def test_the_same_seed_draws_the_same_picture(self):
        self.assertTrue(numpy.array_equal(pictures.draw("bicycle", 3), pictures.draw("bicycle", 3)))
        self.assertFalse(numpy.array_equal(pictures.draw("bicycle", 3), pictures.draw("bicycle", 4)))

    def test_archives_read_as_cifar_100(self):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "cifar.tar.gz"
            cifar.write(out, {"train": 4, "test": 2}, others=3)
            with tarfile.open(out) as tar:
                read = {name: pickle.load(tar.extractfile("cifar-100-python/" + name), encoding="bytes") for name in ("train", "test", "meta")}
        meta, train = read["meta"], read["train"]
        self.assertEqual((len(meta[b"fine_label_names"]), len(meta[b"coarse_label_names"])), (100, 20))
        self.assertEqual((meta[b"fine_label_names"][8], meta[b"fine_label_names"][48]), (b"bicycle", b"motorcycle"))
        self.assertEqual((train[b"data"].shape, train[b"data"].dtype, train[b"batch_label"]), ((11, 3072), numpy.uint8, b"training batch 1 of 1"))
        self.assertEqual((train[b"fine_labels"].count(8), train[b"fine_labels"].count(48), len(train[b"filenames"])), (4, 4, 11))
        first = train[b"fine_labels"].index(8)
        self.assertTrue(train[b"filenames"][first].startswith(b"bicycle_s_"))
        self.assertEqual(len(read["test"][b"fine_labels"]), 7)


if __name__ == "__main__":
    unittest.main()

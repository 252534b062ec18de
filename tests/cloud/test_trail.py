"""Tests of CloudTrail's event history: what is written down of requests to both emulators, and how it is found again."""

import json
import unittest
from datetime import timezone

import boto3
from botocore.exceptions import ClientError
from running import CloudTest, client, cloud, control, package, until

LATEST = {"Code": {"ZipFile": package("def handler(event, context): return 1")}, "Runtime": "python3.12", "Handler": "app.handler"}

ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})


def lookup(key=None, value=None, region="us-east-1", **given):
    cloud()
    trail = boto3.client("cloudtrail", region_name=region)
    attributes = [{"AttributeKey": key, "AttributeValue": value}] if key else []
    return trail.lookup_events(LookupAttributes=attributes, **given)


def named(key, value, **given):
    return [event["EventName"] for event in lookup(key, value, **given)["Events"]]


class Trail(CloudTest):
    def test_a_function_is_found_by_name_and_arn_with_who_and_how(self):
        role = self.role()
        arn = client("lambda").create_function(FunctionName="f", Role=role, **LATEST)["FunctionArn"]
        until(lambda: client("lambda").get_function_configuration(FunctionName="f")["State"], lambda state: state == "Active")
        alice = client("lambda", user_agent="probe-alice")
        alice.update_function_configuration(FunctionName="f", MemorySize=512, Environment={"Variables": {"KEY": "hidden"}})
        for name in ("f", arn):
            self.assertEqual(named("ResourceName", name), ["UpdateFunctionConfiguration20150331v2", "CreateFunction20150331"])
        event = lookup("ResourceName", "f")["Events"][0]
        record = json.loads(event["CloudTrailEvent"])
        self.assertEqual((event["Username"], event["ReadOnly"], event["EventSource"]), ("local", "false", "lambda.amazonaws.com"))
        self.assertEqual(record["userIdentity"]["userName"], "local")
        self.assertEqual(record["requestParameters"]["memorySize"], 512)
        self.assertIn("probe-alice", record["userAgent"])
        self.assertEqual(record["sourceIPAddress"], "127.0.0.1")
        self.assertNotIn("hidden", event["CloudTrailEvent"])
        self.assertEqual(event["EventTime"].astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), record["eventTime"])

    def test_roles_are_in_one_region_and_under_their_names(self):
        self.role("reader")
        client("iam").put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=ALLOW)
        self.assertEqual(named("ResourceName", "reader")[-1], "CreateRole")
        self.assertEqual(named("ResourceName", "reader", region="eu-west-1"), [])
        self.assertEqual(named("ResourceName", "arn:aws:iam::123456789012:role/reader"), [])

    def test_both_emulators_are_seen_and_sagemaker_by_the_events_name_only(self):
        client("sagemaker").create_model_package_group(ModelPackageGroupName="g")
        self.assertEqual(named("ResourceName", "g"), [])
        events = lookup("EventName", "CreateModelPackageGroup")["Events"]
        self.assertEqual(json.loads(events[0]["CloudTrailEvent"])["requestParameters"], {"modelPackageGroupName": "g"})
        target = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/e/variant/v", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
        with self.assertRaises(ClientError):
            client("application-autoscaling").register_scalable_target(MinCapacity=1, MaxCapacity=2, **target)
        record = json.loads(lookup("EventName", "RegisterScalableTarget")["Events"][0]["CloudTrailEvent"])
        self.assertEqual((record["eventSource"], record["errorCode"]), ("autoscaling.amazonaws.com", "ValidationException"))

    def test_a_refused_request_has_its_code(self):
        control("faults", "POST", [{"service": "cloudwatch", "operation": "DeleteAlarms", "kind": "access_denied", "user_agent": "probe-refused"}])
        with self.assertRaises(ClientError):
            client("cloudwatch", user_agent="probe-refused").delete_alarms(AlarmNames=["a"])
        control("faults", "POST", [])
        record = json.loads(lookup("ResourceName", "a")["Events"][0]["CloudTrailEvent"])
        self.assertIn("AccessDenied", record["errorCode"])

    def test_pages_and_limits(self):
        for number in range(55):
            client("sns").create_topic(Name="t%d" % number)
        first = lookup("EventName", "CreateTopic")
        second = lookup("EventName", "CreateTopic", NextToken=first["NextToken"])
        self.assertEqual((len(first["Events"]), len(second["Events"])), (50, 5))
        self.assertNotIn("NextToken", second)
        newest = json.loads(first["Events"][0]["CloudTrailEvent"])["requestParameters"]["name"]
        self.assertEqual(newest, "t54")
        with self.assertRaises(ClientError) as caught:
            boto3.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "x"}] * 2)
        self.assertEqual(caught.exception.response["Error"]["Code"], "InvalidLookupAttributesException")

    def test_reads_and_data_leave_no_event(self):
        client("s3").create_bucket(Bucket="trail-bucket")
        client("s3").put_object(Bucket="trail-bucket", Key="k", Body=b"x")
        client("s3").list_buckets()
        self.assertEqual(named("ResourceName", "trail-bucket"), ["CreateBucket"])


if __name__ == "__main__":
    unittest.main()

"""Tests of CloudFormation's drift detection and of change sets that revert drift, as AWS documents them."""

import json
import unittest

from running import HERE, CloudTest, client, until

BUCKET = "foundation-test-data-123456789012-us-east-1"
TOPIC = "arn:aws:sns:us-east-1:123456789012:foundation-test-alarms"


def given(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


class Drift(CloudTest):
    """of the templates that are shipped"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stacks = client("cloudformation")

    def setUp(self):
        text = (HERE.parents[1] / "stacks" / "foundation.yaml").read_text()
        self.made("foundation", text, given(Application="foundation", Environment="test"))

    def tearDown(self):
        self.stacks.delete_stack(StackName="foundation")
        until(lambda: self.stacks.list_stacks(StackStatusFilter=["DELETE_IN_PROGRESS"])["StackSummaries"], lambda found: not found)

    def made(self, name, text, parameters):
        self.text, self.parameters = text, parameters
        self.stacks.create_stack(StackName=name, TemplateBody=text, Parameters=parameters, Tags=[{"Key": "a", "Value": "b"}])
        self.assertEqual(self.settled(name), "CREATE_COMPLETE")

    def settled(self, name):
        status = lambda: self.stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return until(status, lambda one: not one.endswith("IN_PROGRESS"))

    def detected(self, name="foundation"):
        """→ ({logical id: [(path, expected, actual, kind)]} of what drifted, {logical id: status} of all that was looked at)"""
        number = self.stacks.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
        ask = lambda: self.stacks.describe_stack_drift_detection_status(StackDriftDetectionId=number)
        self.assertEqual(ask()["DetectionStatus"], "DETECTION_IN_PROGRESS")
        self.refused("ValidationError", "Drift detection is already in progress for stack [arn:", self.stacks.detect_stack_drift, StackName=name)
        self.assertNotEqual(until(ask, lambda one: one["DetectionStatus"] != "DETECTION_IN_PROGRESS")["DetectionStatus"], "DETECTION_IN_PROGRESS")
        found = self.stacks.describe_stack_resource_drifts(StackName=name)["StackResourceDrifts"]
        differences = lambda one: [(row["PropertyPath"], row["ExpectedValue"], row["ActualValue"], row["DifferenceType"]) for row in one.get("PropertyDifferences", [])]
        statuses = {one["LogicalResourceId"]: one["StackResourceDriftStatus"] for one in found}
        return {one["LogicalResourceId"]: differences(one) for one in found if one["StackResourceDriftStatus"] in ("MODIFIED", "DELETED")}, statuses

    def reverted(self, name="foundation"):
        """→ {logical id: (action, drift status, paths)} of the change set that was carried out"""
        # The caller's template: what GetTemplate answers is parsed by boto3.
        self.stacks.create_change_set(StackName=name, ChangeSetName="r", ChangeSetType="UPDATE", DeploymentMode="REVERT_DRIFT", TemplateBody=self.text, Parameters=self.parameters, Tags=[{"Key": "a", "Value": "b"}])
        made = until(lambda: self.stacks.describe_change_set(StackName=name, ChangeSetName="r"), lambda one: one["Status"] in ("CREATE_COMPLETE", "FAILED"))
        changes = [one["ResourceChange"] for one in made["Changes"]]
        self.stacks.execute_change_set(StackName=name, ChangeSetName="r")
        self.assertEqual(self.settled(name), "UPDATE_COMPLETE")
        paths = lambda one: [row["Target"]["Path"] for row in one["Details"] if row["Target"].get("BeforeValueFrom") == "ACTUAL_STATE"]
        return {one["LogicalResourceId"]: (one["Action"], one.get("ResourceDriftStatus"), paths(one)) for one in changes}

    MARKER = ("/LifecycleConfiguration/Rules/1/ExpiredObjectDeleteMarker", "true", "null", "REMOVE")

    def test_nothing_drifts_but_what_aws_is_known_to_get_wrong(self):
        found, looked = self.detected()
        self.assertEqual(found, {"DataBucket": [self.MARKER]})
        self.assertEqual(set(looked), {"DataBucket", "AlarmTopic"})
        marker = client("s3").get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"][1]["Expiration"]
        self.assertEqual(marker, {"ExpiredObjectDeleteMarker": True})

    def test_properties_of_buckets(self):
        s3 = client("s3")
        self.assertEqual(s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"], {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
        s3.delete_public_access_block(Bucket=BUCKET)
        s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]})
        s3.put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
        found, _ = self.detected()
        rows = {path: (expected, actual, kind) for path, expected, actual, kind in found["DataBucket"]}
        self.assertEqual(rows["/VersioningConfiguration/Status"], ("Enabled", "Suspended", "NOT_EQUAL"))
        self.assertEqual(rows["/PublicAccessBlockConfiguration"][1:], ("null", "REMOVE"))
        self.assertEqual(rows["/OwnershipControls/Rules/0/ObjectOwnership"], ("BucketOwnerEnforced", "ObjectWriter", "NOT_EQUAL"))
        self.assertEqual(rows["/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/SSEAlgorithm"], ("AES256", "aws:kms", "NOT_EQUAL"))
        action, status, paths = self.reverted()["DataBucket"]
        self.assertEqual((action, status), ("Modify", "MODIFIED"))
        self.assertIn("/VersioningConfiguration/Status", paths)
        self.assertEqual(self.detected()[0], {"DataBucket": [self.MARKER]})

    def test_what_is_gone_is_made_again(self):
        client("sns").delete_topic(TopicArn=TOPIC)
        self.assertEqual(self.detected()[1]["AlarmTopic"], "DELETED")
        self.assertEqual(self.reverted()["AlarmTopic"], ("Add", "DELETED", []))
        self.assertEqual(client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["TopicArn"], TOPIC)

    def test_policies_are_not_looked_at_and_not_reverted(self):
        s3, sns = client("s3"), client("sns")
        s3.delete_bucket_policy(Bucket=BUCKET)
        sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue='{"Version":"2012-10-17","Statement":[]}')
        self.assertEqual(self.detected()[0], {"DataBucket": [self.MARKER]})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
        self.reverted()
        self.refused("NoSuchBucketPolicy", "", s3.get_bucket_policy, Bucket=BUCKET)
        self.assertEqual(json.loads(sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])["Statement"], [])

    def test_a_bucket_that_cannot_be_read_is_unknown(self):
        client("s3").put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "scones-local:unreadable", "Value": "1"}]})
        self.assertEqual(self.detected()[1]["DataBucket"], "UNKNOWN")

    def test_whose_a_resource_is(self):
        found = self.stacks.describe_stack_resources(PhysicalResourceId=TOPIC)["StackResources"]
        self.assertEqual([(one["LogicalResourceId"], one["StackName"]) for one in found], [("AlarmTopic", "foundation")])
        self.refused("ValidationError", "Stack for none does not exist", self.stacks.describe_stack_resources, PhysicalResourceId="none")


class Others(CloudTest):
    def test_topics_have_the_policy_that_sns_gives_them(self):
        stacks = client("cloudformation")
        stacks.create_stack(StackName="t", TemplateBody='{"Resources":{"T":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"plain"}}}}')
        arn = "arn:aws:sns:us-east-1:123456789012:plain"
        until(lambda: stacks.describe_stacks(StackName="t")["Stacks"][0]["StackStatus"], lambda one: one == "CREATE_COMPLETE")
        policy = json.loads(client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
        self.assertEqual((policy["Id"], policy["Statement"][0]["Condition"]), ("__default_policy_ID", {"StringEquals": {"AWS:SourceOwner": "123456789012"}}))

    def test_schedules_are_called_deleted_when_they_are_not(self):
        stacks = client("cloudformation")
        target = {"Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:m", "RoleArn": "arn:aws:iam::123456789012:role/r"}
        properties = {"Name": "one", "GroupName": {"Ref": "G"}, "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
        resources = {"G": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "g"}}, "S": {"Type": "AWS::Scheduler::Schedule", "Properties": properties}}
        stacks.create_stack(StackName="u", TemplateBody=json.dumps({"Resources": resources}))
        until(lambda: stacks.describe_stacks(StackName="u")["Stacks"][0]["StackStatus"], lambda one: one == "CREATE_COMPLETE")
        statuses = lambda: {one["LogicalResourceId"]: one["StackResourceDriftStatus"] for one in stacks.describe_stack_resource_drifts(StackName="u")["StackResourceDrifts"]}
        stacks.detect_stack_drift(StackName="u")
        self.assertEqual(statuses(), {"G": "IN_SYNC", "S": "DELETED"})


if __name__ == "__main__":
    unittest.main()

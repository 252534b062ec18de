"""Tests of EventBridge rules and schedules: kept as on AWS, and fired."""

import json
import unittest
import urllib.error

from running import CloudTest, client, control, package, trust, until

TAGS = [{"Key": "scones:app", "Value": "x"}]
# The function leaves its event in S3.
KEEP = "import boto3, json\ndef h(e, c): boto3.client('s3').put_object(Bucket='fired', Key=c.function_name + '/' + c.aws_request_id, Body=json.dumps(e))"


class Events(CloudTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calls, cls.functions, cls.s3 = client("events"), client("lambda"), client("s3")
        cls.s3.create_bucket(Bucket="fired")

    def test_rules_and_targets(self):
        calls = self.calls
        for wrong in ({}, {"ScheduleExpression": "rate(1 hours)"}, {"ScheduleExpression": "rate(0 minutes)"}, {"ScheduleExpression": "rate(5 minute)"}, {"ScheduleExpression": "cron(0 10 * * * *)"}):
            self.refused("ValidationException", "", calls.put_rule, Name="wrong", **wrong)
        arn = calls.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)", Description="d", State="DISABLED", Tags=TAGS)["RuleArn"]
        found = calls.describe_rule(Name="hourly")
        self.assertEqual((found["State"], found["Description"], found["EventBusName"]), ("DISABLED", "d", "default"))
        calls.put_rule(Name="hourly", ScheduleExpression="cron(0 * * * ? *)", Tags=[{"Key": "ignored", "Value": ""}])
        found = calls.describe_rule(Name="hourly")
        self.assertEqual((found["State"], found.get("Description"), found["ScheduleExpression"]), ("ENABLED", None, "cron(0 * * * ? *)"))
        self.assertEqual(calls.list_tags_for_resource(ResourceARN=arn)["Tags"], TAGS)
        mapped = client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "scones:app"}], ResourceTypeFilters=["events:rule"])["ResourceTagMappingList"]
        self.assertEqual([one["ResourceARN"] for one in mapped], [arn])
        self.assertEqual([one["Name"] for one in calls.list_rules(NamePrefix="hour")["Rules"]], ["hourly"])
        target = {"Id": "function", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "Input": '{"a": 1}'}
        self.refused("ResourceNotFoundException", "does not exist on EventBus default", calls.put_targets, Rule="none", Targets=[target])
        self.refused("ValidationException", "JSON syntax", calls.put_targets, Rule="hourly", Targets=[{**target, "Input": "{"}])
        self.refused("ValidationException", "RoleArn", calls.put_targets, Rule="hourly", Targets=[{"Id": "m", "Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:m"}])
        self.refused("LimitExceededException", "", calls.put_targets, Rule="hourly", Targets=[{**target, "Id": str(number)} for number in range(6)])
        self.assertEqual(calls.put_targets(Rule="hourly", Targets=[target])["FailedEntryCount"], 0)
        self.assertEqual(calls.list_targets_by_rule(Rule="hourly")["Targets"], [target])
        self.refused("ValidationException", "has targets", calls.delete_rule, Name="hourly")
        calls.remove_targets(Rule="hourly", Ids=["function"])
        calls.delete_rule(Name="hourly")
        self.refused("ResourceNotFoundException", "does not exist", calls.describe_rule, Name="hourly")
        self.refused("ResourceNotFoundException", "does not exist", calls.list_targets_by_rule, Rule="hourly")

    def function(self, name):
        arn = self.functions.create_function(FunctionName=name, Role=self.role(name), Runtime="python3.12", Handler="app.h", Code={"ZipFile": package(KEEP)})["FunctionArn"]
        until(lambda: self.functions.get_function(FunctionName=name)["Configuration"]["State"], lambda state: state == "Active")
        return arn

    def left(self, name, count=1, seconds=10):
        """the events that the function left behind, once they are so many"""
        found = until(lambda: self.s3.list_objects_v2(Bucket="fired", Prefix=name + "/").get("Contents", []), lambda rows: len(rows) >= count, seconds)
        return [json.loads(self.s3.get_object(Bucket="fired", Key=one["Key"])["Body"].read()) for one in found]

    def test_a_rule_fires_only_with_the_functions_leave(self):
        function = self.function("watched")
        rule = self.calls.put_rule(Name="fires", ScheduleExpression="rate(1 hour)")["RuleArn"]
        self.calls.put_targets(Rule="fires", Targets=[{"Id": "f", "Arn": function, "Input": '{"monitor": "drift"}'}])
        control("fire?rule=fires", "POST")
        permission = {"FunctionName": "watched", "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
        self.functions.add_permission(**permission, StatementId="other", SourceArn=rule + "x")
        control("fire?rule=fires", "POST")
        self.functions.add_permission(**permission, StatementId="this", SourceArn=rule)
        self.assertEqual(control("fire?rule=fires", "POST"), {"fired": rule})
        self.assertEqual(self.left("watched"), [{"monitor": "drift"}])
        self.assertEqual(len(self.left("watched", 2, 1.5)), 1)  # the earlier ones would be here by now
        self.calls.disable_rule(Name="fires")
        for wrong in ("rule=fires", "rule=none", "schedule=none"):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                control("fire?" + wrong, "POST")
            self.assertEqual(caught.exception.code, 400)
            caught.exception.close()

    def test_a_schedule_starts_a_workflow_by_its_role(self):
        states, scheduler, iam = client("stepfunctions"), client("scheduler"), client("iam")
        machine = states.create_state_machine(name="scheduled", roleArn=self.role("scheduled"), definition='{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}')["stateMachineArn"]
        roles = [iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(name + ".amazonaws.com"))["Role"]["Arn"] for name in ("events", "scheduler")]
        for name, role in zip(("untrusted", "trusted"), roles):
            target = {"Arn": machine, "RoleArn": role, "Input": '{"by": "%s"}' % name}
            scheduler.create_schedule(Name=name, ScheduleExpression="cron(0 3 * * ? *)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
            control("fire?schedule=" + name, "POST")
        found = until(lambda: states.list_executions(stateMachineArn=machine)["executions"], bool)
        self.assertEqual([states.describe_execution(executionArn=one["executionArn"])["input"] for one in found], ['{"by": "trusted"}'])


if __name__ == "__main__":
    unittest.main()

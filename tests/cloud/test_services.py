"""Tests that MiniStack, as repaired, answers the deployer's operations as AWS documents them."""

import base64
import hashlib
import json
import os
import unittest
import urllib.parse
import urllib.request

from running import CloudTest, client, package, trust, until

ONE, TWO = package("def h(e, c): return 1"), package("def h(e, c): return 2")
TAGS = [{"Key": "scones:app", "Value": "x"}, {"Key": "scones:stamp", "Value": "1 a=b"}]


def digest(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


class S3(CloudTest):
    def test_conditional_writes_versions_and_settings(self):
        s3 = client("s3")
        self.refused("404", "", s3.head_bucket, Bucket="services-none")
        s3.create_bucket(Bucket="services")
        etag = s3.put_object(Bucket="services", Key="lease", Body=b"1", IfNoneMatch="*")["ETag"]
        self.refused("PreconditionFailed", "", s3.put_object, Bucket="services", Key="lease", Body=b"2", IfNoneMatch="*")
        self.refused("PreconditionFailed", "", s3.put_object, Bucket="services", Key="lease", Body=b"2", IfMatch='"other"')
        s3.put_object(Bucket="services", Key="lease", Body=b"2", IfMatch=etag)
        self.refused("NoSuchKey", "", s3.get_object, Bucket="services", Key="none")
        s3.put_bucket_tagging(Bucket="services", Tagging={"TagSet": TAGS})
        self.assertEqual(s3.get_bucket_tagging(Bucket="services")["TagSet"], TAGS)
        block = {name: True for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")}
        s3.put_public_access_block(Bucket="services", PublicAccessBlockConfiguration=block)
        self.assertEqual(s3.get_public_access_block(Bucket="services")["PublicAccessBlockConfiguration"], block)
        s3.put_bucket_encryption(Bucket="services", ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
        s3.put_bucket_versioning(Bucket="services", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="services", Key="lease", Body=b"3")
        s3.delete_object(Bucket="services", Key="lease")
        found = s3.list_object_versions(Bucket="services")
        self.assertEqual((len(found["Versions"]), len(found["DeleteMarkers"])), (2, 1))
        every = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found["Versions"] + found["DeleteMarkers"]]
        self.refused("BucketNotEmpty", "", s3.delete_bucket, Bucket="services")
        s3.delete_objects(Bucket="services", Delete={"Objects": every})
        s3.delete_bucket(Bucket="services")


class Iam(CloudTest):
    BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
    POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'

    def test_roles(self):
        iam, trusted = client("iam"), trust("lambda.amazonaws.com")
        self.refused("NoSuchEntity", "", iam.get_role, RoleName="none")
        self.refused("MalformedPolicyDocument", "", iam.create_role, RoleName="r", AssumeRolePolicyDocument="{nope")
        self.refused("ValidationError", "", iam.create_role, RoleName="no good", AssumeRolePolicyDocument=trusted)
        made = iam.create_role(RoleName="r", Path="/scones/a/b/", AssumeRolePolicyDocument=trusted, Tags=TAGS, PermissionsBoundary=self.BOUNDARY, Description="d", MaxSessionDuration=7200)
        self.assertEqual(made["Role"]["Arn"], "arn:aws:iam::123456789012:role/scones/a/b/r")
        role = iam.get_role(RoleName="r")["Role"]
        self.assertEqual((role["Tags"], role["Description"], role["MaxSessionDuration"]), (TAGS, "d", 7200))
        self.assertEqual((role["PermissionsBoundary"]["PermissionsBoundaryArn"], role["AssumeRolePolicyDocument"]), (self.BOUNDARY, json.loads(trusted)))
        listed = iam.list_roles(PathPrefix="/scones/a/b/")["Roles"]
        self.assertEqual([(one["RoleName"], one.get("Tags", []), "PermissionsBoundary" in one) for one in listed], [("r", [], False)])
        iam.update_role(RoleName="r", Description="50% & <more>", MaxSessionDuration=3600)
        self.assertEqual(iam.get_role(RoleName="r")["Role"]["Description"], "50% & <more>")
        self.assertIn("50% & <more>", [one.get("Description") for one in iam.list_roles(PathPrefix="/scones/a/b/")["Roles"]])
        iam.update_role(RoleName="r", Description="", MaxSessionDuration=3600)
        role = iam.get_role(RoleName="r")["Role"]
        self.assertEqual((role.get("Description", ""), role["MaxSessionDuration"]), ("", 3600))
        iam.delete_role_permissions_boundary(RoleName="r")
        self.assertNotIn("PermissionsBoundary", iam.get_role(RoleName="r")["Role"])
        iam.tag_role(RoleName="r", Tags=[{"Key": "k", "Value": "v"}])
        iam.untag_role(RoleName="r", TagKeys=["scones:app"])
        self.assertEqual([one["Key"] for one in iam.get_role(RoleName="r")["Role"]["Tags"]], ["scones:stamp", "k"])
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=self.POLICY)
        self.assertEqual(iam.get_role_policy(RoleName="r", PolicyName="p")["PolicyDocument"], json.loads(self.POLICY))
        self.refused("MalformedPolicyDocument", "", iam.put_role_policy, RoleName="r", PolicyName="p", PolicyDocument="{}")
        self.refused("NoSuchEntity", "", iam.attach_role_policy, RoleName="r", PolicyArn="arn:aws:iam::123456789012:policy/none")
        iam.attach_role_policy(RoleName="r", PolicyArn=self.BASIC)
        self.assertEqual(iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"], [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": self.BASIC}])
        self.refused("DeleteConflict", "", iam.delete_role, RoleName="r")
        iam.detach_role_policy(RoleName="r", PolicyArn=self.BASIC)
        iam.delete_role_policy(RoleName="r", PolicyName="p")
        iam.delete_role(RoleName="r")


class Lambda(CloudTest):
    def setUp(self):
        self.functions, self.s3 = client("lambda"), client("s3")
        self.s3.create_bucket(Bucket="packages")
        for key, data in (("one.zip", ONE), ("two.zip", TWO)):
            self.s3.put_object(Bucket="packages", Key=key, Body=data)

    def make(self, name, key="one.zip", **more):
        if "Role" not in more:
            more["Role"] = self.role(name)
        code = more.pop("Code", {"S3Bucket": "packages", "S3Key": key})
        return self.functions.create_function(FunctionName=name, Runtime="python3.12", Handler="app.h", Code=code, **more)

    def ready(self, name):
        return until(lambda: self.functions.get_function(FunctionName=name), lambda one: one["Configuration"]["LastUpdateStatus"] == "Successful" and one["Configuration"]["State"] == "Active")

    def test_configuration_code_and_versions(self):
        calls = self.functions
        self.refused("InvalidParameterValueException", "GetObject", self.make, name="f0", key="none.zip")
        self.refused("InvalidParameterValueException", "cannot be assumed", self.make, name="f1", Role="arn:aws:iam::123456789012:role/none")
        made = self.make("f", Tags={"a": "b"}, Environment={"Variables": {"NAME": "1"}}, MemorySize=256, Description="d", LoggingConfig={"LogFormat": "JSON"})
        self.assertEqual(made["CodeSha256"], digest(ONE))
        self.refused("ResourceConflictException", "Function already exist", self.make, name="f", Role=made["Role"])
        self.refused("ResourceConflictException", "Pending", calls.update_function_configuration, FunctionName="f", Timeout=9)
        found = self.ready("f")
        self.assertEqual((found["Tags"], "Concurrency" in found), ({"a": "b"}, False))
        logging = {"LogFormat": "JSON", "LogGroup": "/aws/lambda/f", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
        self.assertEqual(found["Configuration"]["LoggingConfig"], logging)
        calls.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=5)
        self.assertEqual(calls.get_function(FunctionName="f")["Concurrency"], {"ReservedConcurrentExecutions": 5})
        calls.delete_function_concurrency(FunctionName="f")
        self.assertEqual([calls.publish_version(FunctionName="f")["Version"] for _ in range(2)], ["1", "1"])
        calls.update_function_configuration(FunctionName="f", MemorySize=512, Environment={"Variables": {"NAME": "2"}})
        self.refused("ResourceConflictException", "An update is in progress", calls.publish_version, FunctionName="f")
        self.ready("f")
        self.assertEqual(calls.publish_version(FunctionName="f", Description="second")["Version"], "2")
        dry = calls.update_function_code(FunctionName="f", S3Bucket="packages", S3Key="two.zip", DryRun=True)
        self.assertEqual((dry["CodeSha256"], calls.get_function(FunctionName="f")["Configuration"]["CodeSha256"]), (digest(TWO), digest(ONE)))
        self.assertEqual(calls.update_function_code(FunctionName="f", S3Bucket="packages", S3Key="two.zip", Publish=True)["Version"], "3")
        self.ready("f")
        calls.update_function_configuration(FunctionName="f", MemorySize=512)  # nothing changed
        self.ready("f")
        self.assertEqual(calls.publish_version(FunctionName="f")["Version"], "3")
        versions = {one["Version"]: one for one in calls.list_versions_by_function(FunctionName="f")["Versions"]}
        self.assertEqual([(number, one["MemorySize"], one["Environment"]["Variables"]["NAME"], one["CodeSha256"], one["FunctionArn"].rsplit(":", 1)[1]) for number, one in versions.items()],
                         [("$LATEST", 512, "2", digest(TWO), "$LATEST"), ("1", 256, "1", digest(ONE), "1"), ("2", 512, "2", digest(ONE), "2"), ("3", 512, "2", digest(TWO), "3")])
        self.assertTrue(all(one["Role"] == made["Role"] and one["State"] == "Active" for one in versions.values()))
        calls.update_function_configuration(FunctionName="f", Environment={"Variables": {}}, Description="", LoggingConfig={"LogFormat": "Text"})
        config = self.ready("f")["Configuration"]
        self.assertEqual(("Environment" in config, config["Description"], config["LoggingConfig"]), (False, "", {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}))

    def test_aliases_and_policies_are_kept_apart_and_go_with_the_function(self):
        calls = self.functions
        self.make("g", Publish=True)
        self.ready("g")
        calls.update_function_code(FunctionName="g", S3Bucket="packages", S3Key="two.zip", Publish=True)
        self.refused("ResourceNotFoundException", "", calls.create_alias, FunctionName="g", Name="live", FunctionVersion="9")
        weights = {"AdditionalVersionWeights": {"1": 0.1}}
        self.assertEqual(calls.create_alias(FunctionName="g", Name="live", FunctionVersion="2", RoutingConfig=weights)["RoutingConfig"], weights)
        self.assertNotIn("RoutingConfig", calls.update_alias(FunctionName="g", Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}}))
        self.refused("ResourceConflictException", "alias", calls.delete_function, FunctionName="g", Qualifier="2")
        self.ready("g")
        self.assertEqual(calls.invoke(FunctionName="g", Qualifier="live", Payload=b"{}")["Payload"].read(), b"2")
        self.assertEqual(calls.invoke(FunctionName="g", Qualifier="1", Payload=b"{}")["Payload"].read(), b"1")
        self.refused("ResourceNotFoundException", "", calls.get_policy, FunctionName="g")
        permission = {"FunctionName": "g", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::x"}
        calls.add_permission(**permission)
        self.refused("ResourceConflictException", "", calls.add_permission, **permission)
        self.refused("ResourceNotFoundException", "", calls.get_policy, FunctionName="g", Qualifier="live")
        calls.add_permission(**{**permission, "Principal": "events.amazonaws.com"}, Qualifier="live")
        principals = [json.loads(calls.get_policy(FunctionName="g", **one)["Policy"])["Statement"][0]["Principal"]["Service"] for one in ({}, {"Qualifier": "live"})]
        self.assertEqual(principals, ["s3.amazonaws.com", "events.amazonaws.com"])
        calls.remove_permission(FunctionName="g", StatementId="s")
        self.refused("ResourceNotFoundException", "", calls.get_policy, FunctionName="g")
        calls.get_policy(FunctionName="g", Qualifier="live")
        role = calls.get_function(FunctionName="g")["Configuration"]["Role"]
        calls.delete_function(FunctionName="g")
        self.refused("ResourceNotFoundException", "", calls.list_aliases, FunctionName="g")
        self.make("g", Role=role)
        self.assertEqual(calls.list_aliases(FunctionName="g")["Aliases"], [])
        self.assertEqual([one["Version"] for one in calls.list_versions_by_function(FunctionName="g")["Versions"]], ["$LATEST"])
        self.refused("ResourceNotFoundException", "", calls.get_policy, FunctionName="g")

    def test_functions_run_against_the_gateway_and_fail_by_name(self):
        self.make("named", Code={"ZipFile": package("class ThresholdNotMet(Exception): pass\ndef h(e, c): raise ThresholdNotMet('no')")})
        self.ready("named")
        answer = json.loads(self.functions.invoke(FunctionName="named", Payload=b"{}")["Payload"].read())
        self.assertEqual((answer["errorType"], answer["errorMessage"]), ("ThresholdNotMet", "no"))
        self.make("where", Code={"ZipFile": package("import os\ndef h(e, c): return os.environ['AWS_ENDPOINT_URL']")})
        self.ready("where")
        self.assertEqual(json.loads(self.functions.invoke(FunctionName="where", Payload=b"{}")["Payload"].read()), os.environ["AWS_ENDPOINT_URL"])


class StepFunctions(CloudTest):
    PASS = '{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}'

    def test_machines(self):
        calls, role = client("stepfunctions"), self.role("machines")
        client("logs").create_log_group(logGroupName="/states")
        logging = {"level": "ERROR", "includeExecutionData": True, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:/states:*"}}]}
        made = {"name": "m", "definition": self.PASS, "roleArn": role, "loggingConfiguration": logging, "tracingConfiguration": {"enabled": True}}
        arn = calls.create_state_machine(**made, tags=[{"key": "a", "value": "b"}])["stateMachineArn"]
        found = calls.describe_state_machine(stateMachineArn=arn)
        self.assertEqual({key: found[key] for key in made}, made)
        self.assertEqual((found["status"], found["type"]), ("ACTIVE", "STANDARD"))
        revision = calls.update_state_machine(stateMachineArn=arn, definition=self.PASS.replace('"P"', '"Q"'))["revisionId"]
        found = calls.describe_state_machine(stateMachineArn=arn)
        self.assertEqual((found["loggingConfiguration"], found["tracingConfiguration"], found["revisionId"]), (logging, {"enabled": True}, revision))
        self.refused("MissingRequiredParameter", "", calls.update_state_machine, stateMachineArn=arn)
        self.refused("InvalidName", "", calls.create_state_machine, **{**made, "name": "a b"})
        self.refused("AccessDeniedException", "authorized to assume", calls.create_state_machine, **{**made, "name": "n", "roleArn": role + "x"})
        for wrong in ("{nope", '{"StartAt":"A","States":{"B":{"Type":"Pass","End":true}}}', '{"StartAt":"A","States":{"A":{"Type":"Task","End":true}}}'):
            self.refused("InvalidDefinition", "", calls.create_state_machine, **{**made, "name": "n", "definition": wrong})
        calls.tag_resource(resourceArn=arn, tags=[{"key": "c", "value": "d"}])
        calls.untag_resource(resourceArn=arn, tagKeys=["a"])
        self.assertEqual(calls.list_tags_for_resource(resourceArn=arn)["tags"], [{"key": "c", "value": "d"}])
        execution = calls.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
        done = until(lambda: calls.describe_execution(executionArn=execution), lambda one: one["status"] != "RUNNING")
        self.assertEqual((done["status"], done["output"]), ("SUCCEEDED", "{}"))
        self.assertEqual(calls.get_execution_history(executionArn=execution)["events"][-1]["type"], "ExecutionSucceeded")
        calls.delete_state_machine(stateMachineArn=arn)
        calls.delete_state_machine(stateMachineArn=arn)
        self.refused("StateMachineDoesNotExist", "", calls.describe_state_machine, stateMachineArn=arn)


class CloudWatch(CloudTest):
    def test_alarms_and_log_groups(self):
        calls = client("cloudwatch")
        topic = "arn:aws:sns:us-east-1:123456789012:t"
        full = {"AlarmName": "a", "AlarmDescription": "d", "ActionsEnabled": False, "OKActions": [topic], "AlarmActions": [topic], "InsufficientDataActions": [topic], "MetricName": "ModelLatency",
                "Namespace": "AWS/SageMaker", "ExtendedStatistic": "p99", "Dimensions": [{"Name": "EndpointName", "Value": "e"}], "Period": 60, "Unit": "Microseconds", "EvaluationPeriods": 3,
                "DatapointsToAlarm": 2, "Threshold": 1.5, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching", "EvaluateLowSampleCountPercentile": "ignore"}
        calls.put_metric_alarm(**full, Tags=TAGS)
        found = calls.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]
        self.assertEqual({key: found.get(key) for key in full}, full)
        self.assertNotIn("Statistic", found)
        self.assertEqual(calls.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"], TAGS)
        small = {"AlarmName": "a", "MetricName": "M", "Namespace": "N", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 0.0, "ComparisonOperator": "GreaterThanThreshold"}
        calls.put_metric_alarm(**small, Tags=[{"Key": "ignored", "Value": ""}])
        replaced = calls.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]
        self.assertFalse(set(replaced) & {"AlarmDescription", "DatapointsToAlarm", "ExtendedStatistic", "Unit", "EvaluateLowSampleCountPercentile"}, replaced)
        self.assertEqual((replaced["ActionsEnabled"], replaced["AlarmActions"], replaced["Dimensions"]), (True, [], []))
        self.assertEqual(calls.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"], TAGS)
        metrics = [{"Id": "m", "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}, "ReturnData": False}, {"Id": "e", "Expression": "m*2", "ReturnData": True}]
        calls.put_metric_alarm(AlarmName="math", Metrics=metrics, EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold")
        found = calls.describe_alarms(AlarmNames=["math"])["MetricAlarms"][0]
        self.assertEqual((found["Metrics"][1], "MetricName" in found), (metrics[1], False))
        self.refused("ResourceNotFoundException", "", calls.list_tags_for_resource, ResourceARN=found["AlarmArn"] + "x")
        self.old_protocol(calls, topic)
        calls.delete_alarms(AlarmNames=["a", "math"])
        self.assertEqual(calls.describe_alarms()["MetricAlarms"], [])

    def old_protocol(self, calls, topic):
        """alarms written and read in the query protocol are the same alarms"""
        query("PutMetricAlarm", **{"AlarmName": "a", "MetricName": "M", "Namespace": "N", "Statistic": "Sum", "Period": "300", "EvaluationPeriods": "1", "Threshold": "2.5", "ComparisonOperator": "GreaterThanThreshold",
              "ActionsEnabled": "true", "AlarmActions.member.1": topic, "Dimensions.member.1.Name": "D", "Dimensions.member.1.Value": "<&>"})
        found = calls.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]
        self.assertEqual((found["Period"], found["Threshold"], found["AlarmActions"], found["Dimensions"]), (300, 2.5, [topic], [{"Name": "D", "Value": "<&>"}]))
        answer = query("DescribeAlarms", **{"AlarmNames.member.1": "a"})
        for wanted in ("<Value>&lt;&amp;&gt;</Value>", "<Period>300</Period>", "<ActionsEnabled>true</ActionsEnabled>", "<member>%s</member>" % topic):
            self.assertIn(wanted, answer)

    def test_log_groups(self):
        calls = client("logs")
        calls.create_log_group(logGroupName="/aws/lambda/l", tags={"a": "b"})
        self.refused("ResourceAlreadyExistsException", "", calls.create_log_group, logGroupName="/aws/lambda/l")
        group = calls.describe_log_groups(logGroupNamePrefix="/aws/lambda/l")["logGroups"][0]
        self.assertEqual(("retentionInDays" in group, group["arn"][-2:], group["logGroupClass"]), (False, ":*", "STANDARD"))
        calls.put_retention_policy(logGroupName="/aws/lambda/l", retentionInDays=14)
        self.assertEqual(calls.describe_log_groups(logGroupNamePrefix="/aws/lambda/l")["logGroups"][0]["retentionInDays"], 14)
        calls.delete_retention_policy(logGroupName="/aws/lambda/l")
        calls.tag_resource(resourceArn=group["logGroupArn"], tags={"c": "d"})
        self.assertEqual(calls.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"], {"a": "b", "c": "d"})
        calls.delete_log_group(logGroupName="/aws/lambda/l")
        self.refused("ResourceNotFoundException", "", calls.delete_log_group, logGroupName="/aws/lambda/l")

    def test_settings_of_log_groups(self):
        logs, about = client("logs"), {"logGroupIdentifier": "settings"}
        self.refused("ResourceNotFoundException", "", logs.put_log_group_deletion_protection, **about, deletionProtectionEnabled=True)
        logs.create_log_group(logGroupName="settings")
        logs.associate_kms_key(logGroupName="settings", kmsKeyId="arn:aws:kms:us-east-1:123456789012:key/1")
        logs.put_log_group_deletion_protection(**about, deletionProtectionEnabled=True)
        logs.put_bearer_token_authentication(**about, bearerTokenAuthenticationEnabled=True)
        self.refused("InvalidParameterException", "two statements", logs.put_data_protection_policy, **about, policyDocument='{"Statement": []}')
        logs.put_data_protection_policy(**about, policyDocument='{"Statement": [{}, {}]}')
        read = lambda *members: [logs.describe_log_groups(logGroupNamePrefix="settings")["logGroups"][0].get(member) for member in members]  # noqa: E731
        flags = ("deletionProtectionEnabled", "bearerTokenAuthenticationEnabled", "dataProtectionStatus")
        self.assertEqual((read(*flags), read("kmsKeyId")), ([True, True, "ACTIVATED"], ["arn:aws:kms:us-east-1:123456789012:key/1"]))
        self.refused("ValidationException", "deletion protection", logs.delete_log_group, logGroupName="settings")
        logs.put_log_group_deletion_protection(**about, deletionProtectionEnabled=False)
        logs.delete_data_protection_policy(**about)
        logs.disassociate_kms_key(logGroupName="settings")
        self.assertEqual((read(*flags), read("kmsKeyId")), ([False, True, "DELETED"], [None]))
        logs.delete_log_group(logGroupName="settings")


def query(action, **fields):
    """one request as clients of the old protocol send it"""
    body = urllib.parse.urlencode({"Action": action, "Version": "2010-08-01", **fields}).encode()
    signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
    with urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, {"Authorization": signed})) as response:
        return response.read().decode()


class CloudFormation(CloudTest):
    def template(self, topic, value="v"):
        bucket = {"BucketName": "stack-bucket", "VersioningConfiguration": {"Status": "Enabled"}, "Tags": [{"Key": "p", "Value": value}]}
        resources = {"B": {"Type": "AWS::S3::Bucket", "Properties": bucket}, "T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": topic}}}
        return json.dumps({"Resources": resources, "Outputs": {"Name": {"Value": {"Ref": "B"}}}})

    def change(self, name, kind="UPDATE", **given):
        self.calls.create_change_set(StackName="s", ChangeSetName=name, ChangeSetType=kind, Tags=TAGS, **given)
        return until(lambda: self.calls.describe_change_set(StackName="s", ChangeSetName=name), lambda one: one["Status"] in ("CREATE_COMPLETE", "FAILED"))

    def execute(self, name):
        self.calls.execute_change_set(StackName="s", ChangeSetName=name)
        return self.settled()

    def settled(self):
        return until(lambda: self.calls.describe_stacks(StackName="s")["Stacks"][0], lambda one: not one["StackStatus"].endswith("IN_PROGRESS"))

    def test_a_stack_from_change_set_to_deletion(self):
        self.calls = calls = client("cloudformation")
        self.refused("ValidationError", "does not exist", calls.describe_stacks, StackName="s")
        made = self.change("c1", "CREATE", TemplateBody=self.template("topic"))
        self.assertEqual({one["ResourceChange"]["Action"] for one in made["Changes"]}, {"Add"})
        self.assertEqual(calls.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"], "REVIEW_IN_PROGRESS")
        stack = self.execute("c1")
        self.assertEqual((stack["StackStatus"], stack["Tags"], stack["Outputs"][0]["OutputValue"], stack["EnableTerminationProtection"]), ("CREATE_COMPLETE", TAGS, "stack-bucket", False))
        tags = {one["Key"]: one["Value"] for one in client("s3").get_bucket_tagging(Bucket="stack-bucket")["TagSet"]}
        self.assertEqual((tags["p"], tags["scones:app"], tags["aws:cloudformation:stack-name"]), ("v", "x", "s"))
        same = self.change("c2", TemplateBody=self.template("topic"))
        self.assertEqual((same["Status"], same["ExecutionStatus"]), ("FAILED", "UNAVAILABLE"))
        self.assertIn("didn't contain changes", same["StatusReason"])
        calls.delete_change_set(StackName="s", ChangeSetName="c2")
        replacing = [one["ResourceChange"] for one in self.change("c3", TemplateBody=self.template("topic-2"))["Changes"]]
        self.assertEqual([(one["LogicalResourceId"], one["Action"], one["Replacement"]) for one in replacing], [("T", "Modify", "True")])
        self.assertEqual(self.execute("c3")["StackStatus"], "UPDATE_COMPLETE")
        changing = [one["ResourceChange"] for one in self.change("c4", TemplateBody=self.template("topic-2", "w"))["Changes"]]
        self.assertEqual([(one["LogicalResourceId"], one["Replacement"]) for one in changing], [("B", "False")])
        self.execute("c4")
        self.assertEqual(json.loads(json.dumps(calls.get_template(StackName="s")["TemplateBody"])), json.loads(self.template("topic-2", "w")))
        self.drift("IN_SYNC")
        client("s3").put_bucket_versioning(Bucket="stack-bucket", VersioningConfiguration={"Status": "Suspended"})
        self.drift("DRIFTED")
        calls.update_termination_protection(StackName="s", EnableTerminationProtection=True)
        self.refused("ValidationError", "TerminationProtection", calls.delete_stack, StackName="s")
        calls.update_termination_protection(StackName="s", EnableTerminationProtection=False)
        client("s3").put_object(Bucket="stack-bucket", Key="k", Body=b"")
        calls.delete_stack(StackName="s")
        self.assertEqual(self.settled()["StackStatus"], "DELETE_FAILED")
        for one in client("s3").list_object_versions(Bucket="stack-bucket")["Versions"]:
            client("s3").delete_object(Bucket="stack-bucket", Key="k", VersionId=one["VersionId"])
        calls.delete_stack(StackName="s")
        until(lambda: calls.list_stacks(StackStatusFilter=["DELETE_IN_PROGRESS", "DELETE_FAILED"])["StackSummaries"], lambda found: not found)
        self.refused("ValidationError", "does not exist", calls.describe_stacks, StackName="s")

    def drift(self, wanted):
        number = self.calls.detect_stack_drift(StackName="s")["StackDriftDetectionId"]
        found = until(lambda: self.calls.describe_stack_drift_detection_status(StackDriftDetectionId=number), lambda one: one["DetectionStatus"] != "DETECTION_IN_PROGRESS")
        self.assertEqual(found["StackDriftStatus"], wanted)
        drifts = self.calls.describe_stack_resource_drifts(StackName="s")["StackResourceDrifts"]
        self.assertEqual("MODIFIED" in {one["StackResourceDriftStatus"] for one in drifts}, wanted == "DRIFTED")


if __name__ == "__main__":
    unittest.main()

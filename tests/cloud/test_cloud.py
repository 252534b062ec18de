"""Tests of the running cloud: gateway, faults, tags from both emulators, endpoints and their life, real predictions.

    target/cloud-venvs/ministack/bin/python -m unittest discover tests/cloud
"""

import base64
import json
import threading
import time
import unittest
import urllib.error
import urllib.request

import running
import shapes
import wire
from botocore.exceptions import ClientError, HTTPClientError
from running import ARTIFACT, CloudTest, client, cloud, control, package, until

SETTLED = lambda answer: answer["EndpointStatus"] in ("InService", "Failed")  # noqa: E731


class Gateway(CloudTest):
    def test_counts_by_user_agent_and_finds_the_chain(self):
        control("reset-log", "POST")
        control("faults", "POST", [{"service": "*", "operation": "*", "kind": "delay", "delay_ms": 60, "times": 100}])
        one, other = client("sts", user_agent="probe-x"), client("sts")
        threads = [threading.Thread(target=client("sts", user_agent="probe-x").get_caller_identity) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        one.get_caller_identity()
        one.get_caller_identity()
        other.get_caller_identity()
        control("faults", "POST", [])
        self.assertEqual(control("cost?user_agent=probe-x"), {"requests": 8, "chain": 3, "by_operation": {"sts:GetCallerIdentity": 8}})
        row = control("requests")[-1]
        self.assertEqual({key: row[key] for key in ("service", "operation", "status")}, {"service": "sts", "operation": "GetCallerIdentity", "status": 200})
        self.assertLess(row["start"], row["end"])

    def test_violations_are_reported_with_their_sender(self):
        control("reset-log", "POST")
        client("iam", user_agent="probe-y").list_roles(PathPrefix="/fine/")
        self.assertEqual(control("violations"), [])
        with self.assertRaises(ClientError):
            client("sagemaker", user_agent="probe-y").create_model(ModelName="bad name", PrimaryContainer={"Image": "i"}, ExecutionRoleArn="no-arn")
        found = control("violations")
        self.assertEqual({one["operation"] for one in found}, {"sagemaker:CreateModel"})
        self.assertTrue(all("probe-y" in one["user_agent"] for one in found))
        self.assertTrue(any("ModelName" in one["violation"] for one in found) and any("ExecutionRoleArn" in one["violation"] for one in found), found)

    def test_thirty_clients_at_once(self):
        answers = []

        def work():
            sts = client("sts")
            answers.extend(sts.get_caller_identity()["Account"] for _ in range(5))

        threads = [threading.Thread(target=work) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [running.ACCOUNT] * 150)

    def test_large_bodies_pass(self):
        s3 = client("s3")
        s3.create_bucket(Bucket="large-bodies")
        begin = time.monotonic()
        s3.put_object(Bucket="large-bodies", Key="k", Body=b"x" * 5_000_000)
        self.assertLess(time.monotonic() - begin, 0.9)  # botocore waits a second for "100 Continue"
        self.assertEqual(len(s3.get_object(Bucket="large-bodies", Key="k")["Body"].read()), 5_000_000)
        self.assertEqual(s3.head_object(Bucket="large-bodies", Key="k")["ContentLength"], 5_000_000)


class Faults(CloudTest):
    CALLS = {
        "iam": ("ListRoles", lambda one: one.list_roles(), "Throttling", "AccessDenied"),
        "lambda": ("ListFunctions", lambda one: one.list_functions(), "TooManyRequestsException", "AccessDeniedException"),
        "cloudwatch": ("DescribeAlarms", lambda one: one.describe_alarms(), "Throttling", "AccessDenied"),
        "sagemaker": ("ListModels", lambda one: one.list_models(), "ThrottlingException", "AccessDeniedException"),
        "s3": ("ListBuckets", lambda one: one.list_buckets(), "SlowDown", "AccessDenied"),
    }

    def test_throttling_and_denial_come_in_each_protocol(self):
        for service, (operation, call, throttled, denied) in self.CALLS.items():
            for kind, code in (("throttle", throttled), ("access_denied", denied)):
                with self.subTest(service=service, kind=kind):
                    control("faults", "POST", [{"service": service, "operation": operation, "kind": kind, "times": 1}])
                    with self.assertRaises(ClientError) as caught:
                        call(client(service))
                    response = caught.exception.response
                    self.assertIn(response["Error"]["Code"], (code, code + "Exception"))
                    self.assertTrue(response["ResponseMetadata"].get("RequestId"), response)
                    call(client(service))  # spent

    def test_error_500(self):
        control("faults", "POST", [{"service": "states", "operation": "ListStateMachines", "kind": "error500"}])
        with self.assertRaises(ClientError) as caught:
            client("stepfunctions").list_state_machines()
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)

    def test_reset_never_reaches_the_service_and_a_lost_response_does(self):
        logs = client("logs")
        for kind, exists in (("reset", False), ("lost_response", True)):
            control("faults", "POST", [{"service": "logs", "operation": "CreateLogGroup", "kind": kind}])
            with self.assertRaises(HTTPClientError):
                logs.create_log_group(logGroupName="/fault/" + kind)
            self.assertEqual(bool(logs.describe_log_groups(logGroupNamePrefix="/fault/" + kind)["logGroups"]), exists)

    def test_wrong_faults_are_refused(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            control("faults", "POST", [{"service": "lambda", "operation": "Nope", "kind": "throttle"}])
        self.assertEqual(caught.exception.code, 400)
        caught.exception.close()


class Tags(CloudTest):
    def test_both_emulators_are_searched_and_roles_are_not(self):
        mark, arns, pairs = {"scones:app": "tagged"}, set(), [{"Key": "scones:app", "Value": "tagged"}]
        role = client("iam").create_role(RoleName="tagged", AssumeRolePolicyDocument=running.trust("lambda.amazonaws.com", "states.amazonaws.com"), Tags=pairs)["Role"]["Arn"]
        arns.add(client("lambda").create_function(FunctionName="tagged", Role=role, Runtime="python3.12", Handler="app.h", Code={"ZipFile": package("")}, Tags=mark)["FunctionArn"])
        machine = {"name": "tagged", "roleArn": role, "definition": '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}', "tags": [{"key": "scones:app", "value": "tagged"}]}
        arns.add(client("stepfunctions").create_state_machine(**machine)["stateMachineArn"])
        client("cloudwatch").put_metric_alarm(AlarmName="tagged", Namespace="N", MetricName="M", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold", Tags=pairs)
        arns.add("arn:aws:cloudwatch:us-east-1:%s:alarm:tagged" % running.ACCOUNT)
        client("logs").create_log_group(logGroupName="/tagged", tags=mark)
        arns.add("arn:aws:logs:us-east-1:%s:log-group:/tagged" % running.ACCOUNT)
        arns.add(client("sns").create_topic(Name="tagged", Tags=pairs)["TopicArn"])
        client("s3").create_bucket(Bucket="tagged-bucket")
        client("s3").put_bucket_tagging(Bucket="tagged-bucket", Tagging={"TagSet": pairs})
        arns.add("arn:aws:s3:::tagged-bucket")
        arns.add(client("cloudformation").create_stack(StackName="tagged", TemplateBody='{"Resources":{"W":{"Type":"AWS::CloudFormation::WaitConditionHandle"}}}', Tags=pairs)["StackId"])
        sagemaker = client("sagemaker")
        arns.add(sagemaker.create_model(ModelName="tagged", ExecutionRoleArn=role, PrimaryContainer={"Image": "i", "ModelDataUrl": ARTIFACT}, Tags=pairs)["ModelArn"])
        variant = {"VariantName": "v", "ModelName": "tagged", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        config = sagemaker.create_endpoint_config(EndpointConfigName="tagged", ProductionVariants=[variant])["EndpointConfigArn"]
        sagemaker.add_tags(ResourceArn=config, Tags=pairs)
        arns.add(config)
        arns.add(sagemaker.create_endpoint(EndpointName="tagged", EndpointConfigName="tagged", Tags=pairs)["EndpointArn"])
        tagging = client("resourcegroupstaggingapi")
        found = until(lambda: tagging.get_resources(TagFilters=[{"Key": "scones:app", "Values": ["tagged"]}])["ResourceTagMappingList"], lambda rows: len(rows) == len(arns))
        self.assertEqual({one["ResourceARN"] for one in found}, arns)
        pages = [len(page["ResourceTagMappingList"]) for page in tagging.get_paginator("get_resources").paginate(TagFilters=[{"Key": "scones:app"}], ResourcesPerPage=4)]
        self.assertEqual(sum(pages), len(arns))
        sagemaker.delete_tags(ResourceArn=config, TagKeys=["scones:app"])
        self.assertEqual(sagemaker.list_tags(ResourceArn=config)["Tags"], [])
        self.assertEqual(len(tagging.get_resources(TagFilters=[{"Key": "scones:app"}])["ResourceTagMappingList"]), len(arns) - 1)
        begin = time.monotonic()
        for _ in range(20):
            tagging.get_resources(TagFilters=[{"Key": "scones:app"}])
        self.assertLess((time.monotonic() - begin) / 20, 0.05)


class Endpoints(CloudTest):
    """the life of endpoints, and what they answer"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sagemaker, cls.runtime, cls.s3 = client("sagemaker"), client("sagemaker-runtime"), client("s3")
        cls.s3.create_bucket(Bucket="captured")
        reason = "The container did not pass the ping health check."
        for name, environment in (("good", {}), ("bad", {"SCONES_LOCAL_FAIL": reason}), ("worse", {"SCONES_LOCAL_FAIL": reason, "SCONES_LOCAL_STUCK": "1"})):
            cls.sagemaker.create_model(ModelName=name, ExecutionRoleArn="arn:aws:iam::123456789012:role/r", PrimaryContainer={"Image": "i:1", "ModelDataUrl": ARTIFACT, "Environment": environment})
        for name, model in (("one", "good"), ("two", "good"), ("broken", "bad"), ("stuck", "worse")):
            cls.config(name, model)

    @classmethod
    def config(cls, name, model="good", variants=("main",), **more):
        rows = [{"VariantName": one, "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 2, "InitialVariantWeight": 1.0} for one in variants]
        cls.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=rows, **more)

    def described(self, name, good=SETTLED):
        return until(lambda: self.sagemaker.describe_endpoint(EndpointName=name), good)

    def test_create_update_roll_back_delete(self):
        self.sagemaker.create_endpoint(EndpointName="life", EndpointConfigName="one")
        first = self.sagemaker.describe_endpoint(EndpointName="life")
        self.assertEqual((first["EndpointStatus"], "ProductionVariants" in first), ("Creating", False))
        self.refused("ValidationException", "Cannot update in-progress endpoint", self.sagemaker.update_endpoint, EndpointName="life", EndpointConfigName="two")
        self.refused("ValidationException", "Cannot create already existing endpoint", self.sagemaker.create_endpoint, EndpointName="life", EndpointConfigName="one")
        live = self.described("life")
        variant = live["ProductionVariants"][0]
        self.assertEqual([variant[key] for key in ("CurrentInstanceCount", "DesiredInstanceCount", "CurrentWeight", "DesiredWeight")], [2, 2, 1.0, 1.0])
        deployment = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60}}}
        self.sagemaker.update_endpoint(EndpointName="life", EndpointConfigName="two", DeploymentConfig=deployment)
        during = self.sagemaker.describe_endpoint(EndpointName="life")
        self.assertEqual((during["EndpointStatus"], during["EndpointConfigName"], during["PendingDeploymentSummary"]["EndpointConfigName"]), ("Updating", "one", "two"))
        after = self.described("life")
        self.assertEqual((after["EndpointConfigName"], after["LastDeploymentConfig"], "PendingDeploymentSummary" in after), ("two", deployment, False))
        self.sagemaker.update_endpoint(EndpointName="life", EndpointConfigName="broken")
        self.described("life", lambda answer: answer["EndpointStatus"] == "RollingBack")
        back = self.described("life")
        self.assertEqual((back["EndpointStatus"], back["EndpointConfigName"], back["FailureReason"]), ("InService", "two", "The container did not pass the ping health check."))
        self.sagemaker.update_endpoint_weights_and_capacities(EndpointName="life", DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredWeight": 0.5, "DesiredInstanceCount": 3}])
        during = self.sagemaker.describe_endpoint(EndpointName="life")["ProductionVariants"][0]
        self.assertEqual((during["CurrentInstanceCount"], during["DesiredInstanceCount"]), (2, 3))
        self.assertEqual(self.described("life")["ProductionVariants"][0]["CurrentInstanceCount"], 3)
        self.sagemaker.update_endpoint(EndpointName="life", EndpointConfigName="one", RetainAllVariantProperties=True)
        self.assertEqual(self.described("life")["ProductionVariants"][0]["CurrentInstanceCount"], 3)
        self.sagemaker.delete_endpoint(EndpointName="life")
        self.assertEqual(self.sagemaker.describe_endpoint(EndpointName="life")["EndpointStatus"], "Deleting")
        until(lambda: self.sagemaker.list_endpoints(NameContains="life")["Endpoints"], lambda found: not found)
        self.refused("ValidationException", "Could not find endpoint", self.sagemaker.describe_endpoint, EndpointName="life")

    def test_an_alarm_rolls_a_deployment_back(self):
        cloudwatch = client("cloudwatch")
        cloudwatch.put_metric_alarm(AlarmName="errors", Namespace="N", MetricName="M", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold")
        self.sagemaker.create_endpoint(EndpointName="watched", EndpointConfigName="one")
        self.described("watched")
        deployment = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60}}, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
        for state, config in (("OK", "two"), ("ALARM", "two")):
            cloudwatch.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="test")
            self.sagemaker.update_endpoint(EndpointName="watched", EndpointConfigName="two" if state == "OK" else "one", DeploymentConfig=deployment)
            found = self.described("watched")
            self.assertEqual((found["EndpointConfigName"], "errors" in found.get("FailureReason", "")), (config, state == "ALARM"))

    def test_a_canary_bakes_and_an_alarm_takes_it_back(self):
        cloudwatch = client("cloudwatch")
        cloudwatch.put_metric_alarm(AlarmName="canary", Namespace="N", MetricName="M", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold")
        self.sagemaker.create_endpoint(EndpointName="bird", EndpointConfigName="one")
        self.described("bird")
        traffic = {"Type": "CANARY", "WaitIntervalInSeconds": 0, "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10}}
        deployment = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic, "MaximumExecutionTimeoutInSeconds": 600}, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "canary"}]}}
        control("bake?endpoint=bird&do=hold", "POST")
        baking = lambda found: found["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Baking"  # noqa: E731
        for rings in (True, False):
            self.sagemaker.update_endpoint(EndpointName="bird", EndpointConfigName="two", DeploymentConfig=deployment)
            self.described("bird", baking)
            if rings:
                cloudwatch.set_alarm_state(AlarmName="canary", StateValue="ALARM", StateReason="test")
                found = self.described("bird")
                self.assertEqual((found["EndpointStatus"], found["EndpointConfigName"], "canary" in found["FailureReason"]), ("InService", "one", True))
                cloudwatch.set_alarm_state(AlarmName="canary", StateValue="OK", StateReason="test")
            else:
                control("bake?endpoint=bird&do=release", "POST")
                found = self.described("bird")
                self.assertEqual((found["EndpointConfigName"], found.get("FailureReason")), ("two", None))

    def test_a_rollback_that_fails_can_be_updated(self):
        self.sagemaker.create_endpoint(EndpointName="mixed", EndpointConfigName="one")
        self.described("mixed")
        self.sagemaker.update_endpoint(EndpointName="mixed", EndpointConfigName="stuck")
        found = self.described("mixed", lambda answer: answer["EndpointStatus"] not in ("Updating", "RollingBack"))
        self.assertEqual((found["EndpointStatus"], found["EndpointConfigName"]), ("UpdateRollbackFailed", "one"))
        self.sagemaker.update_endpoint(EndpointName="mixed", EndpointConfigName="two")
        self.assertEqual(self.described("mixed")["EndpointConfigName"], "two")

    def test_answers_have_the_shape_of_the_model(self):
        config = {"EnableCapture": False, "InitialSamplingPercentage": 1, "DestinationS3Uri": "s3://captured/x", "CaptureOptions": [{"CaptureMode": "Input"}]}
        self.config("shaped", DataCaptureConfig=config)
        self.sagemaker.create_endpoint(EndpointName="shaped", EndpointConfigName="shaped")
        self.described("shaped")
        self.sagemaker.update_endpoint(EndpointName="shaped", EndpointConfigName="one")
        for operation, given in (("DescribeModel", {"ModelName": "good"}), ("DescribeEndpointConfig", {"EndpointConfigName": "shaped"}), ("DescribeEndpoint", {"EndpointName": "shaped"}), ("ListModels", {}), ("ListEndpointConfigs", {}), ("ListEndpoints", {})):
            headers = {"X-Amz-Target": "SageMaker." + operation, "Content-Type": "application/x-amz-json-1.1", "Authorization": "AWS4-HMAC-SHA256 Credential=l/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"}
            with urllib.request.urlopen(urllib.request.Request(cloud()["url"], json.dumps(given).encode(), headers)) as answer:
                body = json.load(answer)
            wrong = []
            shapes.check(wire.model("sagemaker").operation_model(operation).output_shape, body, operation, wrong)
            self.assertEqual(wrong, [])
            self.assertNotIn("null", json.dumps(body))

    def test_a_failing_model_fails_the_endpoint(self):
        self.sagemaker.create_endpoint(EndpointName="failing", EndpointConfigName="broken")
        found = self.described("failing")
        self.assertEqual((found["EndpointStatus"], found["FailureReason"]), ("Failed", "The container did not pass the ping health check."))
        self.refused("ValidationException", "Cannot update", self.sagemaker.update_endpoint, EndpointName="failing", EndpointConfigName="one")
        self.refused("ValidationError", "not found", self.runtime.invoke_endpoint, EndpointName="failing", ContentType="image/png", Body=b"x")
        self.sagemaker.delete_endpoint(EndpointName="failing")

    def test_models_and_configurations(self):
        good = {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/r", "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://captured/none"}}
        self.refused("ValidationException", "Could not access model data at s3://captured/none", self.sagemaker.create_model, ModelName="m", **good)
        self.refused("ValidationException", "executionRoleArn", self.sagemaker.create_model, ModelName="m", **{**good, "ExecutionRoleArn": "role"})
        self.refused("ValidationException", "Cannot create already existing model", self.sagemaker.create_model, ModelName="good", ExecutionRoleArn=good["ExecutionRoleArn"], PrimaryContainer={"Image": "i"})
        self.refused("ValidationException", "Could not find model", self.config, name="none", model="none")
        self.refused("ValidationException", "Could not find endpoint configuration", self.sagemaker.create_endpoint, EndpointName="e", EndpointConfigName="none")
        model = self.sagemaker.describe_model(ModelName="good")
        self.assertEqual((model["PrimaryContainer"]["Mode"], model["EnableNetworkIsolation"], model["ModelArn"][-11:]), ("SingleModel", False, ":model/good"))
        self.assertEqual([one["ModelName"] for one in self.sagemaker.list_models(NameContains="goo")["Models"]], ["good"])
        capture = {"EnableCapture": True, "InitialSamplingPercentage": 50, "DestinationS3Uri": "s3://captured/x", "CaptureOptions": [{"CaptureMode": "Input"}]}
        self.config("echoed", DataCaptureConfig=capture)
        self.assertEqual(self.sagemaker.describe_endpoint_config(EndpointConfigName="echoed")["DataCaptureConfig"], capture)
        self.sagemaker.delete_endpoint_config(EndpointConfigName="echoed")
        self.refused("ValidationException", "Could not find endpoint configuration", self.sagemaker.delete_endpoint_config, EndpointConfigName="echoed")

    def test_predictions_are_real_and_captured(self):
        capture = {"EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://captured/pre/fix", "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}], "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]}}
        self.config("capturing", variants=("left", "right"), DataCaptureConfig=capture)
        self.sagemaker.create_endpoint(EndpointName="sees", EndpointConfigName="capturing")
        self.assertEqual(self.described("sees")["DataCaptureConfig"]["CaptureStatus"], "Started")
        invoked, folder = set(), cloud()["folder"] / "pictures"
        for index, kind in enumerate(("bicycle", "motorcycle")):
            for name in ["%s-%d" % (kind, number) for number in range(1, 5)] + (["large-bicycle"] if index == 0 else []):
                for _ in range(3):
                    answer = self.runtime.invoke_endpoint(EndpointName="sees", ContentType="image/png", Body=(folder / (name + ".png")).read_bytes())
                    self.assertGreater(json.loads(answer["Body"].read())[index], 0.93, name)
                    invoked.add(answer["InvokedProductionVariant"])
        self.assertEqual(invoked, {"left", "right"})
        self.assertGreater((folder / "large-bicycle.png").stat().st_size, 400_000)
        noise = (folder / "noise.png").read_bytes()
        answer = self.runtime.invoke_endpoint(EndpointName="sees", ContentType="image/png", Body=noise, TargetVariant="right")
        self.assertLess(max(json.loads(answer["Body"].read())), 0.93)
        self.refused("ValidationError", "not found", self.runtime.invoke_endpoint, EndpointName="none", ContentType="image/png", Body=noise)
        for kind, body, status in (("text/csv", b"1,2", 415), ("image/png", b"no picture", 400)):
            response = self.refused("ModelError", "Received client error", self.runtime.invoke_endpoint, EndpointName="sees", ContentType=kind, Body=body)
            self.assertEqual((response["ResponseMetadata"]["HTTPStatusCode"], response["OriginalStatusCode"]), (424, status))
        kept = self.s3.list_objects_v2(Bucket="captured", Prefix="pre/fix/sees/")["Contents"]
        self.assertEqual(len(kept), 28)
        self.assertRegex(kept[0]["Key"], r"^pre/fix/sees/(left|right)/\d{4}/\d\d/\d\d/\d\d/\d\d-.*\.jsonl$")
        record = json.loads(self.s3.get_object(Bucket="captured", Key=[one["Key"] for one in kept if "/right/" in one["Key"]][-1])["Body"].read())
        data = record["captureData"]
        self.assertEqual((data["endpointInput"]["encoding"], data["endpointInput"]["observedContentType"], data["endpointOutput"]["encoding"]), ("BASE64", "image/png", "JSON"))
        self.assertTrue(base64.b64decode(data["endpointInput"]["data"]).startswith(b"\x89PNG"))
        self.assertEqual(len(json.loads(data["endpointOutput"]["data"])), 2)

    def test_the_artifact_decides(self):
        self.s3.put_object(Bucket="captured", Key="other/model.tar.gz", Body=b"not a model")
        self.sagemaker.create_model(ModelName="other", ExecutionRoleArn="arn:aws:iam::123456789012:role/r", PrimaryContainer={"Image": "i", "ModelDataUrl": "s3://captured/other/model.tar.gz"})
        self.config("other", "other")
        self.sagemaker.create_endpoint(EndpointName="other", EndpointConfigName="other")
        self.described("other")
        picture = (cloud()["folder"] / "pictures" / "bicycle-1.png").read_bytes()
        self.refused("ModelError", "no model", self.runtime.invoke_endpoint, EndpointName="other", ContentType="image/png", Body=picture)
        self.s3.put_object(Bucket="captured", Key="other/model.tar.gz", Body=(cloud()["folder"] / "model.tar.gz").read_bytes())
        self.runtime.invoke_endpoint(EndpointName="other", ContentType="image/png", Body=picture)


if __name__ == "__main__":
    unittest.main()

"""Tests of state machines: tasks that train and register, paths and functions, and the history of an execution."""

import json
import re
import unittest

from running import ARTIFACT, CloudTest, client, control, package, until
from staged import ROLE, job, stage

SAGEMAKER, SDK = "arn:aws:states:::sagemaker:", "arn:aws:states:::aws-sdk:"
ACCURACY = "States.ArrayGetItem($.job.FinalMetricDataList[?(@.MetricName == 'validation:accuracy')].Value, 0)"


class Workflows(CloudTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calls, cls.sagemaker, cls.s3 = client("stepfunctions"), client("sagemaker"), client("s3")
        cls.role_arn = cls().role("workflows")

    def run_machine(self, states, given=None, within=40, **more):
        """the states in the order in which they stand → (execution, [events])"""
        names = list(states)
        for name, after in zip(names, names[1:] + [None]):
            if states[name].get("Type") not in ("Choice", "Succeed", "Fail") and not {"Next", "End"} & set(states[name]):
                states[name].update({"Next": after} if after else {"End": True})
        definition = json.dumps({"StartAt": names[0], "States": states, **more})
        machine = self.calls.create_state_machine(name=re.sub(r"\W", "-", self.id())[-60:] + str(len(self.calls.list_state_machines()["stateMachines"])), definition=definition, roleArn=self.role_arn)
        arn = self.calls.start_execution(stateMachineArn=machine["stateMachineArn"], name="run-1", input=json.dumps(given or {}))["executionArn"]
        done = until(lambda: self.calls.describe_execution(executionArn=arn), lambda one: one["status"] != "RUNNING", within)
        pages = self.calls.get_paginator("get_execution_history").paginate(executionArn=arn)
        return done, [event for page in pages for event in page["events"]]

    def output(self, states, given=None, **more):
        done, _ = self.run_machine(states, given, **more)
        self.assertEqual(done["status"], "SUCCEEDED", done)
        return json.loads(done["output"])

    def test_a_retraining_workflow(self):
        stage("retraining", per_class=40)
        queue, topic = self.listener("retraining")
        self.sagemaker.create_model_package_group(ModelPackageGroupName="retraining")
        given = job("retraining")
        given.pop("TrainingJobName")
        states = {
            "Train": {"Type": "Task", "Resource": SAGEMAKER + "createTrainingJob.sync", "Parameters": {**given, "TrainingJobName.$": "States.Format('retrain-{}', $$.Execution.Name)"}, "ResultPath": "$.job",
                      "Retry": [{"ErrorEquals": ["SageMaker.AmazonSageMakerException"], "MaxAttempts": 1}], "TimeoutSeconds": 60},
            "Measure": {"Type": "Pass", "Parameters": {"accuracy.$": ACCURACY, "gate.$": "$.gate", "artifact.$": "$.job.ModelArtifacts.S3ModelArtifacts", "name.$": "$.job.TrainingJobName"}},
            "Good": {"Type": "Choice", "Choices": [{"Variable": "$.accuracy", "NumericGreaterThanEqualsPath": "$.gate", "Next": "Report"}], "Default": "Bad"},
            "Bad": {"Type": "Fail", "Error": "AccuracyBelowGate", "CausePath": "States.Format('{} < {}', $.accuracy, $.gate)"},
            "Report": {"Type": "Task", "Resource": SDK + "s3:putObject", "Parameters": {"Bucket": "retraining", "Key": "metrics.json", "Body": {"accuracy.$": "$.accuracy"}}, "ResultPath": None},
            "Register": {"Type": "Task", "Resource": SDK + "sagemaker:createModelPackage", "ResultPath": "$.package", "Parameters": {
                "ModelPackageGroupName": "retraining", "ModelApprovalStatus": "Approved", "CustomerMetadataProperties": {"accuracy.$": "States.Format('{}', $.accuracy)"},
                "InferenceSpecification": {"Containers": [{"Image": "i:1", "ModelDataUrl.$": "$.artifact"}], "SupportedContentTypes": ["image/png"], "SupportedResponseMIMETypes": ["application/json"]}}},
            "Measured": {"Type": "Task", "Resource": SDK + "cloudwatch:putMetricData", "ResultPath": None, "Parameters": {"Namespace": "Scones/Training", "MetricData": [{"MetricName": "Accuracy", "Value.$": "$.accuracy"}]}},
            "Notify": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {"TopicArn": topic, "Subject": "trained", "Message": {"package.$": "$.package.ModelPackageArn"}}, "ResultPath": "$.sent"},
        }
        done, events = self.run_machine(states, {"gate": 0.8})
        self.assertEqual(done["status"], "SUCCEEDED", done)
        output = json.loads(done["output"])
        self.assertEqual((output["name"], output["package"]["ModelPackageArn"][-13:], set(output["sent"])), ("retrain-run-1", "/retraining/1", {"MessageId"}))
        made = self.sagemaker.describe_training_job(TrainingJobName="retrain-run-1")
        self.assertEqual({one["MetricName"]: one["Value"] for one in made["FinalMetricDataList"]}["validation:accuracy"], output["accuracy"])
        self.assertIn({"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}, self.sagemaker.list_tags(ResourceArn=made["TrainingJobArn"])["Tags"])
        registered = self.sagemaker.describe_model_package(ModelPackageName=output["package"]["ModelPackageArn"])
        self.assertEqual(registered["InferenceSpecification"]["Containers"][0]["ModelDataUrl"], made["ModelArtifacts"]["S3ModelArtifacts"])
        self.assertEqual(json.loads(self.s3.get_object(Bucket="retraining", Key="metrics.json")["Body"].read()), {"accuracy": output["accuracy"]})
        self.assertEqual([one["MetricName"] for one in client("cloudwatch").list_metrics(Namespace="Scones/Training")["Metrics"]], ["Accuracy"])
        sent = json.loads(client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]["Body"])
        self.assertEqual((sent["Subject"], json.loads(sent["Message"])), ("trained", {"package": output["package"]["ModelPackageArn"]}))
        entered = [one["stateEnteredEventDetails"]["name"] for one in events if one["type"].endswith("StateEntered")]
        self.assertEqual(entered, ["Train", "Measure", "Good", "Report", "Register", "Measured", "Notify"])
        self.assertEqual([one["type"] for one in events[:8]], ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskStateExited", "PassStateEntered"])
        self.assertEqual([one.get("previousEventId", 0) for one in events], list(range(len(events))))
        scheduled = events[2]["taskScheduledEventDetails"]
        self.assertEqual((scheduled["resourceType"], scheduled["resource"], scheduled["region"]), ("sagemaker", "createTrainingJob.sync", "us-east-1"))
        self.assertEqual(json.loads(scheduled["parameters"])["TrainingJobName"], "retrain-run-1")
        self.assertIsInstance(json.loads(events[5]["taskSucceededEventDetails"]["output"])["TrainingEndTime"], int)
        self.assertEqual([one["taskScheduledEventDetails"]["resourceType"] for one in events if one["type"] == "TaskScheduled"], ["sagemaker", "aws-sdk:s3", "aws-sdk:sagemaker", "aws-sdk:cloudwatch", "sns"])
        done, _ = self.run_machine(states, {"gate": 1.1})  # its job's name is taken
        self.assertEqual((done["status"], done["error"]), ("FAILED", "SageMaker.ResourceInUseException"), done)
        self.assertEqual(control("violations"), [])

    def listener(self, name):
        sqs = client("sqs")
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        topic = client("sns").create_topic(Name=name)["TopicArn"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return queue, topic

    def test_jobs_that_fail_or_are_refused(self):
        stage("failing", per_class=2)
        given = job("failing", "none", prefix="none")
        caught = {"Failed": {"Type": "Fail", "Error": "Caught", "CausePath": "$.error.Cause"}}
        task = {"Type": "Task", "Resource": SAGEMAKER + "createTrainingJob.sync", "Parameters": given, "End": True, "Catch": [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "Failed"}]}
        done, events = self.run_machine({"Train": task, **caught})
        cause = json.loads(done["cause"])
        self.assertEqual((done["error"], cause["TrainingJobStatus"], cause["TrainingJobName"]), ("Caught", "Failed", "none"))
        self.assertIn("No S3 objects", cause["FailureReason"])
        failed = next(one["taskFailedEventDetails"] for one in events if one["type"] == "TaskFailed")
        self.assertEqual((failed["error"], failed["resourceType"], failed["resource"], failed["cause"]), ("States.TaskFailed", "sagemaker", "createTrainingJob.sync", done["cause"]))
        task["Parameters"] = {**given, "AlgorithmSpecification": {"TrainingInputMode": "File"}}
        done, events = self.run_machine({"Train": {**task, "Catch": []}})
        self.assertEqual(done["error"], "SageMaker.ResourceInUseException")
        task["Parameters"]["TrainingJobName"] = "imageless"
        done, events = self.run_machine({"Train": {**task, "Catch": []}})
        self.assertEqual((done["error"], "TaskSubmitFailed" in [one["type"] for one in events]), ("SageMaker.AmazonSageMakerException", True))
        self.assertIn("Error Code: ValidationException", done["cause"])
        for operation, error in (("describeModelPackage", "SageMaker.SageMakerException"), ("describeMonitoringSchedule", "SageMaker.ResourceNotFoundException")):
            name = "ModelPackageName" if "Package" in operation else "MonitoringScheduleName"
            done, _ = self.run_machine({"Ask": {"Type": "Task", "Resource": SDK + "sagemaker:" + operation, "Parameters": {name: "none"}}})
            self.assertEqual(done["error"], error, done)
        done, _ = self.run_machine({"Ask": {"Type": "Task", "Resource": SDK + "sagemaker:listModels", "Parameters": {"Nope": 1}, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Over"}], "End": True}, "Over": {"Type": "Succeed"}})
        self.assertEqual((done["status"], done["error"]), ("FAILED", "States.Runtime"))
        self.assertIn("Nope", done["cause"])

    def test_a_time_limit_stops_the_job(self):
        stage("slow", per_class=60)
        given = {"Type": "Task", "Resource": SAGEMAKER + "createTrainingJob.sync", "Parameters": job("slow", "slow"), "TimeoutSeconds": 1}
        control("faults", "POST", [{"service": "sagemaker", "operation": "CreateTrainingJob", "kind": "delay", "delay_ms": 900}])
        done, events = self.run_machine({"Train": given})
        self.assertEqual((done["status"], done["error"], "TaskTimedOut" in [one["type"] for one in events]), ("FAILED", "States.Timeout", True))
        self.assertEqual(until(lambda: self.sagemaker.describe_training_job(TrainingJobName="slow")["TrainingJobStatus"], lambda status: status == "Stopped"), "Stopped")
        done, events = self.run_machine({"Wait": {"Type": "Wait", "Seconds": 4}}, TimeoutSeconds=1)
        self.assertEqual((done["status"], events[-1]["type"]), ("TIMED_OUT", "ExecutionTimedOut"))

    def test_times_are_iso_in_sdk_tasks(self):
        self.sagemaker.create_model(ModelName="iso", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "i", "ModelDataUrl": ARTIFACT})
        found = self.output({"Ask": {"Type": "Task", "Resource": SDK + "sagemaker:describeModel", "Parameters": {"ModelName": "iso"}}})
        self.assertRegex(found["CreationTime"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
        self.assertEqual(found["PrimaryContainer"]["ModelDataUrl"], ARTIFACT)

    def test_paths_and_functions(self):
        given = {"list": [{"n": "a", "v": 1}, {"n": "b", "v": 2.5, "deep": {"v": None}}], "text": '{"x": [1, 2]}', "flag": True}
        wanted = {
            "$.list[?(@.n=='b')].v": [2.5], "$.list[0:1]": given["list"][:1], "$..v": [1, 2.5, None], "$.list[-1].n": "b", "$['list'][0]['n']": "a", "$.list[1].deep.v": None,
            "States.Format('{}-{}-\\{\\}', $.list[0].v, $.flag)": "1-true-{}", "States.ArrayGetItem($.list[?(@.v > 2 && @.n != 'a')].n, 0)": "b", "States.StringToJson($.text)": {"x": [1, 2]},
            "States.JsonToString($.list[0])": '{"n":"a","v":1}', "States.MathAdd($.list[0].v, -3)": -2, "States.ArrayLength($.list)": 2, "$$.Execution.Name": "run-1", "States.Format('{}', $$.State.Name)": "P",
        }
        output = self.output({"P": {"Type": "Pass", "Parameters": {**{"k%d.$" % index: path for index, path in enumerate(wanted)}, "id.$": "States.UUID()", "at.$": "$$.Execution.StartTime", "role.$": "$$.Execution.RoleArn"}}}, given)
        for index, (path, value) in enumerate(wanted.items()):
            self.assertEqual(output["k%d" % index], value, path)
        self.assertRegex(output["id"], r"^[0-9a-f-]{36}$")
        self.assertRegex(output["at"], r"^\d{4}-\d\d-\d\dT")
        self.assertEqual(output["role"], self.role_arn)

    def test_what_cannot_be_found_or_computed(self):
        done, events = self.run_machine({"P": {"Type": "Pass", "Parameters": {"x.$": "$.none"}}}, {"a": 1})
        self.assertEqual((done["status"], done["error"]), ("FAILED", "States.Runtime"))
        self.assertIn("the state 'P' (entered at the event id #2). The JSONPath '$.none' specified for the field 'x.$' could not be found in the input '{\"a\": 1}'", done["cause"])
        choice = {"C": {"Type": "Choice", "Choices": [{"Variable": "$.none", "NumericEquals": 1, "Next": "E"}], "Default": "E"}, "E": {"Type": "Succeed"}}
        self.assertIn("Invalid path '$.none'", self.run_machine(choice)[0]["cause"])
        present = lambda path, wanted: self.output({"C": {"Type": "Choice", "Choices": [{"Variable": path, "IsPresent": True, "Next": "Y"}], "Default": "N"}, "Y": {"Type": "Pass", "Result": True, "End": True}, "N": {"Type": "Pass", "Result": False}}, {"null": None})  # noqa: E731
        self.assertEqual((present("$.null", True), present("$.none", False)), (True, False))
        task = {"Type": "Task", "Resource": SDK + "sagemaker:listModels", "Parameters": {"NameContains.$": "States.ArrayGetItem($.empty, 0)"}, "Catch": [{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "Caught"}], "End": True}
        self.assertEqual(self.output({"T": task, "Caught": {"Type": "Pass", "Result": "caught"}}, {"empty": []}), "caught")

    def test_broken_paths_and_functions_are_refused_at_once(self):
        inner = lambda state: {"Type": "Parallel", "Branches": [{"StartAt": "In", "States": {"In": state}}], "End": True}  # noqa: E731
        wrong = [{"Type": "Pass", "Parameters": {"x.$": text}, "End": True} for text in ("$.", "a", "$.x[?(@.a]", "States.Nope($.a)", "States.Format('{}', $.a", "States.UUID() x", "States.MathAdd($.[, 1)")]
        wrong += [{"Type": "Pass", "InputPath": "x", "End": True}, {"Type": "Choice", "Default": "S", "Choices": [{"Not": {"Variable": "$..", "IsNull": True}, "Next": "S"}]}, inner(wrong[0]), {**wrong[0], "Parameters": {"a": [{"b.$": 1}]}}]
        for state in wrong:
            definition = json.dumps({"StartAt": "S", "States": {"S": state}})
            self.refused("InvalidDefinition", "must be a valid JSONPath", self.calls.create_state_machine, name="wrong", definition=definition, roleArn=self.role_arn)
        fine = inner({"Type": "Pass", "Parameters": {"x.$": "a", "y.$": "$"}, "QueryLanguage": "JSONata", "End": True})
        self.calls.create_state_machine(name="fine", definition=json.dumps({"StartAt": "S", "States": {"S": fine}}), roleArn=self.role_arn)

    def test_states_inside_of_states_are_in_the_history(self):
        inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
        done, events = self.run_machine({"M": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "ResultPath": None}, "B": {"Type": "Parallel", "Branches": [inner, inner]}}, {"items": [1, 2]})
        self.assertEqual(done["status"], "SUCCEEDED", done)
        kinds = [one["type"] for one in events]
        self.assertEqual([kinds.count(kind) for kind in ("MapStateStarted", "PassStateEntered", "PassStateExited", "MapStateSucceeded", "ParallelStateStarted", "ParallelStateSucceeded")], [1, 4, 4, 1, 1, 1])
        self.assertEqual([one["mapStateStartedEventDetails"]["length"] for one in events if one["type"] == "MapStateStarted"], [2])
        started = next(one["id"] for one in events if one["type"] == "ParallelStateStarted")
        self.assertEqual([one["previousEventId"] for one in events if one["type"] == "PassStateEntered"][2:], [started, started])

    def test_functions_as_tasks(self):
        functions = client("lambda")
        arn = functions.create_function(FunctionName="task", Role=self.role_arn, Runtime="python3.12", Handler="app.h", Code={"ZipFile": package("def h(e, c): return {'n': e['n'] + 1}")})["FunctionArn"]
        until(lambda: functions.get_function(FunctionName="task")["Configuration"]["State"], lambda state: state == "Active")
        done, events = self.run_machine({"F": {"Type": "Task", "Resource": arn, "ResultPath": "$"}, "I": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": arn, "Payload.$": "$"}, "OutputPath": "$.Payload"}}, {"n": 1})
        self.assertEqual(json.loads(done["output"]), {"n": 3}, done)
        self.assertEqual([one["type"] for one in events[2:5]], ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"])
        self.assertEqual(json.loads(events[2]["lambdaFunctionScheduledEventDetails"]["input"]), {"n": 1})


if __name__ == "__main__":
    unittest.main()

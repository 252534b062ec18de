"""Tests of SageMaker's monitors: baselines that are computed, job definitions, schedules and their executions."""

import csv
import io
import json
import unittest
import urllib.error

from running import CloudTest, client, control, until

ROLE = "arn:aws:iam::123456789012:role/r"
ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
RESOURCES = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}}


def baseline(name, image=ANALYZER, **environment):
    environment = {"dataset_format": '{"csv": {"header": true}}', "dataset_source": "/opt/ml/processing/input/baseline_dataset_input", "output_path": "/opt/ml/processing/output", "publish_cloudwatch_metrics": "Disabled", **environment}
    return {
        "ProcessingJobName": name, "RoleArn": ROLE, "ProcessingResources": RESOURCES, "AppSpecification": {"ImageUri": image}, "Environment": environment,
        "ProcessingInputs": [{"InputName": "data", "S3Input": {"S3Uri": "s3://monitors/train.csv", "LocalPath": "/opt/ml/processing/input/baseline_dataset_input", "S3DataType": "S3Prefix", "S3InputMode": "File"}}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": {"S3Uri": "s3://monitors/baseline", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}}]},
    }


class Baselines(CloudTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calls, cls.s3 = client("sagemaker"), client("s3")
        cls.s3.create_bucket(Bucket="monitors")
        out = io.StringIO()
        csv.writer(out).writerows([("count", "share", "kind", "gaps")] + [(number, number / 4, "even" if number % 2 == 0 else "odd, really", number if number > 1 else "") for number in range(1, 9)])
        cls.s3.put_object(Bucket="monitors", Key="train.csv", Body=out.getvalue().encode())

    def ended(self, name):
        return until(lambda: self.calls.describe_processing_job(ProcessingJobName=name), lambda one: one["ProcessingJobStatus"] not in ("InProgress", "Stopping"), 30)

    def test_a_baseline_is_computed(self):
        self.calls.create_processing_job(**baseline("base"), Tags=[{"Key": "a", "Value": "b"}])
        self.assertEqual(self.calls.describe_processing_job(ProcessingJobName="base")["ProcessingJobStatus"], "InProgress")
        self.refused("ResourceInUse", "unique", self.calls.create_processing_job, **baseline("base"))
        found = self.ended("base")
        self.assertEqual((found["ProcessingJobStatus"], found["ExitMessage"].split(":")[0]), ("Completed", "Completed"), found)
        statistics, constraints = (json.loads(self.s3.get_object(Bucket="monitors", Key="baseline/%s.json" % name)["Body"].read()) for name in ("statistics", "constraints"))
        features = {one["name"]: one for one in statistics["features"]}
        self.assertEqual((statistics["dataset"]["item_count"], {name: one["inferred_type"] for name, one in features.items()}), (8, {"count": "Integral", "share": "Fractional", "kind": "String", "gaps": "Integral"}))
        count = features["count"]["numerical_statistics"]
        self.assertEqual([round(count[key], 6) for key in ("mean", "sum", "std_dev", "min", "max")], [4.5, 36.0, 2.291288, 1.0, 8.0])
        self.assertEqual((features["gaps"]["numerical_statistics"]["common"], sum(one["count"] for one in count["distribution"]["kll"]["buckets"])), ({"num_present": 7, "num_missing": 1}, 8))
        self.assertEqual(features["kind"]["string_statistics"]["distribution"]["categorical"]["buckets"], [{"value": "even", "count": 4}, {"value": "odd, really", "count": 4}])
        wanted = {one["name"]: one for one in constraints["features"]}
        self.assertEqual((wanted["gaps"]["completeness"], wanted["count"]["num_constraints"], wanted["kind"]["string_constraints"]), (0.875, {"is_non_negative": True}, {"domains": ["even", "odd, really"]}))
        self.assertEqual([one["ProcessingJobName"] for one in self.calls.list_processing_jobs(StatusEquals="Completed", NameContains="base")["ProcessingJobSummaries"]], ["base"])
        self.assertEqual(control("violations"), [])

    def test_a_workflow_waits_for_a_baseline(self):
        states = client("stepfunctions")
        given = {**baseline("by-workflow"), "ProcessingJobName.$": "$$.Execution.Name"}
        given.pop("ProcessingJobName")
        definition = {"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync", "Parameters": given, "End": True}}}
        arn = states.create_state_machine(name="baseline", roleArn=self.role("baseline"), definition=json.dumps(definition))["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=arn, name="by-workflow")["executionArn"]
        done = until(lambda: states.describe_execution(executionArn=execution), lambda one: one["status"] != "RUNNING", 30)
        self.assertEqual((done["status"], json.loads(done["output"])["ProcessingJobStatus"]), ("SUCCEEDED", "Completed"), done)

    def test_jobs_that_fail(self):
        missing = baseline("missing")
        missing["ProcessingInputs"][0]["S3Input"]["S3Uri"] = "s3://monitors/none"
        for given, reason in ((missing, "No S3 objects"), (baseline("image", "other:1"), "no container for the image"), (baseline("path", output_path="/elsewhere"), "LocalPath"), (baseline("format", dataset_format='{"json": {}}'), "csv only")):
            self.calls.create_processing_job(**given)
            found = self.ended(given["ProcessingJobName"])
            self.assertEqual(found["ProcessingJobStatus"], "Failed")
            self.assertIn(reason, found["FailureReason"])

    def test_definitions(self):
        given = {
            "JobDefinitionName": "quality", "RoleArn": ROLE, "JobResources": RESOURCES, "DataQualityAppSpecification": {"ImageUri": ANALYZER},
            "DataQualityJobInput": {"EndpointInput": {"EndpointName": "e", "LocalPath": "/opt/ml/processing/input"}},
            "DataQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://monitors/reports", "LocalPath": "/opt/ml/processing/output"}}]},
        }
        arn = self.calls.create_data_quality_job_definition(**given, Tags=[{"Key": "a", "Value": "b"}])["JobDefinitionArn"]
        self.refused("ResourceInUse", "already exists", self.calls.create_data_quality_job_definition, **given)
        found = self.calls.describe_data_quality_job_definition(JobDefinitionName="quality")
        self.assertEqual((found["DataQualityJobInput"]["EndpointInput"]["S3InputMode"], found["StoppingCondition"]), ("File", {"MaxRuntimeInSeconds": 3600}))
        self.assertEqual(self.calls.list_tags(ResourceArn=arn)["Tags"], [{"Key": "a", "Value": "b"}])
        listed = self.calls.list_data_quality_job_definitions(EndpointName="e")["JobDefinitionSummaries"]
        self.assertEqual([(one["MonitoringJobDefinitionName"], one["EndpointName"]) for one in listed], [("quality", "e")])
        config = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, "MonitoringJobDefinitionName": "quality", "MonitoringType": "DataQuality"}
        self.calls.create_monitoring_schedule(MonitoringScheduleName="by-name", MonitoringScheduleConfig=config)
        self.assertEqual(self.calls.describe_monitoring_schedule(MonitoringScheduleName="by-name")["EndpointName"], "e")
        self.refused("ResourceInUse", "by-name", self.calls.delete_data_quality_job_definition, JobDefinitionName="quality")
        until(lambda: self.calls.describe_monitoring_schedule(MonitoringScheduleName="by-name"), lambda one: one["MonitoringScheduleStatus"] == "Scheduled")
        self.calls.delete_monitoring_schedule(MonitoringScheduleName="by-name")
        self.calls.delete_data_quality_job_definition(JobDefinitionName="quality")
        self.refused("ResourceNotFound", "does not exist", self.calls.describe_data_quality_job_definition, JobDefinitionName="quality")
        self.refused("ResourceNotFound", "does not exist", self.calls.create_monitoring_schedule, MonitoringScheduleName="none", MonitoringScheduleConfig=config)


class Schedules(CloudTest):
    JOB = {"MonitoringInputs": [{"EndpointInput": {"EndpointName": "sees", "LocalPath": "/opt/ml"}}]}
    CONFIG = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, "MonitoringJobDefinition": JOB, "MonitoringType": "DataQuality"}

    def become(self, status):
        found = until(lambda: self.calls.describe_monitoring_schedule(MonitoringScheduleName="watch"), lambda one: one["MonitoringScheduleStatus"] == status)
        self.assertEqual(found["MonitoringScheduleStatus"], status)
        return found

    def test_life_and_executions(self):
        self.calls = calls = client("sagemaker")
        calls.create_monitoring_schedule(MonitoringScheduleName="watch", MonitoringScheduleConfig=self.CONFIG, Tags=[{"Key": "a", "Value": "b"}])
        self.refused("ResourceInUse", "already exists", calls.create_monitoring_schedule, MonitoringScheduleName="watch", MonitoringScheduleConfig=self.CONFIG)
        self.assertEqual(calls.describe_monitoring_schedule(MonitoringScheduleName="watch")["MonitoringScheduleStatus"], "Pending")
        self.refused("ValidationException", "Pending", calls.update_monitoring_schedule, MonitoringScheduleName="watch", MonitoringScheduleConfig=self.CONFIG)
        found = self.become("Scheduled")
        self.assertEqual((found["EndpointName"], "LastMonitoringExecutionSummary" in found), ("sees", False))
        self.assertEqual(calls.list_tags(ResourceArn=found["MonitoringScheduleArn"])["Tags"], [{"Key": "a", "Value": "b"}])
        mapped = client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["sagemaker:monitoring-schedule"])["ResourceTagMappingList"]
        self.assertEqual([one["ResourceARN"] for one in mapped], [found["MonitoringScheduleArn"]])
        control("execution?schedule=watch&status=InProgress", "POST")
        for call, given in ((calls.update_monitoring_schedule, {"MonitoringScheduleConfig": self.CONFIG}), (calls.delete_monitoring_schedule, {})):
            self.refused("ValidationException", "in-progress executions", call, MonitoringScheduleName="watch", **given)
        control("execution?schedule=watch&status=CompletedWithViolations", "POST")
        found = calls.describe_monitoring_schedule(MonitoringScheduleName="watch")["LastMonitoringExecutionSummary"]
        self.assertEqual((found["MonitoringExecutionStatus"], found["EndpointName"]), ("CompletedWithViolations", "sees"))
        control("execution?schedule=watch&status=Completed", "POST")
        rows = calls.list_monitoring_executions(MonitoringScheduleName="watch", SortBy="ScheduledTime", SortOrder="Ascending")["MonitoringExecutionSummaries"]
        self.assertEqual([one["MonitoringExecutionStatus"] for one in rows], ["CompletedWithViolations", "Completed"])
        for wrong in ("schedule=watch&status=Nope", "schedule=none&status=Completed"):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                control("execution?" + wrong, "POST")
            self.assertEqual(caught.exception.code, 400)
            caught.exception.close()
        calls.update_monitoring_schedule(MonitoringScheduleName="watch", MonitoringScheduleConfig=self.CONFIG)
        self.become("Scheduled")
        calls.stop_monitoring_schedule(MonitoringScheduleName="watch")
        self.become("Stopped")
        self.assertEqual(calls.list_monitoring_schedules(EndpointName="sees")["MonitoringScheduleSummaries"][0]["MonitoringScheduleStatus"], "Stopped")
        calls.delete_monitoring_schedule(MonitoringScheduleName="watch")
        self.refused("ResourceNotFound", "not found", calls.describe_monitoring_schedule, MonitoringScheduleName="watch")


if __name__ == "__main__":
    unittest.main()

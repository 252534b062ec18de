"""Tests of CloudWatch: metrics that make alarms ring, composites, metric math, dashboards."""

import datetime
import json
import sys
import time
import unittest
from pathlib import Path

from running import CloudTest, client, control, until

sys.path.insert(0, str(Path(__file__).resolve().parent / "ministack_repairs"))

import metric_math  # noqa: E402  (the rest of the package needs MiniStack's process)

ENDPOINT = [{"Name": "Endpoint", "Value": "e"}]
TAGS = [{"Key": "scones:app", "Value": "x"}]


class Alarms(CloudTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calls, cls.sqs, cls.sns = client("cloudwatch"), client("sqs"), client("sns")

    def topic(self, name):
        queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        topic = self.sns.create_topic(Name=name)["TopicArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
        return queue, topic

    def message(self, queue):
        found = self.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MaxNumberOfMessages=1).get("Messages")
        if not found:
            return None
        self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=found[0]["ReceiptHandle"])
        return json.loads(json.loads(found[0]["Body"])["Message"])

    def alarm(self, name, **changed):
        given = {"AlarmName": name, "Namespace": "Scones/Model", "MetricName": "PredictionPSI", "Dimensions": ENDPOINT, "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1,
                 "Threshold": 0.25, "ComparisonOperator": "GreaterThanThreshold", **changed}
        self.calls.put_metric_alarm(**{key: value for key, value in given.items() if value is not None})

    def put(self, metric, value, endpoint="e", **more):
        self.calls.put_metric_data(Namespace="Scones/Model", MetricData=[{"MetricName": metric, "Dimensions": [{"Name": "Endpoint", "Value": endpoint}], "Value": value, **more}])

    def state(self, name, wanted, seconds=4):
        kinds = ["MetricAlarm", "CompositeAlarm"]
        found = until(lambda: self.calls.describe_alarms(AlarmNames=[name], AlarmTypes=kinds), lambda one: (one["MetricAlarms"] + one["CompositeAlarms"])[0]["StateValue"] == wanted, seconds)
        found = (found["MetricAlarms"] + found["CompositeAlarms"])[0]
        self.assertEqual(found["StateValue"], wanted, found)
        return found

    def test_a_metric_rings_the_alarm_and_the_topic_tells(self):
        queue, topic = self.topic("drift")
        self.alarm("drift", AlarmActions=[topic], OKActions=[topic], TreatMissingData="notBreaching")
        self.put("PredictionPSI", 0.9, "other")
        self.put("PredictionPSI", 0.1)
        self.state("drift", "OK")
        self.assertEqual(self.message(queue)["NewStateValue"], "OK")
        self.put("PredictionPSI", 0.4)
        found = self.state("drift", "ALARM")
        self.assertRegex(found["StateReason"], r"^Threshold Crossed: 1 out of the last 1 datapoints \[0\.4 \(\d\d/\d\d/\d\d \d\d:\d\d:\d\d\)\] was greater than the threshold \(0\.25\) \(minimum 1 datapoint for OK -> ALARM transition\)\.$")
        self.assertLessEqual(found["AlarmConfigurationUpdatedTimestamp"], found["StateUpdatedTimestamp"])
        sent = self.message(queue)
        self.assertEqual((sent["AlarmName"], sent["NewStateValue"], sent["OldStateValue"], sent["Trigger"]["MetricName"]), ("drift", "ALARM", "OK", "PredictionPSI"))
        history = self.calls.describe_alarm_history(AlarmName="drift", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
        self.assertIn("Alarm updated from OK to ALARM", [one["HistorySummary"] for one in history])
        listed = self.calls.list_metrics(Namespace="Scones/Model", MetricName="PredictionPSI", Dimensions=ENDPOINT)["Metrics"]
        self.assertEqual([one["Dimensions"] for one in listed], [ENDPOINT])
        self.assertEqual(self.calls.list_metrics(Namespace="Scones/Model", MetricName="PredictionPsi")["Metrics"], [])
        self.assertEqual(control("violations"), [])

    def test_dimensions_units_and_what_never_had_data(self):
        self.put("Latency", 900, Unit="Microseconds")
        common = {"MetricName": "Latency", "Threshold": 500, "Statistic": "Average"}
        self.alarm("right-unit", **common, Unit="Microseconds")
        self.alarm("wrong-unit", **common, Unit="Milliseconds")
        self.alarm("no-dimensions", **common, Dimensions=[])
        self.alarm("ghost", **{**common, "MetricName": "None"}, TreatMissingData="breaching")
        self.state("right-unit", "ALARM")
        for name in ("wrong-unit", "no-dimensions", "ghost"):
            self.state(name, "INSUFFICIENT_DATA")

    def test_a_state_set_by_hand_stays_until_data_arrives(self):
        self.alarm("by-hand", MetricName="ByHand")
        self.put("ByHand", 0.1)
        self.state("by-hand", "OK")
        self.calls.set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="test")
        until(lambda: False, bool, 2.2)
        self.state("by-hand", "ALARM", 0)
        self.put("ByHand", 0.1)
        self.state("by-hand", "OK")

    def test_m_of_n_and_missing_data(self):
        now = int(time.time() // 60) * 60
        at = lambda minutes: datetime.datetime.fromtimestamp(now - 60 * minutes, datetime.timezone.utc)  # noqa: E731
        for minutes, value in ((3, 1), (2, 0), (1, 1)):
            self.put("Three", value, Timestamp=at(minutes))
        self.put("Old", 1, Timestamp=at(30))
        self.alarm("two-of-three", MetricName="Three", EvaluationPeriods=3, DatapointsToAlarm=2)
        self.alarm("three-of-three", MetricName="Three", EvaluationPeriods=3)
        self.state("two-of-three", "ALARM")
        self.state("three-of-three", "OK")
        for treat, wanted in (("breaching", "ALARM"), ("notBreaching", "OK"), ("missing", "INSUFFICIENT_DATA"), ("ignore", "INSUFFICIENT_DATA")):
            self.alarm("old-" + treat, MetricName="Old", TreatMissingData=treat)
            self.state("old-" + treat, wanted)

    def test_metric_math(self):
        def query(name, metric, **more):
            return {"Id": name, "MetricStat": {"Metric": {"Namespace": "Scones/Model", "MetricName": metric, "Dimensions": ENDPOINT}, "Period": 60, "Stat": "Sum"}, "ReturnData": False, **more}

        metrics = [query("errors", "Errors"), query("calls", "Calls"), {"Id": "rate", "Expression": "IF(calls > 0, 100 * errors / calls, 0)", "Label": "rate", "ReturnData": True}]
        self.calls.put_metric_alarm(AlarmName="rate", Metrics=metrics, EvaluationPeriods=1, Threshold=5, ComparisonOperator="GreaterThanThreshold")
        self.put("Calls", 50)
        self.put("Errors", 1)
        self.assertIn("Threshold Crossed", self.state("rate", "OK")["StateReason"])
        self.put("Errors", 9)
        self.assertIn("[20.0 (", self.state("rate", "ALARM")["StateReason"])
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)
        found = self.calls.get_metric_data(MetricDataQueries=metrics, StartTime=end - datetime.timedelta(minutes=10), EndTime=end)["MetricDataResults"]
        self.assertEqual([(one["Id"], sum(one["Values"])) for one in found], [("rate", 20.0)])

    def test_composites(self):
        queue, topic = self.topic("composite")
        for name in ("one", "two", "mute"):
            self.alarm(name, MetricName=name)
        self.refused("ValidationError", "do not exist", self.calls.put_composite_alarm, AlarmName="c", AlarmRule="ALARM(none)")
        given = {"AlarmName": "c", "AlarmRule": 'ALARM("one") AND NOT ALARM("two")', "AlarmActions": [topic], "AlarmDescription": "d", "ActionsSuppressor": "mute", "ActionsSuppressorWaitPeriod": 0, "ActionsSuppressorExtensionPeriod": 60}
        self.refused("ValidationError", "WaitPeriod", self.calls.put_composite_alarm, AlarmName="c", AlarmRule="ALARM(one)", ActionsSuppressor="mute")
        self.calls.put_composite_alarm(**given, Tags=TAGS)
        found = self.state("c", "OK")
        self.assertEqual({key: found[key] for key in given}, given)
        self.assertEqual(self.calls.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"], TAGS)
        self.assertEqual(self.calls.describe_alarms(AlarmNames=["c"])["CompositeAlarms"], [])
        self.put("one", 1)
        self.state("c", "ALARM")
        self.assertEqual((lambda one: (one["AlarmName"], one["NewStateValue"]))(self.message(queue)), ("c", "ALARM"))
        self.put("two", 1)
        self.state("c", "OK")
        self.put("mute", 1)
        self.state("mute", "ALARM")
        self.calls.set_alarm_state(AlarmName="two", StateValue="OK", StateReason="r")
        self.assertEqual(self.state("c", "ALARM")["ActionsSuppressedBy"], "Alarm")
        self.assertEqual(self.sqs.receive_message(QueueUrl=queue).get("Messages", []), [])
        mapped = client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "scones:app"}], ResourceTypeFilters=["cloudwatch:alarm"])["ResourceTagMappingList"]
        self.assertEqual([one["ResourceARN"] for one in mapped], [found["AlarmArn"]])
        self.refused("ValidationError", "depending on it", self.calls.delete_alarms, AlarmNames=["one"])
        self.calls.delete_alarms(AlarmNames=["c"])


class Dashboards(CloudTest):
    BODY = json.dumps({"widgets": [{"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": {"region": "us-east-1", "metrics": [["Scones/Model", "PredictionPSI"]]}}]})

    def test_life_and_tags(self):
        calls = client("cloudwatch")
        self.assertEqual(calls.put_dashboard(DashboardName="d", DashboardBody=self.BODY).get("DashboardValidationMessages", []), [])
        found = calls.get_dashboard(DashboardName="d")
        self.assertEqual((found["DashboardArn"], found["DashboardBody"]), ("arn:aws:cloudwatch::123456789012:dashboard/d", self.BODY))
        calls.tag_resource(ResourceARN=found["DashboardArn"], Tags=TAGS)
        self.assertEqual(calls.list_tags_for_resource(ResourceARN=found["DashboardArn"])["Tags"], TAGS)
        mapped = client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["cloudwatch:dashboard"])["ResourceTagMappingList"]
        self.assertEqual([one["ResourceARN"] for one in mapped], [found["DashboardArn"]])
        self.assertEqual([one["DashboardName"] for one in calls.list_dashboards(DashboardNamePrefix="d")["DashboardEntries"]], ["d"])
        calls.delete_dashboards(DashboardNames=["d"])
        for call, given in ((calls.get_dashboard, {"DashboardName": "d"}), (calls.delete_dashboards, {"DashboardNames": ["d"]})):
            with self.assertRaises(calls.exceptions.ClientError) as caught:
                call(**given)
            self.assertEqual(caught.exception.response["Error"]["Code"], "ResourceNotFound")
        self.refused("ResourceNotFoundException", "not found", calls.list_tags_for_resource, ResourceARN=found["DashboardArn"])

    def test_bodies_that_are_no_dashboards(self):
        calls = client("cloudwatch")
        widget = json.loads(self.BODY)["widgets"][0]
        for body, path in (("{nope", "/"), ("[]", "/"), ("{}", "/widgets"), ({"widgets": [{**widget, "type": "chart"}]}, "/widgets/0/type"), ({"widgets": [widget, {**widget, "width": 25}]}, "/widgets/1/width"),
                           ({"widgets": [{**widget, "properties": {"metrics": []}}]}, "/widgets/0/properties")):
            response = self.refused("InvalidParameterInput", path, calls.put_dashboard, DashboardName="broken", DashboardBody=body if isinstance(body, str) else json.dumps(body))
            self.assertEqual([one["DataPath"] for one in response["dashboardValidationMessages"]], [path])


class MetricMath(unittest.TestCase):
    GIVEN = {"a": {0: 1.0, 60: 2.0, 120: 3.0}, "b": {0: 2.0, 60: 0.0}}

    def result(self, expression):
        def lookup(name):
            if name not in self.GIVEN:
                raise metric_math.MathError(name)
            return self.GIVEN[name]

        return metric_math.evaluate(expression, lookup, ["a", "b"], [0, 60, 120])

    def test_expressions(self):
        for expression, wanted in {
            "a+b": {0: 3, 60: 2}, "a / b": {0: 0.5}, "1 - a*2": {0: -1, 60: -3, 120: -5}, "-(a)": {0: -1, 60: -2, 120: -3}, "2^3^2": 512, "10-4-3": 3, "MAX(a)": 3, "MAX([a, b])": {0: 2, 60: 2, 120: 3},
            "SUM(METRICS())": {0: 3, 60: 2, 120: 3}, 'SUM(METRICS("a"))': {0: 1, 60: 2, 120: 3}, "FILL(b, 7)": {0: 2, 60: 0, 120: 7}, "FILL(b, REPEAT)": {0: 2, 60: 0, 120: 0}, "IF(a > 1, a, 0)": {0: 0, 60: 2, 120: 3},
            "IF(a > 1 AND b == 0, 9)": {60: 9}, "a >= 2": {0: 0, 60: 1, 120: 1}, "MIN([a,b]) * 100": {0: 100, 60: 0, 120: 300}, "AVG([a,b])": {0: 1.5, 60: 1, 120: 3}, "CEIL(a / 2)": {0: 1, 60: 1, 120: 2},
        }.items():
            self.assertEqual(self.result(expression), wanted, expression)
        for broken in ("a +", "a b", "none", "ANOMALY_DETECTION_BAND(a)", "(a", "1/0", "a $ b"):
            with self.assertRaises(metric_math.MathError, msg=broken):
                self.result(broken)


if __name__ == "__main__":
    unittest.main()

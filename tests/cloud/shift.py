"""Shifts what the endpoint sees, has the drift monitor look, and waits for its alarm: part of the demo.

Sends night pictures of motorcycles alone, where the baseline is of both classes by day. The monitor is asked for the window up to now
rather than by its schedule, which looks at whole hours. The alarm's message is taken from a queue that is subscribed to the topic.
"""

import io
import json
import sys
import time
from datetime import datetime, timedelta, timezone

import boto3
import pictures

PREFIX = "scones-unlimited-local-"
RECORDS = 600  # the monitor wants 200, and the minute that it looks at may hold the pictures of an evaluation too
PATIENCE = 60


def main():
    queue, url, subscription = subscribed()
    runtime = boto3.client("sagemaker-runtime")
    for number in range(RECORDS):
        night = (pictures.draw("motorcycle", 900_000 + number) // 4).astype("uint8")
        file = io.BytesIO()
        pictures.save(file, night)
        runtime.invoke_endpoint(EndpointName=PREFIX + "classifier", ContentType="image/png", Body=file.getvalue())
    print("sent %d night pictures of motorcycles" % RECORDS)
    answer = look()
    psi = {name: round(value, 2) for name, value in answer["psi"].items() if value is not None}
    print("the monitor: %s, %d records, PSI %s" % (answer["verdict"], answer["records"], psi))
    until("the alarm to ring", lambda: alarm_state() == "ALARM")
    print("the alarm %sprediction-drift rings" % PREFIX)
    message = until("the topic to tell", lambda: rung(queue, url))
    print("the topic told: %s" % message["NewStateReason"])
    # What no stack made would be drift.
    boto3.client("sns").unsubscribe(SubscriptionArn=subscription)


def subscribed():
    queue = boto3.client("sqs")
    url = queue.create_queue(QueueName=PREFIX + "demo")["QueueUrl"]
    arn = queue.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    account = arn.split(":")[4]
    topic = "arn:aws:sns:us-east-1:%s:%salarms" % (account, PREFIX)
    subscription = boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    return queue, url, subscription


def look():
    """asks the monitor with the event of its rule, for the window that ends now"""
    rule = boto3.client("events").list_targets_by_rule(Rule=PREFIX + "prediction-drift")
    event = json.loads(rule["Targets"][0]["Input"])
    event["end"] = (datetime.now(timezone.utc) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    event["window_minutes"] = 1
    answer = boto3.client("lambda").invoke(FunctionName=PREFIX + "drift-monitor:live", Payload=json.dumps(event))
    found = json.load(answer["Payload"])
    if "FunctionError" in answer:
        sys.exit("the monitor failed: %s" % found)
    return found["body"]


def alarm_state():
    found = boto3.client("cloudwatch").describe_alarms(AlarmNames=[PREFIX + "prediction-drift"])["MetricAlarms"]
    return found[0]["StateValue"]


def rung(queue, url):
    for message in queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        told = json.loads(json.loads(message["Body"])["Message"])
        if told.get("AlarmName") == PREFIX + "prediction-drift" and told.get("NewStateValue") == "ALARM":
            return told
    return None


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    sys.exit("waited %d s for %s" % (PATIENCE, what))


if __name__ == "__main__":
    main()

"""CloudWatch: alarms answered whole."""

from ministack.services import cloudwatch as svc

from ministack_repairs import around

DROPPED = ("Metrics", "EvaluateLowSampleCountPercentile", "ThresholdMetricId")


@around(svc, "_put_metric_alarm")
def put(original, params, cbor_data, is_cbor, is_json=False):
    """Gap: Metrics (metric math), EvaluateLowSampleCountPercentile and ThresholdMetricId are dropped."""
    response = original(params, cbor_data, is_cbor, is_json)
    if response[0] == 200 and (is_cbor or is_json):
        alarm = svc._alarms[cbor_data["AlarmName"]]
        for member in DROPPED:
            if cbor_data.get(member) is not None:
                alarm[member] = cbor_data[member]
    return response


def as_given(alarm):
    """Gap: members that were never set are answered: an empty description, a Statistic beside ExtendedStatistic, a Period beside Metrics."""
    found = {member: value for member, value in alarm.items() if value is not None}
    if not found.get("AlarmDescription"):
        found.pop("AlarmDescription", None)
    unset = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit") if found.get("Metrics") else ("Statistic",) if found.get("ExtendedStatistic") else ()
    for member in unset:
        found.pop(member, None)
    return found


@around(svc, "_cbor_alarm")
def in_cbor(original, alarm):
    return as_given(original(alarm))


@around(svc, "_json_ok")
def in_json(original, data):
    if isinstance(data, dict) and "MetricAlarms" in data:
        data = {**data, "MetricAlarms": [as_given(alarm) for alarm in data["MetricAlarms"]]}
    return original(data)


@around(svc, "_validate_alarm_tag_arn")
def not_found(original, arn, is_json=False, is_cbor=False):
    """Gap: the tag operations answer ResourceNotFound, which is DescribeAlarms' word; theirs is ResourceNotFoundException."""
    if original(arn, is_json=is_json, is_cbor=is_cbor) is None:
        return None
    return svc._error("ResourceNotFoundException", "Alarm resource %s not found" % arn, 404, use_json=is_json, use_cbor=is_cbor)

"""CloudWatch: alarms answered whole, and metric math in GetMetricData. Their evaluation: alarms.py."""

import time

from ministack.services import cloudwatch as svc

from ministack_repairs import alarms, around, metric_math

DROPPED = ("Metrics", "EvaluateLowSampleCountPercentile", "ThresholdMetricId", "WarmUpConfiguration", "EvaluationWindow", "ActionConfiguration")


@around(svc, "_put_metric_alarm")
def put(original, params, cbor_data, is_cbor, is_json=False):
    """Gap: Metrics (metric math), and all that only few alarms have, is dropped."""
    response = original(params, cbor_data, is_cbor, is_json)
    if response[0] == 200 and (is_cbor or is_json):
        alarms.held.pop(cbor_data["AlarmName"], None)
        alarm = svc._alarms[cbor_data["AlarmName"]]
        for member in DROPPED:
            if cbor_data.get(member) is not None:
                alarm[member] = cbor_data[member]
    return response


SUPPRESSOR = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
KEPT = (*SUPPRESSOR, "ActionConfiguration")


@around(svc, "_put_composite_alarm")
def put_composite(original, params, given, is_cbor, is_json=False):
    """Gap: the alarm that suppresses actions is dropped, and which tags go out with what is told."""
    refused = suppressor_refused(given) if is_cbor or is_json else None
    if refused:
        return svc._error("ValidationError", refused, 400, use_json=is_json, use_cbor=is_cbor)
    response = original(params, given, is_cbor, is_json)
    if response[0] == 200 and (is_cbor or is_json):
        svc._composite_alarms[given["AlarmName"]].update({member: given[member] for member in KEPT if given.get(member) is not None})
    return response


def suppressor_refused(given):
    name = given.get("ActionsSuppressor")
    if not name:
        alone = any(given.get(member) is not None for member in SUPPRESSOR[1:])
        return "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod need an ActionsSuppressor" if alone else None
    if any(given.get(member) is None for member in SUPPRESSOR[1:]):
        return "An ActionsSuppressor needs an ActionsSuppressorWaitPeriod and an ActionsSuppressorExtensionPeriod"
    return None if suppressing(name) else "Could not save the composite alarm as the actions suppressor [%s] does not exist" % name


def suppressing(name):
    name = name.split(":alarm:")[-1]
    return svc._alarms.get(name) or svc._composite_alarms.get(name)


@around(svc, "_dispatch_alarm_actions")
def dispatch(original, alarm, old_state, new_state, reason):
    """Gap: nothing suppresses actions. (Ours looks once: the wait and the extension period are not waited for.)"""
    suppressor = suppressing(alarm["ActionsSuppressor"]) if alarm.get("ActionsSuppressor") else None
    if suppressor and suppressor["StateValue"] == "ALARM":
        alarm.update(ActionsSuppressedBy="Alarm", ActionsSuppressedReason="Actions suppressed by %s" % suppressor["AlarmArn"])
        return
    for member in ("ActionsSuppressedBy", "ActionsSuppressedReason"):
        alarm.pop(member, None)
    original(alarm, old_state, new_state, reason)


@around(svc, "_get_metric_data")
def get_metric_data(original, params, given, is_cbor, is_json=False):
    """Gaps: expressions are not evaluated; ScanBy is ignored, and the oldest comes first."""
    asked = given.get("MetricDataQueries") or [] if is_cbor or is_json else []
    if not asked:
        return original(params, given, is_cbor, is_json)
    first, last = svc._parse_ts(given.get("StartTime")), svc._parse_ts(given.get("EndTime")) or time.time()
    queries, results = alarms.Queries(asked, first, last - 1), []
    for one in asked:
        if one.get("ReturnData") is False:
            continue
        try:
            found = queries.value(one["Id"])
        except metric_math.MathError as error:
            return svc._error("ValidationError", "Error in expression '%s': %s" % (one["Id"], error), 400, use_json=is_json, use_cbor=is_cbor)
        for line in found if isinstance(found, list) else [found if isinstance(found, dict) else {queries.first: found}]:
            rows = sorted(line.items(), reverse=given.get("ScanBy") != "TimestampAscending")
            points = {"Timestamps": [svc._ts_iso(start) for start, _ in rows], "Values": [value for _, value in rows]}
            results.append({"Id": one["Id"], "Label": one.get("Label") or one["Id"], "StatusCode": "Complete", **points})
    if is_cbor:
        return svc._cbor_ok({"MetricDataResults": [svc._cbor_metric_data_result(one) for one in results]})
    return svc._json_ok({"MetricDataResults": results})


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
    """Gaps: dashboards have no tags; the tag operations answer ResourceNotFound, which is DescribeAlarms' word: theirs is ResourceNotFoundException."""
    if original(arn, is_json=is_json, is_cbor=is_cbor) is None or any(one["DashboardArn"] == arn for one in svc._dashboards.values()):
        return None
    return svc._error("ResourceNotFoundException", "Resource %s not found" % arn, 404, use_json=is_json, use_cbor=is_cbor)

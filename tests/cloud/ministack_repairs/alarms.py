"""CloudWatch: alarms evaluated as AWS does, every second.

Gaps: MiniStack takes all dimensions of a metric together, knows neither periods nor "M out of N" nor missing data nor units, evaluates only when
data arrives, and no metric math. Ours looks at whole periods up to the one that runs, so that fresh data counts at once. An alarm on a metric that
never had data is left as it is, and a state set by SetAlarmState stays until data arrives.
"""

import datetime
import json
import threading
import time

import ministack.app as app
from ministack.services import cloudwatch as svc

from ministack_repairs import around, metric_math

EVERY = 1.0  # seconds between two evaluations
MORE = 2  # periods before the evaluated ones that are looked at when some are missing
TESTS = {
    "GreaterThanOrEqualToThreshold": (lambda value, limit: value >= limit, "greater than or equal to"),
    "GreaterThanThreshold": (lambda value, limit: value > limit, "greater than"),
    "LessThanThreshold": (lambda value, limit: value < limit, "less than"),
    "LessThanOrEqualToThreshold": (lambda value, limit: value <= limit, "less than or equal to"),
}
arrived, held = {}, {}  # metric → when it last got data; alarm → when its state was set by hand (both monotonic)


def key_of(given):
    """MiniStack's key of the metric that an alarm or a query names"""
    return given.get("Namespace"), given.get("MetricName"), svc._dims_key(svc._dims_from_list(given.get("Dimensions") or []))


@around(svc, "_store_datum")
def stored(original, namespace, name, dims, *rest):
    arrived[namespace, name, svc._dims_key(dims)] = time.monotonic()
    return original(namespace, name, dims, *rest)


@around(svc, "record_metric")
def recorded(original, namespace, name, value, unit="None", dimensions=None):
    arrived[namespace, name, svc._dims_key(dimensions or {})] = time.monotonic()
    return original(namespace, name, value, unit, dimensions)


@around(svc, "_set_alarm_state")
def set_by_hand(original, params, given, is_cbor, is_json=False):
    held[given.get("AlarmName") or svc._p(params, "AlarmName")] = time.monotonic()
    return original(params, given, is_cbor, is_json)


@around(svc, "reset")
def reset(original):
    arrived.clear()
    held.clear()
    return original()


# ---- data


def series(metric, period, statistic, unit, first, last):
    """→ {start of a period: value}, of the periods from first to last"""
    buckets = {}
    for point in svc._metrics.get(metric) or ():
        start = int(point["Timestamp"] // period) * period
        if first <= start <= last and (unit in (None, "", point["Unit"])):
            buckets.setdefault(start, []).append(point)
    values = {start: svc._stat_value(svc._calc_stats(points), statistic, points) for start, points in buckets.items()}
    return {start: value for start, value in values.items() if value is not None}


class Queries:
    """MetricDataQueries over a range of time"""

    def __init__(self, queries, first, last):
        self.queries = {one["Id"]: one for one in queries}
        self.metrics = [one["Id"] for one in queries if one.get("MetricStat")]
        periods = [(one.get("MetricStat") or one).get("Period") or 0 for one in queries]
        self.period = int(max(periods, default=0) or 60)
        self.first, self.last, self.open = int(first // self.period) * self.period, last, set()

    def value(self, name):
        if name not in self.queries or name in self.open:
            raise metric_math.MathError("%s names no metric or expression that could be had" % name)
        query = self.queries[name]
        stat = query.get("MetricStat")
        if stat:
            return series(key_of(stat["Metric"]), int(stat.get("Period", 60)), stat["Stat"], stat.get("Unit"), self.first, self.last)
        self.open.add(name)
        try:
            times = list(range(self.first, int(self.last) + 1, int(self.period)))
            return metric_math.evaluate(query["Expression"], self.value, self.metrics, times)
        finally:
            self.open.discard(name)


def used(alarm):
    """the metrics that an alarm looks at"""
    if alarm.get("Metrics"):
        return [key_of(one["MetricStat"]["Metric"]) for one in alarm["Metrics"] if one.get("MetricStat")]
    return [key_of(alarm)]


def points(alarm, now):
    """→ ({start of a period: value}, the period) of the last periods, the one that runs included"""
    count = alarm.get("EvaluationPeriods", 1) + MORE
    if not alarm.get("Metrics"):
        period = alarm.get("Period") or 60
        last = int(now // period) * period
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        return series(key_of(alarm), period, statistic, alarm.get("Unit"), last - count * period, last), period
    queries = Queries(alarm["Metrics"], now, now)
    queries.first = int(now // queries.period) * queries.period - count * queries.period
    returned = [one["Id"] for one in alarm["Metrics"] if one.get("ReturnData") is not False]
    found = queries.value(returned[0]) if returned else {}
    return found if isinstance(found, dict) else {int(now // queries.period) * queries.period: found}, queries.period


# ---- states


@around(svc, "_evaluate_alarm")
def evaluate(original, alarm):
    last = max((arrived.get(metric, 0) for metric in used(alarm)), default=0)
    if not last or last < held.get(alarm["AlarmName"], 0) or alarm.get("ComparisonOperator") not in TESTS:
        return
    try:
        found, period = points(alarm, time.time())
    except metric_math.MathError as error:
        return transition(alarm, "INSUFFICIENT_DATA", "Insufficient Data: the local cloud cannot evaluate this: %s" % error, None)
    wanted = alarm.get("EvaluationPeriods", 1)
    recent = sorted(found.items())[-wanted:]
    state = judged(alarm, [value for _, value in recent], wanted)
    if state and state != alarm["StateValue"]:
        data = {"version": "1.0", "period": period, "recentDatapoints": [value for _, value in recent], "threshold": alarm.get("Threshold")}
        transition(alarm, state, reason(alarm, state, recent, wanted), data)


def judged(alarm, values, wanted):
    """the state, or None to keep it; after "Configuring how alarms treat missing data" of the CloudWatch user guide"""
    test, treat = TESTS[alarm["ComparisonOperator"]][0], alarm.get("TreatMissingData") or "missing"
    missing, needed = wanted - len(values), alarm.get("DatapointsToAlarm") or wanted
    breaching = sum(bool(test(value, alarm["Threshold"])) for value in values)
    if treat == "breaching":
        breaching += missing
    elif treat == "missing" and values:
        needed = min(needed, len(values))
    elif not values:
        return {"missing": "INSUFFICIENT_DATA", "notBreaching": "OK"}.get(treat)
    if breaching >= needed:
        return "ALARM"
    return None if treat == "ignore" and missing and breaching else "OK"


def reason(alarm, state, recent, wanted):
    if state == "INSUFFICIENT_DATA":
        return "Insufficient Data: %d datapoint%s unknown." % (wanted, " was" if wanted == 1 else "s were")
    test, words = TESTS[alarm["ComparisonOperator"]]
    named = [(start, value) for start, value in recent if bool(test(value, alarm["Threshold"])) == (state == "ALARM")]
    if not named:
        many, treated = ("period and 1 missing datapoint was" if wanted == 1 else "periods and %d missing datapoints were" % wanted), "Breaching" if state == "ALARM" else "NonBreaching"
        return "Threshold Crossed: no datapoints were received for %d %s treated as [%s]." % (wanted, many, treated)
    at = lambda start: datetime.datetime.fromtimestamp(start, datetime.timezone.utc).strftime("%d/%m/%y %H:%M:%S")  # noqa: E731
    shown = ", ".join("%s (%s)" % (value, at(start)) for start, value in named)
    needed = alarm.get("DatapointsToAlarm") or wanted
    change = "OK -> ALARM" if state == "ALARM" else "ALARM -> OK"
    return "Threshold Crossed: %d out of the last %d datapoints [%s] %s %s the threshold (%s) (minimum %d datapoint%s for %s transition)." % (
        len(named), wanted, shown, ("was" if len(named) == 1 else "were") + ("" if state == "ALARM" else " not"), words, alarm["Threshold"], needed, "s" * (needed > 1), change
    )


def transition(alarm, state, text, data):
    old = alarm["StateValue"]
    if old == state:
        return
    now = int(time.time())
    alarm.update(StateValue=state, StateReason=text, StateUpdatedTimestamp=now, StateTransitionedTimestamp=now)
    if data:
        alarm["StateReasonData"] = json.dumps(data)
    svc._record_history(alarm["AlarmName"], old, state, text, reason_data=data)
    svc._dispatch_alarm_actions(alarm, old, state, text)
    svc._evaluate_parent_alarms(alarm)


def tick():
    """on the server's own loop, where requests are handled too: nothing else changes alarms meanwhile"""
    while True:
        time.sleep(EVERY)
        loop = app._MAIN_LOOP
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(svc._evaluate_all_alarms)


@around(svc, "_evaluate_all_alarms")
def evaluate_all(original):
    for alarm in list(svc._alarms.values()):
        try:
            svc._evaluate_alarm(alarm)
        except Exception:  # one alarm shall not keep the others from ringing
            svc.logger.exception("alarm %s", alarm["AlarmName"])


threading.Thread(target=tick, daemon=True).start()

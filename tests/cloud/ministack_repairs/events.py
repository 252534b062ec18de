"""EventBridge rules and schedules: kept as AWS keeps them, fired within a second of their time, and only where they may.

Gaps: an updated rule keeps what the request leaves out; rules with targets are deleted; rates of zero and wrong plurals, rules without trigger and
targets with broken input are accepted; targets of missing rules are listed; nobody asks whether a function lets EventBridge call it, or a role.
"""

import fnmatch
import json
import re

from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import eventbridge as svc
from ministack.services import lambda_svc, scheduler

from ministack_repairs import around, trusts

svc._SCHEDULER_TICK_INTERVAL = scheduler._SCHEDULE_TICK_INTERVAL = 1  # second
MOST_TARGETS = 5
LONG_AGO = 400 * 86400  # seconds: every cron expression has a date in so many
RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?!0*1 )0*[1-9]\d* (?:minutes|hours|days))\)")


def refused(text, code="ValidationException"):
    return error_response_json(code, text, 400)


@around(svc, "_put_rule")
def put_rule(original, data):
    schedule = data.get("ScheduleExpression")
    if not schedule and not data.get("EventPattern"):
        return refused("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if schedule and schedule.startswith("rate(") and not RATE.fullmatch(schedule):
        return refused("Parameter ScheduleExpression is not valid.")
    bus = data.get("EventBusName", "default")
    existing = svc._rules.get(svc._rule_key(data.get("Name"), bus))
    if existing:  # replaced whole; tags only count at creation
        data = {"State": "ENABLED", "Description": "", "RoleArn": "", **{key: value for key, value in data.items() if key != "Tags"}}
    return original(data)


def missing(data, member):
    """the answer for a rule that does not exist, or None"""
    bus = data.get("EventBusName", "default")
    if svc._rule_key(data.get(member), bus) in svc._rules:
        return None
    return refused("Rule %s does not exist on EventBus %s." % (data.get(member), bus), "ResourceNotFoundException")


def known_only(name, member):
    around(svc, name)(lambda original, data: missing(data, member) or original(data))


for operation in ("_describe_rule", "_enable_rule", "_disable_rule"):
    known_only(operation, "Name")
for operation in ("_remove_targets", "_list_targets_by_rule"):
    known_only(operation, "Rule")


@around(svc, "_delete_rule")
def delete_rule(original, data):
    key = svc._rule_key(data.get("Name"), data.get("EventBusName", "default"))
    if svc._targets.get(key):
        return refused("Rule can't be deleted since it has targets.")
    return original(data)


@around(svc, "_put_targets")
def put_targets(original, data):
    wrong = missing(data, "Rule")
    if wrong:
        return wrong
    given = data.get("Targets") or []
    for target in given:
        if sum(bool(target.get(member)) for member in ("Input", "InputPath", "InputTransformer")) > 1:
            return refused("Only one of Input, InputPath, or InputTransformer must be provided for target %s." % target["Id"])
        if target.get("Input"):
            try:
                json.loads(target["Input"])
            except ValueError:
                return refused("JSON syntax error in input for target %s." % target["Id"])
        if ":states:" in target.get("Arn", "") and not target.get("RoleArn"):
            return refused("RoleArn is required for target %s." % target["Arn"])
    key = svc._rule_key(data["Rule"], data.get("EventBusName", "default"))
    if len({one["Id"] for one in (svc._targets.get(key) or []) + given}) > MOST_TARGETS:
        return refused("The requested resource exceeds the maximum number allowed.", "LimitExceededException")
    return original(data)


# ---- firing


@around(svc, "_invoke_target")
def invoke(original, target, event, rule, view=None):
    if may_invoke(target, rule):
        return original(target, event, rule, view)
    svc.logger.warning("%s may not invoke %s", rule.get("Arn"), target.get("Arn"))
    return None


def may_invoke(target, rule):
    """functions are called by their own leave, all else, and everything from a schedule, by a role"""
    arn, by_schedule = target.get("Arn", ""), ":scheduler:" in rule.get("Arn", "")
    if by_schedule or ":states:" in arn:
        return trusts(target.get("RoleArn") or "", "scheduler.amazonaws.com" if by_schedule else "events.amazonaws.com")
    return permitted(arn, rule.get("Arn", "")) if ":lambda:" in arn else True


def permitted(function, source):
    # A version's record has the policy of the time it was published; the function's has the statements of all qualifiers.
    record, _, name = lambda_svc._get_base_func_record_for_ref(function)
    for statement in ((record or {}).get("policy") or {}).get("Statement") or ():
        principal = statement.get("Principal")
        conditions = [pair for operator in ("ArnLike", "ArnEquals", "StringEquals", "StringLike") for pair in ((statement.get("Condition") or {}).get(operator) or {}).items()]
        wanted = [value for key, value in conditions if key.lower() == "aws:sourcearn"]
        if (
            statement.get("Effect") == "Allow"
            and statement.get("Resource") == function
            and (principal == "*" or isinstance(principal, dict) and principal.get("Service") == "events.amazonaws.com")
            and all(fnmatch.fnmatchcase(source, pattern) for pattern in wanted)
        ):
            return True
    return False


def fire(given):
    """?rule=NAME[&bus=BUS] or ?schedule=[GROUP/]NAME: now, as if it were due → what was fired"""
    name = given.get("rule") or given.get("schedule")
    if given.get("rule"):
        key = svc._rule_key(name, given.get("bus") or "default")
        kept, fired, tick = svc._rules.get(key), svc._rule_last_fired, svc._tick_scheduled_rules
    else:
        key = name if name and "/" in name else "default/%s" % name
        kept, fired, tick = scheduler._schedules.get(key), scheduler._schedule_last_fired, scheduler._tick_schedules
    schedule = (kept or {}).get("ScheduleExpression", "")
    if kept is None or kept.get("State") != "ENABLED" or not schedule.startswith(("rate(", "cron(")):
        return {"error": "no enabled rule or schedule %s with a rate or a cron expression" % name}
    fired[get_account_id(), get_region(), key] = svc._now_ts() - LONG_AGO
    tick()
    return {"fired": kept["Arn"]}

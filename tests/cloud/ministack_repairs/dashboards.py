"""CloudWatch dashboards: their bodies are looked at, and they take tags.

Gap: MiniStack keeps any text. AWS refuses a body that is no dashboard with DashboardInvalidInputError (code InvalidParameterInput), and names the
places in its DashboardValidationMessages; the sentences are ours.
"""

import json

import cbor2
from ministack.services import cloudwatch as svc

from ministack_repairs import around

MOST_WIDGETS, COLUMNS, ROWS = 500, 24, 1000
NEEDS = {"metric": ("region",), "text": ("markdown",), "log": ("region", "query"), "alarm": ("alarms",), "explorer": (), "custom": ("endpoint",)}


@around(svc, "_put_dashboard")
def put(original, params, given, is_cbor, is_json=False):
    body = given.get("DashboardBody") if is_cbor or is_json else svc._p(params, "DashboardBody")
    wrong = problems(body)
    if wrong:
        return refused(wrong, is_cbor, is_json)
    response = original(params, given, is_cbor, is_json)
    if response[0] == 200 and given.get("Tags"):
        arn = svc._dashboards[given["DashboardName"]]["DashboardArn"]
        svc._resource_tags.setdefault(arn, {tag["Key"]: tag["Value"] for tag in given["Tags"]})  # those of an existing one stay
    return response


@around(svc, "_list_dashboards")
def listed(original, params, given, is_cbor, is_json=False):
    """Gap: in CBOR the times are texts, which no SDK reads."""
    response = original(params, given, is_cbor, is_json)
    if not is_cbor or response[0] != 200:
        return response
    status, headers, body = response
    answer = cbor2.loads(body)
    for entry in answer["DashboardEntries"]:
        entry["LastModified"] = svc._cbor_timestamp(entry["LastModified"])
    return status, {key: value for key, value in headers.items() if key.lower() != "content-length"}, cbor2.dumps(answer)


def problems(text):
    """→ [(path, sentence)]"""
    try:
        body = json.loads(text or "")
    except ValueError:
        return [("/", "The field DashboardBody must be a valid JSON object")]
    if not isinstance(body, dict):
        return [("/", "The field DashboardBody must be a valid JSON object")]
    widgets = body.get("widgets")
    if not isinstance(widgets, list):
        return [("/widgets", "Should be an array")]
    found = [("/widgets", "Should have at most %d items" % MOST_WIDGETS)] if len(widgets) > MOST_WIDGETS else []
    for number, one in enumerate(widgets):
        widget("/widgets/%d" % number, one, found)
    return found


def widget(path, given, found):
    if not isinstance(given, dict):
        found.append((path, "Should be an object"))
        return
    if given.get("type") not in NEEDS:
        found.append((path + "/type", "Should be equal to one of the allowed values: %s" % ", ".join(NEEDS)))
        return
    for member, low, high in (("x", 0, COLUMNS - 1), ("y", 0, None), ("width", 1, COLUMNS), ("height", 1, ROWS)):
        value = given.get(member, low)
        if isinstance(value, bool) or not isinstance(value, int) or value < low or high is not None and value > high:
            found.append(("%s/%s" % (path, member), "Should be an integer %s" % ("from %d to %d" % (low, high) if high is not None else "of at least %d" % low)))
    properties = given.get("properties")
    if not isinstance(properties, dict):
        found.append((path, "Should have required property 'properties'"))
        return
    found.extend((path + "/properties", "Should have required property '%s'" % name) for name in NEEDS[given["type"]] if name not in properties)
    if given["type"] == "metric" and not any(name in properties for name in ("metrics", "annotations")):
        found.append((path + "/properties", "Should have required property 'metrics'"))


def refused(wrong, is_cbor, is_json):
    message = "The dashboard body is invalid, there are %d validation errors: [ %s ]" % (len(wrong), ", ".join('{"dataPath": "%s", "message": "%s"}' % one for one in wrong))
    status, headers, body = svc._error("InvalidParameterInput", message, 400, use_json=is_json, use_cbor=is_cbor)
    rows = [{"DataPath": path, "Message": sentence} for path, sentence in wrong]
    if is_cbor or is_json:
        return named((status, headers, body), "DashboardInvalidInputError", is_cbor, dashboardValidationMessages=rows)
    return status, headers, body


def named(response, name, is_cbor, **more):
    """CBOR and JSON tell an exception by its own name, and the code of the old query protocol in a header"""
    status, headers, body = response
    answer = cbor2.loads(body) if is_cbor else json.loads(body)
    headers = {key: value for key, value in headers.items() if key != "x-amzn-errortype"}
    code, answer = answer["__type"], {**answer, "__type": name, **more}
    return status, {**headers, "x-amzn-query-error": code + ";Sender"}, cbor2.dumps(answer) if is_cbor else json.dumps(answer).encode()


def not_found(original, params, given, is_cbor, is_json=False):
    """Gap: each operation has another name for a dashboard that is not there, and none of them AWS's."""
    response = original(params, given, is_cbor, is_json)
    if response[0] != 404 or not (is_cbor or is_json):
        return response
    name = given.get("DashboardName") or ", ".join(given.get("DashboardNames") or ())
    return named(svc._error("ResourceNotFound", "Dashboard %s does not exist" % name, 404, use_json=is_json, use_cbor=is_cbor), "DashboardNotFoundError", is_cbor)


around(svc, "_get_dashboard")(not_found)
around(svc, "_delete_dashboards")(not_found)

"""CloudWatch's old protocol (query, XML), which Terraform speaks: translated to the JSON that MiniStack answers whole, and back."""

import json
import urllib.parse
from datetime import datetime, timezone
from xml.sax.saxutils import escape

import wire
from ministack.services import cloudwatch as svc

from ministack_repairs import around


@around(svc, "handle_request")
async def in_json(original, method, path, headers, body, query_params):
    """Gap: in XML, alarms are stored and answered without dimensions, actions, statistic and period."""
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded") or headers.get("x-amz-target"):
        return await original(method, path, headers, body, query_params)
    fields = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    action = fields.get("Action", "")
    model = wire.model("cloudwatch")
    if action not in model.operation_names:
        return await original(method, path, headers, body, query_params)
    operation = model.operation_model(action)
    given = wire.from_query(operation.input_shape, fields, "") if operation.input_shape else {}
    asked = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "GraniteServiceVersion20100801." + action}
    status, _, answer = await original("POST", "/", asked, json.dumps(given).encode(), {})
    found = json.loads(answer or b"{}")
    if status >= 300:
        code = str(found.get("__type", "InternalFailure")).rsplit("#", 1)[-1]
        return svc._error(code, found.get("message") or found.get("Message") or code, status)
    inner = members(operation.output_shape, found) if operation.output_shape else ""
    return svc._xml(200, action + "Response", "<%sResult>%s</%sResult>" % (action, inner, action))


def members(shape, value):
    return "".join(element(name, member, value[name]) for name, member in shape.members.items() if value.get(name) is not None)


def element(name, shape, value):
    if shape.type_name == "structure":
        text = members(shape, value)
    elif shape.type_name == "list":
        text = "".join(element("member", shape.member, one) for one in value)
    elif shape.type_name == "boolean":
        text = "true" if value else "false"
    elif shape.type_name == "timestamp" and isinstance(value, (int, float)):
        text = datetime.fromtimestamp(value, timezone.utc).isoformat().replace("+00:00", "Z")
    else:
        text = escape(str(value))
    return "<%s>%s</%s>" % (name, text, name)

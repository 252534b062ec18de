"""The gateway's own interface, below /__cloud__/ (no bucket can be called that): JSON in, JSON out.

GET  health                    {token, region, account}
GET  violations                [{operation, violation, user_agent}]
GET  requests                  [{service, operation, start, end, status, user_agent}] since the last reset, in order of arrival
GET  cost?user_agent=TEXT      {requests, chain, by_operation} of the requests whose User-Agent contains TEXT
POST reset-log                 forgets violations and requests
POST reset                     empties both emulators, the faults and the logs, and uploads the model artifact again
POST seed                      uploads the model artifact
POST fire?rule=NAME            fires a scheduled EventBridge rule now; fire?schedule=GROUP/NAME an EventBridge Scheduler's schedule
POST execution?schedule=NAME&status=STATUS[&reason=TEXT]   an execution of a monitoring schedule begins, or the running one gets another status
POST bake?endpoint=NAME&do=hold    the bakes of an endpoint's deployment, one to come too, do not end until do=release
POST account                   {account, url}: another cloud is another account; who assumes a role of it is led there (accounts.py)
GET  faults                    what is planted, with the times left
POST faults                    [{service, operation, times, kind, delay_ms?}] replaces what is planted; [] clears (faults.py)
"""

import json

import accounts
from aiohttp import web

PREFIX = "/__cloud__/"
BUCKET, KEY = "scones-local-models", "classifier/model.tar.gz"
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=00"}


async def handle(gateway, request):
    name = request.path[len(PREFIX):]
    action = ACTIONS.get((request.method, name))
    if action is None:
        return reply({"error": "no such control: %s %s" % (request.method, request.path), "controls": sorted("%s %s" % key for key in ACTIONS)}, 404)
    try:
        return reply(await action(gateway, request))
    except ValueError as error:
        return reply({"error": str(error)}, 400)
    except Exception as error:
        return reply({"error": "%s: %s" % (type(error).__name__, error)}, 502)


def reply(value, status=200):
    return web.Response(status=status, body=json.dumps(value).encode() + b"\n", content_type="application/json")


async def health(gateway, request):
    return {"token": gateway.token, "region": "us-east-1", "account": accounts.ACCOUNT}


async def violations(gateway, request):
    return gateway.ledger.violations


async def requests(gateway, request):
    return gateway.ledger.requests


async def cost(gateway, request):
    return gateway.ledger.cost(request.query.get("user_agent", ""))


async def reset_log(gateway, request):
    gateway.ledger.clear()
    return {}


async def reset(gateway, request):
    gateway.faults.plant([])
    gateway.trail.clear()
    for upstream, path in (("sagemaker", "/moto-api/reset"), ("ministack", "/_ministack/reset"), ("model", "/__local__/reset")):
        async with gateway.client.post(gateway.upstreams[upstream] + path) as answer:
            answer.raise_for_status()
    await seed(gateway, request)
    gateway.ledger.clear()
    return {}


async def seed(gateway, request):
    """the artifact that the classifier's models name; straight to MiniStack, for it is nobody's request"""
    base = "%s/%s" % (gateway.upstreams["ministack"], BUCKET)
    headers = {"Authorization": SIGNED["Authorization"] % "s3"}
    for url, data in ((base, None), ("%s/%s" % (base, KEY), (gateway.folder / "model.tar.gz").read_bytes())):
        async with gateway.client.put(url, data=data, headers=headers) as answer:
            if answer.status not in (200, 409):
                raise RuntimeError("PUT %s answered %d: %s" % (url, answer.status, (await answer.text())[:500]))
    return {"artifact": "s3://%s/%s" % (BUCKET, KEY)}


async def fire(gateway, request):
    headers = {"Authorization": SIGNED["Authorization"] % "events"}
    async with gateway.client.get(gateway.upstreams["ministack"] + "/__local__/fire", params=request.query, headers=headers) as answer:
        answer.raise_for_status()
        found = json.loads(await answer.read())
    if "error" in found:
        raise ValueError(found["error"])
    return found


async def execution(gateway, request):
    return await asked(gateway, "execution", request)


async def bake(gateway, request):
    return await asked(gateway, "bake", request)


async def asked(gateway, page, request):
    """what a page of SageMaker's control plane does"""
    async with gateway.client.post(gateway.upstreams["sagemaker"] + "/__local__/" + page, params=request.query) as answer:
        found = json.loads(await answer.read())
    if answer.status != 200:
        raise ValueError(found["message"])
    return found


async def account(gateway, request):
    given = json.loads(await request.read() or b"{}")
    gateway.others.add(given.get("account", ""), given.get("url", ""))
    return gateway.others.gateways


async def planted(gateway, request):
    return gateway.faults.planted


async def plant(gateway, request):
    rows = json.loads(await request.read() or b"[]")
    if not isinstance(rows, list):
        raise ValueError("a list of faults is wanted")
    gateway.faults.plant(rows)
    return gateway.faults.planted


ACTIONS = {
    ("GET", "health"): health,
    ("GET", "violations"): violations,
    ("GET", "requests"): requests,
    ("GET", "cost"): cost,
    ("POST", "reset-log"): reset_log,
    ("POST", "reset"): reset,
    ("POST", "seed"): seed,
    ("POST", "fire"): fire,
    ("POST", "execution"): execution,
    ("POST", "bake"): bake,
    ("POST", "account"): account,
    ("GET", "faults"): planted,
    ("POST", "faults"): plant,
}

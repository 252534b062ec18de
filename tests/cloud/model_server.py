"""Answers InvokeEndpoint with a real model: the artifact that the live endpoint's model names, run by classifier.py.

What is live is asked of the SageMaker control plane for every request; the variant is drawn by weight; data capture goes to S3 as the live
configuration says, in AWS's format. A container here is always the classifier, whatever image the model names.
"""

import argparse
import asyncio
import base64
import datetime
import json
import random
import signal
import sys
import urllib.parse
import uuid

import accounts
import aiohttp
import classifier
from aiohttp import web

ACCOUNT = accounts.ACCOUNT
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00"}
LARGEST = 25 * 1024 * 1024  # what SageMaker takes


class Refused(Exception):
    """an error in SageMaker's shape"""

    def __init__(self, status, code, message, **more):
        super().__init__(message)
        self.status, self.code, self.body = status, code, {"Message" if code == "ModelError" else "message": message, **more}


def model_error(status, message):
    return Refused(424, "ModelError", 'Received client error (%d) from primary with message "%s".' % (status, message), OriginalStatusCode=status, OriginalMessage=message)


class Server:
    def __init__(self, sagemaker, s3):
        self.sagemaker, self.s3 = sagemaker, s3
        self.loaded = {}  # artifact's address → (ETag, classifier)
        self.client = None

    async def handle(self, request):
        parts = request.path.strip("/").split("/")
        if parts[0] == "__local__":
            if parts[-1] == "reset":
                self.loaded.clear()
            return web.json_response({})
        if request.method != "POST" or len(parts) != 3 or parts[0] != "endpoints" or parts[2] != "invocations":
            return self.refuse(Refused(404, "UnknownOperationException", "The local model server answers InvokeEndpoint only"))
        try:
            return await self.invoke(urllib.parse.unquote(parts[1]), request, await request.content.read())
        except Refused as refused:
            return self.refuse(refused)

    @staticmethod
    def refuse(refused):
        headers = {"x-amzn-ErrorType": refused.code, "x-amzn-requestid": str(uuid.uuid4())}
        return web.json_response(refused.body, status=refused.status, headers=headers)

    async def invoke(self, endpoint, request, body):
        live = await self.live(endpoint)
        if len(body) > LARGEST:
            raise Refused(413, "ValidationError", "Request body of %d bytes exceeds the limit of %d" % (len(body), LARGEST))
        variant = self.choose(live["variants"], request.headers.get("X-Amzn-SageMaker-Target-Variant"))
        model = await self.model(variant["artifact"])
        kind = request.headers.get("Content-Type", "")
        if not kind.startswith("image/") and kind != "application/x-image":
            raise model_error(415, "Content type %s is not supported: send image/png" % (kind or "(none)"))
        try:
            picture = classifier.decode(body)
        except Exception:  # whatever a decoder may raise on bytes from outside
            raise model_error(400, "Unable to decode the payload as an image") from None
        answer = json.dumps(model(picture))
        event = str(uuid.uuid4())
        await self.capture(endpoint, variant["name"], live.get("capture"), event, kind, body, answer)
        headers = {"x-Amzn-Invoked-Production-Variant": variant["name"], "x-amzn-requestid": event}
        if "X-Amzn-SageMaker-Custom-Attributes" in request.headers:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = request.headers["X-Amzn-SageMaker-Custom-Attributes"]
        return web.Response(text=answer, content_type="application/json", headers=headers)

    async def live(self, endpoint):
        async with self.client.get("%s/__local__/endpoint/%s" % (self.sagemaker, urllib.parse.quote(endpoint))) as answer:
            live = await answer.json()
        if live is None or live["status"] in ("Creating", "Failed", "Deleting"):
            raise Refused(400, "ValidationError", "Endpoint %s of account %s not found." % (endpoint, ACCOUNT))
        return live

    @staticmethod
    def choose(variants, wanted):
        if wanted:
            # Two of one name while a deployment shifts the traffic; one that is asked for by name serves at weight 0 too.
            fitting = [variant for variant in variants if variant["name"] == wanted]
            if not fitting:
                raise Refused(400, "ValidationError", "Variant %s not found for Request" % wanted)
            return random.choices(fitting, [variant["weight"] or 1e-9 for variant in fitting])[0]
        weights = [variant["weight"] for variant in variants]
        if not any(weights):
            raise Refused(400, "ValidationError", "No production variant takes traffic: all weights are 0")
        return random.choices(variants, weights)[0]

    async def model(self, address):
        """the classifier in an artifact; read again only when the object has changed"""
        if not address:
            raise model_error(500, "The model names no artifact")
        where = urllib.parse.urlsplit(address)
        tag, model = self.loaded.get(address, (None, None))
        headers = {**SIGNED, **({"If-None-Match": tag} if tag else {})}
        async with self.client.get("%s/%s%s" % (self.s3, where.netloc, where.path), headers=headers) as answer:
            if answer.status == 304:
                return model
            data = await answer.read()
            if answer.status != 200:
                raise model_error(500, "Cannot load %s: status %d" % (address, answer.status))
        try:
            model = classifier.load(data)
        except Exception as error:
            raise model_error(500, "%s holds no model of the local classifier: %s: %s" % (address, type(error).__name__, error)) from None
        self.loaded[address] = (answer.headers.get("ETag"), model)
        return model

    async def capture(self, endpoint, variant, config, event, kind, body, answer):
        if not config or not config.get("EnableCapture") or random.random() * 100 >= config["InitialSamplingPercentage"]:
            return
        modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        header = config.get("CaptureContentTypeHeader") or {}
        record = {"captureData": {}, "eventMetadata": {"eventId": event}, "eventVersion": "0"}
        if modes & {"Input", "InputAndOutput"}:
            record["captureData"]["endpointInput"] = captured(header, kind, "INPUT", body)
        if modes & {"Output", "InputAndOutput"}:
            record["captureData"]["endpointOutput"] = captured(header, "application/json", "OUTPUT", answer.encode())
        now = datetime.datetime.now(datetime.timezone.utc)
        record["eventMetadata"]["inferenceTime"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        where = urllib.parse.urlsplit(config["DestinationS3Uri"])
        name = now.strftime("%Y/%m/%d/%H/%M-%S-") + "%03d-%s.jsonl" % (now.microsecond // 1000, uuid.uuid4())
        key = "/".join(part for part in (where.path.strip("/"), endpoint, variant, name) if part)
        async with self.client.put("%s/%s/%s" % (self.s3, where.netloc, urllib.parse.quote(key)), data=json.dumps(record).encode() + b"\n", headers=SIGNED) as stored:
            if stored.status != 200:  # as on AWS, the caller hears nothing of it
                print("data capture to %s failed with status %d" % (config["DestinationS3Uri"], stored.status), file=sys.stderr, flush=True)


def captured(header, kind, mode, data):
    """JSON and CSV are written as text only where CaptureContentTypeHeader lists their content type; all else is BASE64"""
    kind = kind.partition(";")[0].strip()
    for member, encoding in (("JsonContentTypes", "JSON"), ("CsvContentTypes", "CSV")):
        if kind in (header.get(member) or ()):
            return {"observedContentType": kind, "mode": mode, "data": data.decode(), "encoding": encoding}
    return {"observedContentType": kind, "mode": mode, "data": base64.b64encode(data).decode(), "encoding": "BASE64"}


async def main(given):
    server = Server(given.sagemaker, given.s3)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=20)
    async with aiohttp.ClientSession(connector=connector, skip_auto_headers=("Content-Type",)) as server.client:
        runner = web.ServerRunner(web.Server(server.handle, access_log=None, keepalive_timeout=300), handle_signals=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", given.port).start()
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await stopped.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sagemaker", required=True, metavar="URL")
    parser.add_argument("--s3", required=True, metavar="URL")
    sys.exit(asyncio.run(main(parser.parse_args())))

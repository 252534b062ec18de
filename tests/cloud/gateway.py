"""The one loopback server that every client talks to: routes, checks, counts, and plants faults.

Routing is by the service that a request is signed for: sagemaker and application-autoscaling → moto, sagemaker-runtime → the model server,
tagging → tagging.py (which merges both emulators), CloudTrail's history → trail.py, all else, and what is not signed → MiniStack. Requests
pass unchanged, those of other accounts to the clouds that are these (accounts.py); the checks only report (`GET /__cloud__/violations`), and run while the emulator works, so they cost little time. Control:
control.py.
"""

import argparse
import asyncio
import signal
import sys
import time
import uuid
from pathlib import Path

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

import accounts
import authorize
import checker
import control
import faults
import ledger
import tagging
import trail
import wire

HOP = frozenset(("connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade", "expect", "content-length"))
PRELOADED = ("sts", "iam", "s3", "lambda", "states", "logs", "cloudwatch", "cloudformation", "sagemaker", "sagemaker-runtime", "tagging")
LONGEST = 1000  # seconds that a request may take: Lambda functions run up to 900


class Gateway:
    def __init__(self, options):
        self.upstreams = {"ministack": options.ministack, "sagemaker": options.sagemaker, "model": options.model}
        self.folder, self.token, self.enforces = options.dir, options.token, options.enforce
        self.ledger, self.faults, self.trail = ledger.Ledger(), faults.Faults(), trail.Trail()
        self.others = accounts.Others()
        self.client = None

    async def open(self):
        # MiniStack closes idle connections after 75 s; dropping ours well before means never to write into a closing one.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=20, ttl_dns_cache=None)
        self.client = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=LONGEST),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def close(self):
        await self.client.close()

    async def handle(self, request):
        began = time.monotonic()
        if request.path.startswith(control.PREFIX):
            return await control.handle(self, request)
        if request.headers.get("Expect", "").lower() == "100-continue":  # aiohttp's plain server leaves this to us, and SDKs wait for it
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await request.content.read()  # not request.read(), which stops at 1 MiB
        service = wire.service_of(request.headers, request.path)
        if service is None:  # presigned addresses, downloads, the emulators' own pages
            return await self.forward(request, self.upstreams["ministack"], body)
        other = self.others.gateway(service, request.headers, body)
        if other is not None:
            answer = await self.forward(request, other, body)
            self.others.learn(other, body, answer.body or b"")
            return answer
        row = {"service": service, "operation": "", "start": began, "end": 0.0, "status": 0, "user_agent": request.headers.get("User-Agent", "")}
        self.ledger.requests.append(row)
        answer = None
        if self.faults.planted:
            row["operation"], given, violations = checker.inspect(service, request.method, request.raw_path, request.headers, body)
            task = self.faulty(request, service, row["operation"], body)
        else:
            task = asyncio.ensure_future(self.serve(request, service, body))
            await asyncio.sleep(0)  # the request leaves first, the check runs while the emulator works
            await asyncio.sleep(0)
            row["operation"], given, violations = checker.inspect(service, request.method, request.raw_path, request.headers, body)
        for text in violations:
            self.ledger.violations.append({"operation": "%s:%s" % (service, row["operation"]), "violation": text, "user_agent": row["user_agent"]})
        try:
            answer = await task
            row["status"] = answer.status if answer is not None else 0
        finally:
            row["end"] = time.monotonic()
        if answer is None:
            request.transport.abort()
            return web.Response(status=500)
        self.trail.record(service, row["operation"], given, request.headers, request.remote, answer.status, answer.body)
        return answer

    async def faulty(self, request, service, operation, body):
        """→ the answer, or None to drop the connection"""
        delay, fault = self.faults.take(service, operation, request.headers.get("User-Agent", ""))
        if delay:
            await asyncio.sleep(delay["delay_ms"] / 1000)
        if fault is None:
            return await self.serve(request, service, body)
        if fault["kind"] == "reset":
            return None
        if fault["kind"] == "lost_response":
            await self.serve(request, service, body)
            return None
        status, headers, data = faults.answer(fault["kind"], service, operation, request.headers, request.path)
        return web.Response(status=status, headers=headers, body=b"" if request.method == "HEAD" else data)

    async def serve(self, request, service, body):
        if self.enforces:
            denied = await authorize.refusal(self, service, request.method, request.raw_path, request.headers, body)
            if denied is not None:
                return web.Response(status=denied[0], headers=denied[1], body=denied[2])
        if service == "tagging":
            answer = await tagging.handle(self, request.headers, body)
            if answer is not None:
                return web.Response(status=answer[0], headers=answer[1], body=answer[2])
        if service == "cloudtrail":
            answer = trail.handle(self, request.headers, body)
            if answer is not None:
                return web.Response(status=answer[0], headers=answer[1], body=answer[2])
        upstream = {"sagemaker": "sagemaker", "application-autoscaling": "sagemaker", "sagemaker-runtime": "model"}.get(service, "ministack")
        return await self.forward(request, self.upstreams[upstream], body)

    async def forward(self, request, base, body):
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in HOP)
        url = URL(base + request.raw_path, encoded=True)
        try:
            async with self.client.request(request.method, url, headers=headers, data=body or None, allow_redirects=False) as answer:
                data = await answer.read()
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            return web.Response(status=502, text="%s, of the local cloud, does not answer: %s: %s\n" % (base, type(error).__name__, error))
        back = CIMultiDict((name, value) for name, value in answer.headers.items() if name.lower() not in HOP)
        if "x-amzn-requestid" not in back and "x-amz-request-id" not in back:
            back["x-amzn-requestid"] = str(uuid.uuid4())
        if request.method == "HEAD" and "Content-Length" in answer.headers:
            back["Content-Length"] = answer.headers["Content-Length"]
        return web.Response(status=answer.status, headers=back, body=data)


def options(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    for name in ("ministack", "sagemaker", "model"):
        parser.add_argument("--" + name, required=True, metavar="URL")
    parser.add_argument("--dir", type=Path, required=True, help="the cloud's folder: model.tar.gz is kept there")
    parser.add_argument("--enforce", action="store_true", help="whether MiniStack enforces permissions; then it is asked about all others too")
    parser.add_argument("--token", default="", help="what /__cloud__/health answers, so that the launcher knows its own gateway")
    return parser.parse_args(argv)


async def main(given):
    for service in PRELOADED:
        wire.model(service)
    gateway = Gateway(given)
    await gateway.open()
    runner = web.ServerRunner(web.Server(gateway.handle, access_log=None, keepalive_timeout=300), handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", given.port, backlog=512).start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await gateway.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(options())))

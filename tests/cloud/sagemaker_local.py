"""SageMaker's control plane and Application Auto Scaling on loopback: moto, with the kinds that the deployer manages written anew (local_sagemaker/).

What is not in local_sagemaker/ is moto's. The kinds there and all tags are ours, because moto drops members it does not know, has no states and
no UpdateEndpoint, accepts duplicates, and computes nothing.

    python sagemaker_local.py --port PORT        SCONES_LOCAL_MINISTACK=URL   where artifacts, data and alarms are looked up
                                                 SCONES_LOCAL_PYTHON=PATH     what runs the jobs' scripts: a Python with numpy and Pillow
                                                 SCONES_LOCAL_SETTLE=SECONDS  how long an endpoint is Creating or Updating (0.3)
                                                 SCONES_LOCAL_BAKE=SECONDS    how long a deployment bakes at most (1)
"""

import argparse
import io
import json
import logging
import sys
import threading
import urllib.parse

from local_sagemaker import dispatch, endpoints, jobs, monitoring, scaling, store, tags
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server


class Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"  # the gateway keeps its connections
    disable_nagle_algorithm = True

    def log_request(self, *_):
        pass


def application(moto):
    """WSGI: our own pages for the other parts of the cloud, then moto"""

    def serve(environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/moto-api/reset":
            jobs.clear()
            endpoints.clear()
            scaling.clear()
            store.clear()
        if not path.startswith("/__local__/"):
            return answered(environ, start_response) or moto(environ, start_response)
        name = path[len("/__local__/"):]
        if name == "ping":
            found = {}
        elif name == "tags":
            found = tags.everything()
        elif name == "execution":
            return planted(environ, start_response)
        elif name == "bake":
            return baking(environ, start_response)
        elif name.startswith("endpoint/"):
            found = endpoints.live(name[len("endpoint/"):])
        else:
            found = None
        body = json.dumps(found).encode()
        start_response("200 OK" if found is not None else "404 Not Found", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return serve


def planted(environ, start_response):
    """a monitoring execution, as the gateway's control asks for it"""
    given = {key: values[-1] for key, values in urllib.parse.parse_qs(environ.get("QUERY_STRING", "")).items()}
    status, headers, data = dispatch.replied(monitoring.execution, {"MonitoringScheduleName": given.get("schedule", ""), "Status": given.get("status"), "FailureReason": given.get("reason")})
    start_response(status, headers + [("Content-Length", str(len(data)))])
    return [data]


def baking(environ, start_response):
    """bakes are held or released, as the gateway's control asks for it"""
    given = {key: values[-1] for key, values in urllib.parse.parse_qs(environ.get("QUERY_STRING", "")).items()}
    status, headers, data = dispatch.replied(lambda given: endpoints.hold(given.get("endpoint", ""), given.get("do")), given)
    start_response(status, headers + [("Content-Length", str(len(data)))])
    return [data]


def answered(environ, start_response):
    """the operations of local_sagemaker; None for all others, whose body moto can still read"""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target.partition(".")[0] not in dispatch.SERVICES:
        return None
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    found = dispatch.answer(target, body)
    if found is None:
        return None
    status, headers, data = found
    start_response(status, headers + [("Content-Length", str(len(data)))])
    return [data]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(argv)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", given.port, application(moto), threaded=True, request_handler=Handler)
    server.daemon_threads = True
    threading.Thread(target=endpoints.watch, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())

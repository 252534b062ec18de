"""Jobs that really work: a process of their own per job, told what to do by JSON on its standard input, read line by line as it goes on.

The process runs in MiniStack's virtual environment, which has numpy and Pillow; the server goes on answering meanwhile.
"""

import json
import os
import subprocess
import threading
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
running = {}  # ARN → process


def start(arn, script, job, heard, ended, limit):
    """heard(message) for every line of the script, then ended(how): None, "stopped" or "limit" when it took longer than `limit` seconds"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [os.environ["SCONES_LOCAL_PYTHON"], str(FOLDER / script)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.how = None
    running[arn] = process
    timer = threading.Timer(limit, end, (process, "limit"))
    timer.daemon = True

    def follow():
        try:
            with process.stdin:
                json.dump(job, process.stdin)
            for line in process.stdout:
                if process.how is None:
                    heard(json.loads(line))
        except (OSError, ValueError) as error:
            if process.how is None:
                heard({"failure": "InternalServerError: %s" % error})
        timer.cancel()
        process.wait()
        if running.get(arn) is process:
            del running[arn]
        ended(process.how)

    timer.start()
    threading.Thread(target=follow, daemon=True).start()


def end(process, how):
    if process.poll() is None and process.how is None:
        process.how = how
        process.terminate()


def stop(arn):
    process = running.get(arn)
    if process:
        end(process, "stopped")


def clear():
    for process in list(running.values()):
        end(process, "stopped")

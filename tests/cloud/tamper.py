"""Changes a function of the environment `local` without scones, so that there is drift to find.

    . target/cloud/env.sh
    target/cloud-venvs/ministack/bin/python tests/cloud/tamper.py
"""
import boto3

FUNCTION, MEMORY = "scones-unlimited-local-image-classification", 1024

client = boto3.client("lambda")
client.update_function_configuration(FunctionName=FUNCTION, MemorySize=MEMORY)
client.get_waiter("function_updated_v2").wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 1})
print("%s\nnow has %d MB of memory" % (FUNCTION, MEMORY))

async def handle(gateway, headers, body):
    return None

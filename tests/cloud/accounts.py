"""Which account this cloud is, and the clouds that are other accounts.

One address leads to all of them, as on AWS: `POST /__cloud__/account` names another cloud's gateway. Who assumes a role of its account does
so there, and what is signed with the keys that this gives goes there too; that cloud checks and counts it.
"""

import os
import re
import urllib.parse

ACCOUNT = os.environ.get("SCONES_LOCAL_ACCOUNT", "123456789012")
SIGNER = re.compile(r"Credential=([^/]+)/")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/")
KEY = re.compile(rb'<AccessKeyId>([^<]+)</AccessKeyId>|"AccessKeyId":\s*"([^"]+)"')


class Others:
    def __init__(self):
        self.gateways, self.keys = {}, {}

    def add(self, account, url):
        if not re.fullmatch(r"\d{12}", account) or account == ACCOUNT or not url.startswith("http://127.0.0.1:"):
            raise ValueError("another account's number and the address of its cloud are wanted: {account, url}")
        self.gateways[account] = url

    def gateway(self, service, headers, body):
        """→ the gateway of the account that a request goes to; None for this one"""
        signer = SIGNER.search(headers.get("Authorization", ""))
        if signer and signer[1] in self.keys:
            return self.keys[signer[1]]
        return self.gateways.get(assumed(body)) if service == "sts" and self.gateways else None

    def learn(self, gateway, body, answer):
        """remembers the keys of a role that was assumed there"""
        found = KEY.search(answer) if assumed(body) else None
        if found:
            self.keys[(found[1] or found[2]).decode()] = gateway


def assumed(body):
    """→ the account of the role that a request to STS assumes"""
    given = urllib.parse.parse_qs(body.decode(errors="replace"))
    found = ROLE.match(given.get("RoleArn", [""])[0])
    return found[1] if found and given.get("Action") == ["AssumeRole"] else None

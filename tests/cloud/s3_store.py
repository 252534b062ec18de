"""S3 for the jobs: objects by their s3:// address, straight from MiniStack over connections that are kept."""

import http.client
import threading
import urllib.parse
import xml.etree.ElementTree

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00"}


class Missing(Exception):
    """no such object, or no such bucket"""


class Store:
    def __init__(self, url):
        where = urllib.parse.urlsplit(url)
        self.server, self.kept = (where.hostname, where.port), threading.local()

    def get(self, address):
        return self.ask("GET", path_of(address), address)

    def put(self, address, data):
        self.ask("PUT", path_of(address), address, data)

    def keys(self, address):
        """→ the addresses of all objects that begin with `address`, in S3's order"""
        where = urllib.parse.urlsplit(address)
        found, query = [], {"list-type": "2", "prefix": where.path.lstrip("/")}
        while True:
            root = xml.etree.ElementTree.fromstring(self.ask("GET", "/%s?%s" % (where.netloc, urllib.parse.urlencode(query)), address))
            space = root.tag[: root.tag.index("}") + 1] if "}" in root.tag else ""
            found += ["s3://%s/%s" % (where.netloc, one.findtext(space + "Key")) for one in root.iter(space + "Contents")]
            token = root.findtext(space + "NextContinuationToken")
            if not token:
                return found
            query["continuation-token"] = token

    def ask(self, method, path, address, data=None):
        connection = getattr(self.kept, "connection", None)
        for fresh in (connection is None, True):  # a kept connection may have been closed by the server
            if fresh:
                connection = self.kept.connection = http.client.HTTPConnection(*self.server, timeout=60)
            try:
                connection.request(method, path, data, SIGNED)
                answer = connection.getresponse()
                body = answer.read()
                break
            except (http.client.RemoteDisconnected, ConnectionError):
                connection.close()
                if fresh:
                    raise
        if answer.status == 404:
            raise Missing(address)
        if answer.status != 200:
            raise RuntimeError("%s %s answered %d: %s" % (method, address, answer.status, body[:300].decode(errors="replace")))
        return body


def path_of(address):
    where = urllib.parse.urlsplit(address, allow_fragments=False)
    return "/%s%s" % (where.netloc, urllib.parse.quote(where.path))

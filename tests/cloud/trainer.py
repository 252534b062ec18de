"""What a training job runs: the image-classification algorithm's interface with our classifier in it.

Reads one job as JSON from standard input: {s3, image, channels: {name: {uri, content}}, hyperparameters, artifact}. Writes a JSON object per
line: {"status": …} as it goes on, at last {"metrics": {name: value}} or {"failure": reason}. The pictures are those that the .lst files name,
the accuracies are measured on them; epochs, learning rate, layers and instances change nothing.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import classifier
import hyperparameters
import numpy
import s3_store

CHANNELS = ("train", "validation", "train_lst", "validation_lst")
READERS = 8  # downloads at a time
NOISE = 300  # pictures of nothing, at most


class ClientError(Exception):
    """what the algorithm blames on its caller; the job fails with it"""


def main(job):
    say(status="Downloading")
    wrong = hyperparameters.problem(job["hyperparameters"]) if "image-classification" in job["image"] else None
    if wrong:
        raise refused("hyperparameters", wrong)
    for name in CHANNELS:
        if name not in job["channels"]:
            raise refused("input data configuration", "'%s' is a required property" % name)
    store, classes = s3_store.Store(job["s3"]), int(job["hyperparameters"].get("num_classes", 2))
    if classes != 2:
        raise ClientError("The local cloud's classifier tells two classes apart, num_classes is %d" % classes)
    with ThreadPoolExecutor(READERS) as pool:
        train, validation = (read(store, pool, job["channels"], name, classes) for name in ("train", "validation"))
    say(status="Training")
    if len(set(train[1])) < classes:
        raise ClientError("The training data has pictures of %d class(es), num_classes is %d" % (len(set(train[1])), classes))
    weights = classifier.fit(*train, noise=min(NOISE, len(train[1]) // 2))
    model = classifier.Classifier(weights)
    say(status="Uploading")
    store.put(job["artifact"], classifier.artifact(weights))
    say(metrics={"train:accuracy": accuracy(model, *train), "validation:accuracy": accuracy(model, *validation)})


def refused(what, why):
    return ClientError("Unable to initialize the algorithm. Failed to validate %s. (caused by ValidationError)\n\nCaused by: %s" % (what, why))


def read(store, pool, channels, name, classes):
    """→ (N×32×32×3 uint8, N labels): the pictures that a channel's list names"""
    rows = listed(store, channels[name + "_lst"]["uri"], classes)
    base = channels[name]["uri"].rstrip("/") + "/"

    def load(row):
        try:
            return classifier.decode(store.get(base + row[1]))
        except s3_store.Missing:
            raise ClientError("Data download failed:NoSuchKey (404): the picture %s that %s names does not exist" % (base + row[1], name + "_lst")) from None
        except OSError:
            raise ClientError("%s is no picture" % (base + row[1])) from None

    return numpy.stack(list(pool.map(load, rows))), numpy.array([float(label) for label, _ in rows])


def listed(store, address, classes):
    """→ [(label, filename)] of a .lst file: tab-separated index, label, path below the channel"""
    try:
        text = store.get(address).decode()
    except s3_store.Missing:
        found = try_keys(store, address)
        if len(found) != 1:
            raise ClientError("Data download failed:No S3 objects found under S3 URL \"%s\" given in input data source" % address) from None
        text = store.get(found[0]).decode()
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split("\t")
        try:
            _, label, name = int(fields[0]), float(fields[1]), fields[2]
        except (ValueError, IndexError):
            raise ClientError("%s:%d: a line has the columns index, label, path, separated by tabs" % (address, number)) from None
        if label not in range(classes):
            raise ClientError("%s:%d: the label %s is outside 0 to %d" % (address, number, fields[1], classes - 1))
        rows.append((int(label), name))
    if not rows:
        raise ClientError("%s is empty" % address)
    return rows


def try_keys(store, address):
    """a channel names a prefix: the list may be the one object below it"""
    try:
        return store.keys(address)
    except s3_store.Missing:
        return []


def accuracy(model, batch, labels):
    return round(float(((model.many(batch) > 0.5) == labels).mean()), 6)


def say(**message):
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    try:
        main(json.load(sys.stdin))
    except ClientError as error:
        say(failure="ClientError: %s" % error)
    except Exception as error:
        say(failure="InternalServerError: %s: %s" % (type(error).__name__, error))

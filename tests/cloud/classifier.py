"""A small real classifier, bicycle against motorcycle: logistic regression on how much of the picture is drawn, and how solidly.

    python classifier.py train OUT.tar.gz        trains on generated pictures and writes a model artifact
    python classifier.py measure ARTIFACT        its accuracy on held-out pictures

The artifact is what SageMaker calls one: a tar.gz, here with `weights.json`. The model server uses whatever artifact the live model names,
so another artifact gives other answers.
"""

import argparse
import gzip
import io
import json
import sys
import tarfile
from pathlib import Path

import numpy
import pictures
from PIL import Image

SIDE = 32
MEMBER = "weights.json"


class Classifier:
    def __init__(self, weights):
        self.centre, self.spread, self.slope = (numpy.array(weights[key]) for key in ("centre", "spread", "slope"))
        self.offset = weights["offset"]

    def __call__(self, picture):
        """picture: 32×32×3 uint8 → [p_bicycle, p_motorcycle]"""
        second = float(self.many(picture[None])[0])
        return [round(1 - second, 6), round(second, 6)]

    def many(self, batch):
        """batch: N×32×32×3 uint8 → N times p_motorcycle"""
        scores = (features(batch) - self.centre) / self.spread @ self.slope + self.offset
        return 1 / (1 + numpy.exp(-numpy.clip(scores, -30, 30)))


def decode(data):
    """any picture file → 32×32×3 by area averaging; raises when it is none"""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    if picture.size != (SIDE, SIDE):
        picture = picture.resize((SIDE, SIDE), Image.BOX)
    return numpy.asarray(picture)


def features(batch):
    """N×32×32×3 → N×F: difference from the background and its solid part, on a grid, and folded over the vertical axis"""
    batch = batch.astype(numpy.float32) / 255
    border = numpy.concatenate((batch[:, :3].reshape(len(batch), -1, 3), batch[:, 3:20, :2].reshape(len(batch), -1, 3), batch[:, 3:20, -2:].reshape(len(batch), -1, 3)), axis=1)
    drawn = numpy.abs(batch - numpy.median(border, axis=1)[:, None, None]).mean(axis=3)
    drawn = numpy.clip(drawn / (numpy.quantile(drawn, 0.97, axis=(1, 2))[:, None, None] + 0.05), 0, 1)
    solid = drawn
    for axis in (1, 2):  # the least of each 3×3 neighbourhood: thin lines vanish, blocks stay
        solid = numpy.minimum(numpy.minimum(solid, numpy.roll(solid, 1, axis)), numpy.roll(solid, -1, axis))
    edges = numpy.abs(numpy.diff(drawn, axis=1)).mean(axis=(1, 2)), numpy.abs(numpy.diff(drawn, axis=2)).mean(axis=(1, 2))
    columns = [drawn.mean(axis=(1, 2)), solid.mean(axis=(1, 2)), *edges, drawn.std(axis=(1, 2)), (drawn > 0.5).mean(axis=(1, 2))]
    grids = [folded(plane, 4) for plane in (drawn, solid)]
    return numpy.concatenate((numpy.stack(columns, axis=1), *grids), axis=1)


def folded(plane, step):
    count = SIDE // step
    grid = plane.reshape(len(plane), count, step, count, step).mean(axis=(2, 4))
    return ((grid + grid[:, :, ::-1]) / 2)[:, :, : count // 2].reshape(len(plane), -1)


def train(per_class=220, seed=0):
    """→ weights, trained on generated pictures"""
    kinds = [(kind, seed * 10_000 + number) for kind in pictures.CLASSES for number in range(per_class)]
    return fit(numpy.stack([pictures.draw(kind, number) for kind, number in kinds]), numpy.repeat([0.0, 1.0], per_class), per_class, seed)


def fit(batch, answers, noise=220, seed=0):
    """→ weights. batch: N×32×32×3 uint8; answers: 0 for a bicycle, 1 for a motorcycle. So many pictures of nothing take part with the answer
    one half, so that the model is unsure of what it never saw."""
    batch = numpy.concatenate((batch, *(pictures.draw(pictures.NOISE, seed * 10_000 + number)[None] for number in range(noise))))
    answers = numpy.concatenate((answers, numpy.full(noise, 0.5)))
    found = features(batch).astype(numpy.float64)
    centre, spread = found.mean(axis=0), found.std(axis=0) + 1e-3
    rows = numpy.concatenate(((found - centre) / spread, numpy.ones((len(found), 1))), axis=1)
    solution, penalty = numpy.zeros(rows.shape[1]), numpy.full(rows.shape[1], 0.3)
    for _ in range(25):  # Newton's method
        guess = 1 / (1 + numpy.exp(-numpy.clip(rows @ solution, -30, 30)))
        bend = rows.T @ (rows * (guess * (1 - guess))[:, None]) + numpy.diag(penalty)
        solution -= numpy.linalg.solve(bend, rows.T @ (guess - answers) + penalty * solution)
    return {"classes": list(pictures.CLASSES), "centre": rounded(centre), "spread": rounded(spread), "slope": rounded(solution[:-1]), "offset": round(float(solution[-1]), 6)}


def rounded(values):
    return [round(float(value), 6) for value in values]


def artifact(weights):
    """→ the bytes of a model.tar.gz, without times and owners: the same weights give the same bytes"""
    data, out = json.dumps(weights).encode(), io.BytesIO()
    with gzip.GzipFile(fileobj=out, filename="", mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        entry = tarfile.TarInfo(MEMBER)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def save(weights, path):
    Path(path).write_bytes(artifact(weights))


def load(data):
    """data: the bytes of a model.tar.gz"""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return Classifier(json.load(tar.extractfile(MEMBER)))


def measure(classifier, count=500):
    """→ {accuracy, confident (share of the right answers with ≥ 0.93), noise (share of pictures of nothing above it)} on held-out pictures"""
    right = confident = 0
    for index, kind in enumerate(pictures.CLASSES):
        for number in range(count):
            answer = classifier(pictures.draw(kind, pictures.HELD_OUT + 5000 + number))
            if answer[index] > 0.5:
                right += 1
                confident += answer[index] >= 0.93
    noise = sum(max(classifier(pictures.draw(pictures.NOISE, pictures.HELD_OUT + 5000 + number))) >= 0.93 for number in range(200))
    return {"pictures": 2 * count, "accuracy": right / (2 * count), "confident": confident / right, "noise": noise / 200}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("train", "measure"))
    parser.add_argument("artifact", type=Path)
    given = parser.parse_args(argv)
    if given.command == "train":
        save(train(), given.artifact)
    else:
        print(json.dumps(measure(load(given.artifact.read_bytes()))))


if __name__ == "__main__":
    sys.exit(main())

"""Draws pictures of bicycles and motorcycles, and writes them as PNG or as an archive in CIFAR-100's format.

No picture archive may be shipped, and none is needed: 32×32 drawings with random place, size, colours, background and noise train a small
classifier and test everything around it. A bicycle has two thin spoked wheels and a thin frame; a motorcycle thick wheels, an engine block, a
tank, a seat and an exhaust. All is seeded: the same seed gives the same pictures.

    python pictures.py archive OUT.tar.gz [--train 500] [--test 100] [--others 100] [--seed 1]   (--train and --test are per class)
    python pictures.py samples FOLDER [--seed 7]                                                 what `cloud.py up` writes
"""

import argparse
import math
import sys
from pathlib import Path

import cifar
import numpy
from PIL import Image

BICYCLE, MOTORCYCLE, NOISE = "bicycle", "motorcycle", "noise"
CLASSES = (BICYCLE, MOTORCYCLE)
HELD_OUT = 1_000_000  # seeds from here on are never trained on


class Canvas:
    """a picture in units of 1/32 of its side, drawn with soft edges"""

    def __init__(self, random, height=32, width=32, fine=2):
        self.random, self.fine = random, fine
        rows, columns = height * fine, width * fine
        self.y = ((numpy.arange(rows, dtype=numpy.float32) + 0.5) * 32 / rows)[:, None]
        self.x = ((numpy.arange(columns, dtype=numpy.float32) + 0.5) * 32 / columns)[None, :]
        self.soft = 0.7 * 32 / min(rows, columns)
        top, bottom = random.uniform(0.15, 0.95, 3), random.uniform(-0.2, 0.2, 3)
        self.pixels = numpy.broadcast_to(top + bottom * (self.y / 32)[..., None], (rows, columns, 3)).astype(numpy.float32)
        if random.random() < 0.5:  # a ground to stand on
            self.paint(self.y - random.uniform(22, 28), top * random.uniform(0.6, 0.95))
        self.back = top
        self.place = (random.uniform(14.5, 17.5), random.uniform(14, 17), random.uniform(0.8, 1.08), random.choice((-1, 1)))

    def contrasting(self, low=0.0, high=1.0):
        for _ in range(50):
            colour = self.random.uniform(low, high, 3)
            if numpy.abs(colour - self.back).mean() > 0.22:
                return colour
        return numpy.where(self.back > 0.5, 0.05, 0.95)

    def at(self, x, y):
        left, top, scale, side = self.place
        return float(left + side * scale * x), float(top + scale * y)

    def paint(self, inside, colour, strength=1.0):
        """`inside` grows from 0 at the edge into the shape"""
        cover = (inside / (2 * self.soft) + 0.5).clip(0, 1)[..., None] * numpy.float32(strength)
        self.pixels += (numpy.asarray(colour, numpy.float32) - self.pixels) * cover

    def line(self, start, end, width, colour, strength=1.0):
        (ax, ay), (bx, by) = self.at(*start), self.at(*end)
        dx, dy = bx - ax, by - ay
        x, y = self.x - numpy.float32(ax), self.y - numpy.float32(ay)
        along = ((x * dx + y * dy) / (dx * dx + dy * dy)).clip(0, 1)
        self.paint(width * self.place[2] / 2 - distance(x - along * dx, y - along * dy), colour, strength)

    def ring(self, centre, radius, width, colour):
        x, y = self.at(*centre)
        self.paint(width * self.place[2] / 2 - numpy.abs(distance(self.x - x, self.y - y) - radius * self.place[2]), colour)

    def oval(self, centre, wide, high, colour):
        x, y = self.at(*centre)
        scale = self.place[2]
        self.paint((1 - distance((self.x - x) / (wide * scale), (self.y - y) / (high * scale))) * min(wide, high) * scale, colour)

    def finish(self, noise):
        rows, columns = self.pixels.shape[:2]
        fine = self.fine
        small = self.pixels.reshape(rows // fine, fine, columns // fine, fine, 3).mean(axis=(1, 3))
        return (numpy.clip(small + self.random.normal(0, noise, small.shape), 0, 1) * 255).astype(numpy.uint8)


def distance(x, y):
    return numpy.sqrt(x * x + y * y)


def bicycle(canvas):
    random = canvas.random
    tyre, frame = canvas.contrasting(0, 0.5), canvas.contrasting()
    wide, radius = random.uniform(0.8, 1.2), random.uniform(5.4, 6.4)
    rear, front, low, seat, head = (-7.2, 4), (7.2, 4), (-0.8, 4.2), (-2.8, -4), (4.8, -4.2)
    for x, y in (rear, front):
        turn = random.uniform(0, 3.14)
        for spoke in range(4):
            angle = turn + spoke * 0.785
            dx, dy = radius * math.cos(angle), radius * math.sin(angle)
            canvas.line((x - dx, y - dy), (x + dx, y + dy), 0.35, tyre, 0.45)
        canvas.ring((x, y), radius, wide, tyre)
    for start, end in ((rear, low), (rear, seat), (low, seat), (low, head), (seat, head), (head, front)):
        canvas.line(start, end, random.uniform(0.8, 1.2), frame)
    canvas.line((-4.2, -5.2), (-1.6, -5.2), 1.1, tyre)
    canvas.line(seat, (-2.9, -5.2), 0.8, frame)
    canvas.line(head, (4.4, -6.5), 0.9, frame)
    canvas.line((4.4, -6.5), (6.4, -6.9), 0.9, tyre)


def motorcycle(canvas):
    random = canvas.random
    tyre, body, metal = canvas.contrasting(0, 0.35), canvas.contrasting(), canvas.contrasting(0.3, 0.9)
    wide, radius = random.uniform(2.2, 3.2), random.uniform(4.2, 5.0)
    rear, front = (-7.8, 5), (7.8, 5)
    for centre in (rear, front):
        canvas.ring(centre, radius, wide, tyre)
        canvas.oval(centre, 1.5, 1.5, metal)
    canvas.line((7.6, 4.6), (4.4, -5.2), random.uniform(1.5, 2.2), metal)
    canvas.line((-7.4, 4.6), (-1, 2.5), 1.8, metal)
    canvas.oval((0, 2.6), random.uniform(4.0, 5.0), random.uniform(3.2, 4.2), metal)
    canvas.oval((1.8, -2.2), random.uniform(4.0, 5.0), random.uniform(2.2, 3.0), body)
    canvas.line((-7, -1.8), (-1.5, -1.4), random.uniform(2.2, 3.2), tyre)
    canvas.line((-0.5, 6.2), (-9.5, 6.6), random.uniform(1.2, 1.8), metal)
    canvas.line((4.4, -5.2), (2.6, -6.6), 1.2, tyre)
    canvas.oval((6, -3.6), 1.5, 1.5, body)


def draw(kind, seed, height=32, width=32, noise=None):
    """→ height × width × 3, uint8"""
    random = numpy.random.default_rng([{BICYCLE: 1, MOTORCYCLE: 2, NOISE: 3}[kind], seed])
    noise = random.uniform(0.01, 0.07) if noise is None else noise
    if kind == NOISE:
        return static(random, height, width, int(random.choice((1, 2, 4, 8))), random.uniform(0.02, 0.45))
    canvas = Canvas(random, height, width, fine=2 if height <= 64 else 1)
    {BICYCLE: bicycle, MOTORCYCLE: motorcycle}[kind](canvas)
    return canvas.finish(noise)


def static(random, height, width, grain, strength):
    """a picture of nothing: static on a plain ground"""
    spots = random.normal(0, strength, (height // grain, width // grain, 3))
    if random.random() < 0.5:
        spots = spots.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return (numpy.clip(random.uniform(0.1, 0.9, 3) + spots.repeat(grain, axis=0).repeat(grain, axis=1), 0, 1) * 255).astype(numpy.uint8)


def save(path, picture):
    Image.fromarray(picture).save(path, "PNG")


def samples(folder, seed=7):
    """held-out pictures for people and tests: four of each class, one of nothing, one large one"""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in CLASSES:
        for number in range(1, 5):
            save(folder / ("%s-%d.png" % (kind, number)), draw(kind, HELD_OUT + seed + number))
    save(folder / "noise.png", static(numpy.random.default_rng(seed), 32, 32, 1, 0.25))
    save(folder / "large-bicycle.png", draw(BICYCLE, HELD_OUT + seed, 480, 640, noise=0.08))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    archive = commands.add_parser("archive")
    archive.add_argument("out", type=Path)
    for name, default in (("train", 500), ("test", 100), ("others", 100), ("seed", 1)):
        archive.add_argument("--" + name, type=int, default=default)
    some = commands.add_parser("samples")
    some.add_argument("folder", type=Path)
    some.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(argv)
    if given.command == "samples":
        samples(given.folder, given.seed)
    else:
        cifar.write(given.out, {"train": given.train, "test": given.test}, given.others, given.seed)


if __name__ == "__main__":
    sys.exit(main())

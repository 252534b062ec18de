"""Writes fixtures/statistics.json: what numpy makes of the definitions, for statistics.rs to agree with.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 && venv/bin/python statistics.py
"""

import json
import pathlib

import numpy

SMALLEST_SHARE = 1e-4
EDGES = {
    "shares": [tenth / 10 for tenth in range(11)],
    "sharpness": [0.0] + [2.0**power for power in range(17)],
    "bytes": [0.0] + [2.0**power for power in range(6, 25)],
}
LUMA = numpy.array([0.299, 0.587, 0.114])


def histogram(values, edges):
    """values outside of the edges fall into the first or the last bin"""
    return numpy.histogram(numpy.clip(values, edges[0], edges[-1]), bins=edges)[0]


def psi(expected, actual):
    expected = numpy.maximum(expected / expected.sum(), SMALLEST_SHARE)
    actual = numpy.maximum(actual / actual.sum(), SMALLEST_SHARE)
    return float(numpy.sum((actual - expected) * numpy.log(actual / expected)))


def laplacian(luma):
    return luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]


def populations(random):
    """(name of the edges, expected values, actual values)"""
    even = random.random
    yield "shares", even(400), even(300)
    yield "shares", random.beta(0.3, 0.3, 1000), random.beta(0.8, 0.2, 57)
    yield "shares", numpy.array(EDGES["shares"]), numpy.array(EDGES["shares"] * 2 + [-0.5, 1.5])
    yield "shares", numpy.full(20, 0.05), numpy.full(20, 0.95)
    yield "shares", even(1), even(1)
    yield "sharpness", random.lognormal(6, 2, 500), random.lognormal(4, 2, 500)
    yield "sharpness", random.lognormal(6, 2, 500), numpy.array([0.0, 0.5, 1.0, 1e9])
    yield "bytes", random.integers(1, 5000, 700).astype(float), random.integers(1000, 30_000_000, 90).astype(float)
    yield "bytes", numpy.array([64.0, 63.0, 16_777_216.0]), numpy.array([128.0, 65.0, 1.0])


def pictures(random):
    """(height, width, 3) of 0 to 255"""
    yield random.integers(0, 256, (32, 32, 3))
    yield random.integers(0, 256, (3, 7, 3))
    yield random.integers(0, 4, (17, 5, 3))
    yield numpy.full((4, 4, 3), 255)
    y, x = numpy.mgrid[0:16, 0:24]
    yield numpy.stack([10 * x, 15 * y, (x * y) % 256], axis=2)


def main():
    random = numpy.random.default_rng(20261122)
    compared = []
    for name, expected, actual in populations(random):
        before, now = histogram(expected, EDGES[name]), histogram(actual, EDGES[name])
        compared.append({
            "edges": name, "expected": expected.tolist(), "actual": actual.tolist(),
            "expected_counts": before.tolist(), "actual_counts": now.tolist(), "psi": psi(before, now),
        })
    measured = []
    for rgb in pictures(random):
        luma = rgb @ LUMA
        measured.append({
            "width": rgb.shape[1], "height": rgb.shape[0], "rgb": rgb.ravel().tolist(),
            "brightness": float(luma.mean() / 255), "sharpness": float(laplacian(luma).var()),
        })
    text = json.dumps({"compared": compared, "measured": measured}, separators=(",", ":"))
    target = pathlib.Path(__file__).parent / "fixtures" / "statistics.json"
    target.write_text(text.replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()

"""Writes oracle.json: answers, and what numpy makes of them. Run it with a Python that has numpy."""

import json
import pathlib

import numpy as np


def wilson(correct, count):
    """The roots of |p - value| = z sqrt(p (1 - p) / count): the interval's definition, not its closed form."""
    z, value = 1.959963984540054, correct / count
    low, high = np.sort(np.roots([1 + z * z / count, -2 * value - z * z / count, value * value]))
    return {"value": value, "low": float(low), "high": float(high)}


def ratio(part, of):
    return None if of == 0 else float(part / of)


def confidence(probabilities, truth, predicted, threshold):
    top = probabilities.max(axis=1)
    right = predicted == truth
    which = np.minimum(np.floor(top * 10), 9)
    bins, error = [], 0.0
    for index in range(10):
        inside = which == index
        count = int(inside.sum())
        mean, accuracy = (float(top[inside].mean()), float(right[inside].mean())) if count else (None, None)
        bins.append({"from": index / 10, "to": (index + 1) / 10, "count": count, "confidence": mean, "accuracy": accuracy})
        error += abs(mean - accuracy) * count / len(top) if count else 0
    of_truth = np.clip(probabilities[np.arange(len(truth)), truth], 1e-15, None)
    return {
        "mean": float(top.mean()),
        "log_loss": float(-np.log(of_truth).mean()) + 0.0,
        "below_threshold": float((top < threshold).mean()),
        "calibration_error": float(error),
        "calibration": bins,
    }


def latency(times):
    first, last = np.floor(4 * np.log2(times.min())), np.floor(4 * np.log2(times.max())) + 1
    edges = 2.0 ** (np.arange(first, last + 1) / 4)
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    return {
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "p99_ms": float(p99),
        "min_ms": float(times.min()),
        "max_ms": float(times.max()),
        "mean_ms": float(times.mean()),
        # A closed upper edge beyond the slowest makes numpy's last bin half-open too.
        "histogram": {"edges_ms": edges.tolist(), "counts": np.histogram(times, edges)[0].tolist()},
    }


def case(name, classes, answers, threshold, wall_us):
    used = [answer for answer in answers if answer["probabilities"] is not None]
    failed = [answer for answer in answers if answer["probabilities"] is None]
    truth = np.array([answer["truth"] for answer in used], dtype=int)
    probabilities = np.array([answer["probabilities"] for answer in used]).reshape(len(used), len(classes))
    predicted = probabilities.argmax(axis=1) if used else truth
    matrix = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(matrix, (truth, predicted), 1)
    per_class = []
    for index, label in enumerate(classes):
        right, support, called = matrix[index, index], matrix[index].sum(), matrix[:, index].sum()
        precision, recall = ratio(right, called), ratio(right, support)
        if precision and recall:
            f1 = 2 * precision * recall / (precision + recall)
        else:
            f1 = None if support + called == 0 else 0.0
        per_class.append(
            {
                "name": label,
                "precision": precision,
                "recall": recall,
                "f1": f1,
                "support": int(support),
                "failed": sum(answer["truth"] == index for answer in failed),
            }
        )
    times = np.array([answer["latency_us"] for answer in used]) / 1000
    correct = int(np.trace(matrix))
    expected = {
        "pictures": len(answers),
        "answered": len(used),
        "correct": correct,
        "accuracy": wilson(correct, len(answers)),
        "per_class": per_class,
        "confusion": matrix.tolist(),
        "confidence": confidence(probabilities, truth, predicted, threshold) if used else None,
        "latency": latency(times) if used else None,
        "wall_ms": wall_us / 1000,
        "throughput": len(used) / (wall_us / 1e6),
    }
    inputs = {"classes": classes, "threshold": threshold, "wall_us": wall_us, "answers": answers}
    return {"name": name, "inputs": inputs, "expected": expected}


def answers(random, count, classes, failing, sharpness):
    found = []
    for index in range(count):
        truth = int(random.integers(classes))
        scores = random.normal(size=classes)
        scores[truth] += 1.5
        weights = np.exp(sharpness * scores)
        probabilities = np.round(weights / weights.sum(), 9).tolist()
        found.append(
            {
                "key": f"test/{index:04}.png",
                "truth": truth,
                "probabilities": None if random.random() < failing else probabilities,
                "latency_us": int(random.lognormal(10.6, 0.5)),
            }
        )
    return found


def main():
    random = np.random.default_rng(20)
    two, three = ["bicycle", "motorcycle"], ["bicycle", "motorcycle", "unicycle"]
    one = [{"key": "a", "truth": 1, "probabilities": [0.25, 0.75], "latency_us": 16000}]
    tie = [{"key": "a", "truth": 1, "probabilities": [0.5, 0.5], "latency_us": 31250}, *one]
    sure = [{"key": "a", "truth": 0, "probabilities": [0.0, 1.0], "latency_us": 40}, *one]
    none = [{"key": "a", "truth": 0, "probabilities": None, "latency_us": 60000000}] * 2
    cases = [
        case("two classes", two, answers(random, 300, 2, 0, 2.0), 0.93, 2_500_000),
        case("three classes, failures", three, answers(random, 150, 3, 0.1, 1.0), 0.7, 911_000),
        case("a class that is not there", [*three, "tandem"], [{**a, "truth": a["truth"] % 2} for a in answers(random, 40, 4, 0, 0.5)], 0.5, 1_000_000),
        case("one answer", two, one, 0.75, 16_000),
        case("a tie is the first class", two, tie, 0.5, 50_000),
        case("a sure mistake", two, sure, 1.0, 50_000),
        case("nothing answered", two, none, 0.5, 60_000_000),
    ]
    path = pathlib.Path(__file__).with_name("oracle.json")
    # One line per answer would be a long file; one line per case can't be read anyway.
    path.write_text("[\n" + ",\n".join(json.dumps(one) for one in cases) + "\n]\n")


main()

"""What a processing job with Model Monitor's container (sagemaker-model-monitor-analyzer) runs: the baseline of a CSV dataset.

Reads one job as JSON from standard input: {s3, image, inputs: [{uri, path}], outputs: [{uri, path}], environment}. Writes statistics.json and
constraints.json in the container's form to the output, and {"done": true} or {"failure": reason} to standard output.
"""

import csv
import io
import json
import math
import sys

import numpy
import s3_store

IMAGE = "sagemaker-model-monitor-analyzer"
BUCKETS = 10
SKETCH = {"c": 0.64, "k": 2048.0}  # the parameters of the KLL sketch; with so few values it holds all of them
DOMAIN = 20  # a text column with at most so many values has them as its domain


class JobError(Exception):
    pass


def main(job):
    if IMAGE not in job["image"]:
        raise JobError("AlgorithmError: the local cloud has no container for the image %s" % job["image"])
    environment, store = job["environment"], s3_store.Store(job["s3"])
    for name in ("dataset_format", "dataset_source", "output_path"):
        if name not in environment:
            raise JobError("AlgorithmError: the environment variable %s is missing" % name)
    source, target = (under(job[side], environment[name], name) for side, name in (("inputs", "dataset_source"), ("outputs", "output_path")))
    shape = json.loads(environment["dataset_format"])
    if "csv" not in shape:
        raise JobError("AlgorithmError: the local cloud reads datasets in the format csv only, not %s" % ", ".join(shape))
    names, rows = read(store, source, bool(shape["csv"].get("header")))
    features = [feature(name, [row[index] for row in rows]) for index, name in enumerate(names)]
    statistics = {"version": 0.0, "dataset": {"item_count": len(rows)}, "features": [one for one, _ in features]}
    config = {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": {"perform_comparison": "Enabled", "comparison_threshold": 0.1, "comparison_method": "Robust"},
    }
    constraints = {"version": 0.0, "features": [one for _, one in features], "monitoring_config": config}
    for name, document in (("statistics.json", statistics), ("constraints.json", constraints)):
        store.put(target + name, json.dumps(document, indent=2).encode())


def under(places, path, name):
    """→ the address of a path of the container"""
    for one in places:
        if path == one["path"] or path.startswith(one["path"].rstrip("/") + "/"):
            return one["uri"].rstrip("/") + path[len(one["path"].rstrip("/")) :].rstrip("/") + "/"
    raise JobError("AlgorithmError: %s is %s, which no input or output has as its LocalPath" % (name, path))


def read(store, address, header):
    """→ (names, [row of texts]) of all objects below the address, or of the one that it names"""
    try:
        found = store.keys(address) or store.keys(address.rstrip("/"))
    except s3_store.Missing:
        found = []
    if not found:
        raise JobError('ClientError: No S3 objects found under S3 URL "%s" given in input data source' % address)
    names, rows = None, []
    for one in found:
        lines = [row for row in csv.reader(io.StringIO(store.get(one).decode())) if row]
        if header and lines:
            names = names or lines[0]
            lines = lines[1:]
        rows += lines
    if not rows:
        raise JobError("AlgorithmError: the dataset %s has no rows" % address)
    names = names or ["_c%d" % index for index in range(len(rows[0]))]
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise JobError("AlgorithmError: row %d of the dataset has %d columns instead of %d" % (number, len(row), len(names)))
    return names, rows


def feature(name, texts):
    """→ (statistics, constraints) of a column"""
    present = [text for text in texts if text.strip()]
    common = {"num_present": len(present), "num_missing": len(texts) - len(present)}
    completeness, values = len(present) / len(texts), numbers(present)
    if not present:
        return {"name": name, "inferred_type": "Unknown"}, {"name": name, "inferred_type": "Unknown", "completeness": 0.0}
    if values is None:
        kinds = {text: present.count(text) for text in sorted(set(present))}
        buckets = [{"value": value, "count": count} for value, count in kinds.items()]
        statistics = {"common": common, "distinct_count": float(len(kinds)), "distribution": {"categorical": {"buckets": buckets}}}
        constraints = {"name": name, "inferred_type": "String", "completeness": completeness}
        if len(kinds) <= DOMAIN:
            constraints["string_constraints"] = {"domains": list(kinds)}
        return {"name": name, "inferred_type": "String", "string_statistics": statistics}, constraints
    kind = "Integral" if all(text.strip().lstrip("+-").isdigit() for text in present) else "Fractional"
    counts, edges = numpy.histogram(values, BUCKETS, (values.min(), values.max()) if values.min() < values.max() else (values.min(), values.min() + 1))
    buckets = [{"lower_bound": float(edges[at]), "upper_bound": float(edges[at + 1]), "count": float(count)} for at, count in enumerate(counts)]
    statistics = {
        "common": common,
        "mean": float(values.mean()),
        "sum": float(values.sum()),
        "std_dev": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "distribution": {"kll": {"buckets": buckets, "sketch": {"parameters": SKETCH, "data": [values[: int(SKETCH["k"])].tolist()]}}},
    }
    return (
        {"name": name, "inferred_type": kind, "numerical_statistics": statistics},
        {"name": name, "inferred_type": kind, "completeness": completeness, "num_constraints": {"is_non_negative": bool(values.min() >= 0)}},
    )


def numbers(texts):
    try:
        values = numpy.array([float(text) for text in texts])
    except ValueError:
        return None
    return values if all(math.isfinite(value) for value in values) else None


if __name__ == "__main__":
    try:
        main(json.load(sys.stdin))
        print(json.dumps({"done": True}), flush=True)
    except JobError as error:
        print(json.dumps({"failure": str(error)}), flush=True)
    except Exception as error:
        print(json.dumps({"failure": "AlgorithmError: %s: %s" % (type(error).__name__, error)}), flush=True)

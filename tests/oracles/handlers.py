"""Prints what CloudFormation's own resource schemas say that each type takes: {type: {properties, permissions, reads}}. Arguments: the types.

The schemas are those in cfn-lint: `handlers` lists the permissions of creating, changing and deleting, `tagging` those of tags.
"""

import json
import sys
from pathlib import Path

import cfnlint.data.schemas.resources as resources

found = {}
for file in Path(resources.__path__[0]).glob("*.json"):
    schema = json.loads(file.read_text())
    if schema.get("typeName") in sys.argv[1:]:
        handlers = {name: schema["handlers"].get(name, {}).get("permissions", []) for name in ("create", "read", "update", "delete")}
        tagging = schema.get("tagging", {}).get("permissions", [])
        found[schema["typeName"]] = {
            "properties": sorted(schema["properties"]),
            "permissions": sorted({*tagging, *sum(handlers.values(), [])}),
            "reads": sorted(handlers["read"]),
        }
print(json.dumps(found))

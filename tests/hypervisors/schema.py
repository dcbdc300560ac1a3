# SPDX-License-Identifier: MIT
"""Configuration files by the vendors' own API descriptions, strictly: what they do not name is an error."""

import pathlib

import jsonschema
import yaml

data = pathlib.Path(__file__).resolve().parent / "data"


def strict(node):
    """An object is what its properties say and nothing more; firecracker's parser has deny_unknown_fields."""
    if isinstance(node, dict):
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        for value in node.values():
            strict(value)
    elif isinstance(node, list):
        for value in node:
            strict(value)
    return node


def firecracker():
    with open(data / "firecracker.yaml", encoding="utf-8") as file:
        api = strict(yaml.safe_load(file))
    whole = api["definitions"]["FullVmConfiguration"]
    # Of a file, unlike of the API, src/vmm/src/resources.rs (VmmConfig) wants these, and takes a path for the other.
    whole["required"] = ["boot-source", "drives"]
    whole["properties"]["cpu-config"] = {"anyOf": [{"type": "string"}, {"$ref": "#/definitions/CpuConfig"}]}
    return {"$ref": "#/definitions/FullVmConfiguration", "definitions": api["definitions"]}


schemas = {"firecracker": firecracker}


def judge(hypervisor, config):
    validator = jsonschema.Draft4Validator(schemas[hypervisor]())
    return [f"the vendor's schema: {'.'.join(map(str, error.path))}: {error.message}"
            for error in validator.iter_errors(config)]


def operations(hypervisor):
    """The requests of the vendor's API: {("PUT", "/path")}."""
    with open(data / f"{hypervisor}.yaml", encoding="utf-8") as file:
        api = yaml.safe_load(file)
    base = api.get("basePath", "") or api.get("servers", [{"url": ""}])[0]["url"].removeprefix("http://localhost")
    return {(method.upper(), base.rstrip("/") + path) for path, methods in api["paths"].items() for method in methods}

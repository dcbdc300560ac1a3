# SPDX-License-Identifier: MIT
"""Configuration files by the vendors' own API descriptions, strictly: what they do not name is an error."""

import copy
import functools
import json
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
    api = copy.deepcopy(api_of("firecracker")[0])
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


@functools.cache
def api_of(hypervisor):
    with open(data / f"{hypervisor}.yaml", encoding="utf-8") as file:
        api = strict(yaml.safe_load(file))
    base = api.get("basePath", "") or api.get("servers", [{"url": ""}])[0]["url"].removeprefix("http://localhost")
    return api, base.rstrip("/")


def operations(hypervisor):
    """The requests of the vendor's API: {("PUT", "/path")}."""
    api, base = api_of(hypervisor)
    return {(method.upper(), base + path) for path, methods in api["paths"].items() for method in methods}


def body_schema(operation):
    """Of a request's body, in Swagger 2 or OpenAPI 3; None: it has none."""
    if "requestBody" in operation:
        return operation["requestBody"]["content"]["application/json"]["schema"]
    return next((parameter["schema"] for parameter in operation.get("parameters", []) if parameter["in"] == "body"), None)


def judge_request(hypervisor, method, path, body):
    """What is wrong with it, or nothing."""
    api, base = api_of(hypervisor)
    if (method, path) not in operations(hypervisor):
        return f"the vendor's API has no {method} {path}"
    wanted = body_schema(api["paths"][path.removeprefix(base)][method.lower()])
    if not wanted or not body:
        return f"{path} with body '{body}'" if bool(wanted) != bool(body) else None
    whole = wanted | {key: api[key] for key in ("definitions", "components") if key in api}
    error = next(jsonschema.Draft4Validator(whole).iter_errors(json.loads(body)), None)
    return error and f"{path}: {error.message}"

"""Holds answers of a server to its OpenAPI description."""
import re

import jsonschema


class Description:
    def __init__(self, document):
        self.document = document
        self.seen = set()  # (operation, status)
        self._resolver = jsonschema.RefResolver("", document)
        for path, item in document["paths"].items():
            assert path.startswith("/api/v1/"), path
            for method, operation in self._operations(item):
                assert operation["operationId"] and operation["responses"], (path, method)
        for schema in document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)

    @staticmethod
    def _operations(item):
        return [(method, item[method]) for method in ("get", "put", "patch", "post", "delete") if method in item]

    def operations(self):
        return {operation["operationId"] for item in self.document["paths"].values()
                for _, operation in self._operations(item)}

    def operation(self, method, path):
        for template, item in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return item.get("get" if method == "HEAD" else method.lower())
        return None

    def _resolve(self, node):
        while "$ref" in node:
            node = self._resolver.resolve(node["$ref"])[1]
        return node

    def validate(self, schema, value):
        jsonschema.Draft202012Validator(schema, resolver=self._resolver).validate(value)

    def check(self, method, path, answer):
        """Raises where status, headers or body are not as described."""
        operation = self.operation(method, path.partition("?")[0])
        if operation is None:  # no such path or method: an error as all are
            self.validate({"$ref": "#/components/schemas/Error"}, answer.json)
            return
        described = operation["responses"].get(str(answer.status))
        assert described, f"{method} {path}: status {answer.status} is not described"
        described = self._resolve(described)
        for header in described.get("headers", {}):
            assert header in answer.headers, f"{method} {path}: the header {header} is missing"
        content = described.get("content")
        if content and method != "HEAD":
            assert answer.headers["Content-Type"] == "application/json", answer.headers["Content-Type"]
            self.validate(content["application/json"]["schema"], answer.json)
        elif not content:
            assert not answer.text, f"{method} {path}: a body that is not described"
        self.seen.add((operation["operationId"], answer.status))

"""api_test.py BUILD: every answer of the API, and every error with its code, as the OpenAPI description has it.
Prints TAP.
"""
import json
import sys

from campaign_server import SMALL, Server
from cases import report
from openapi import Description
from waiting import until

BUILD = sys.argv[1]
JSON = {"Content-Type": "application/json"}
BIG = json.dumps({"state": {"x": "y" * (200 * 1024)}})

# method, path, body, headers, status, code
ERRORS = [
    ("GET", "/nothing", None, {}, 404, "not-found"),
    ("GET", "", None, {}, 404, "not-found"),
    ("GET", "/campaigns/", None, {}, 404, "not-found"),
    ("GET", "/campaigns//state", None, {}, 404, "not-found"),
    ("DELETE", "/campaigns", None, {}, 405, "method-not-allowed"),
    ("POST", "/campaigns", {"id": "a b"}, {}, 400, "bad-id"),
    ("POST", "/campaigns", {"id": 5}, {}, 400, "bad-id"),
    ("POST", "/campaigns", {"id": "new", "particles": 0}, {}, 422, "bad-campaign"),
    ("PUT", "/nodes", {}, {}, 405, "method-not-allowed"),
    ("GET", "/campaigns/0/viewers/x", None, {}, 405, "method-not-allowed"),
    ("GET", "/campaigns/a%20b", None, {}, 400, "bad-id"),
    ("PUT", "/campaigns/" + "x" * 65, {}, {}, 400, "bad-id"),
    ("DELETE", "/campaigns/0/viewers/%22", None, {}, 400, "bad-id"),
    ("GET", "/campaigns/none", None, {}, 404, "unknown-campaign"),
    ("PATCH", "/campaigns/none", {"particles": 5}, {}, 404, "unknown-campaign"),
    ("DELETE", "/campaigns/none", None, {}, 404, "unknown-campaign"),
    ("GET", "/campaigns/none/state", None, {}, 404, "unknown-campaign"),
    ("PATCH", "/campaigns/none/state", {}, {}, 404, "unknown-campaign"),
    ("GET", "/campaigns/none/viewers", None, {}, 404, "unknown-campaign"),
    ("DELETE", "/campaigns/0/viewers/none", None, {}, 404, "unknown-viewer"),
    ("POST", "/campaigns/0/viewers/none/move", {}, {}, 404, "unknown-viewer"),
    ("PUT", "/campaigns/new", None, {}, 415, "unsupported-media-type"),
    ("PUT", "/campaigns/new", "{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
    ("PUT", "/campaigns/new", "{}", {"Content-Type": "application/merge-patch+json"}, 415, "unsupported-media-type"),
    ("POST", "/drain", "", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported-media-type"),
    ("PUT", "/campaigns/new", "{", {}, 400, "bad-request"),
    ("PUT", "/campaigns/new", "", {}, 400, "bad-request"),
    ("PUT", "/campaigns/new", "[]", {}, 400, "bad-request"),
    ("PUT", "/campaigns/new", b"{\"scene\": \"\xff\"}", {}, 400, "bad-request"),
    ("PUT", "/campaigns/new", "[" * 100, {}, 400, "bad-request"),
    ("PUT", "/campaigns/new", "{\"state\":" + "{\"x\":" * 40 + "1" + "}" * 41, {}, 400, "bad-request"),
    ("GET", "/campaigns/0", "{}", {}, 400, "bad-request"),
    ("PATCH", "/campaigns/0", {"particles": 5}, {"If-Match": "\"one\""}, 400, "bad-request"),
    ("POST", "/drain", {"now": True}, {}, 400, "bad-request"),
    ("POST", "/campaigns/0/viewers/x/move", {"quality": 5}, {}, 400, "bad-request"),
    ("POST", "/campaigns/0/viewers/x/move", {"quality": "a b"}, {}, 400, "bad-id"),
    ("PUT", "/campaigns/new", BIG, {}, 413, "too-large"),
    ("PATCH", "/campaigns/0/state", BIG, {}, 413, "too-large"),
    ("PUT", "/campaigns/new", {"colour": "red"}, {}, 422, "bad-campaign"),
    ("PUT", "/campaigns/new", {"particles": 0}, {}, 422, "bad-campaign"),
    ("PUT", "/campaigns/new", {"particles": "many"}, {}, 422, "bad-campaign"),
    ("PUT", "/campaigns/new", {"scene": "/etc/passwd"}, {}, 422, "bad-campaign"),
    ("PUT", "/campaigns/new", {"scene": {"emitters": []}}, {}, 422, "bad-campaign"),
    ("PUT", "/campaigns/new", {"ladder": {"rungs": []}}, {}, 422, "bad-campaign"),
    ("PUT", "/campaigns/new", {"limits": {"max_viewers": -1}}, {}, 422, "bad-campaign"),
    ("PUT", "/campaigns/new", {"framerate": 1000}, {}, 422, "bad-campaign"),
    ("PUT", "/campaigns/new", {"state": []}, {}, 422, "bad-campaign"),
    ("PATCH", "/campaigns/0", {"particles": 0}, {}, 422, "bad-campaign"),
    ("PATCH", "/campaigns/0", {"seed": 77}, {}, 422, "bad-campaign"),
    ("PATCH", "/campaigns/0", {"colour": "red"}, {}, 422, "bad-campaign"),
    ("PATCH", "/campaigns/0/state", {"x": "y" * (70 * 1024)}, {}, 422, "bad-state"),
    ("PUT", "/campaigns/0", {"particles": 7}, {}, 409, "exists"),
    ("PATCH", "/campaigns/0", {"particles": 5}, {"If-Match": "\"999\""}, 409, "conflict"),
    ("PATCH", "/campaigns/0/state", {"x": 1}, {"If-Match": "\"999\""}, 409, "conflict"),
    ("GET", "/campaigns", None, {"Origin": "https://elsewhere.example"}, 403, "origin-refused"),
    ("PUT", "/campaigns/one-too-many", SMALL, {}, 507, "too-many-campaigns"),
]


def main():
    with Server(BUILD, {"max_campaigns": 2, "campaigns": [{"id": "0", **SMALL}]}) as server:
        until(lambda: server.status("0") == "running", 30, "campaign 0 runs")
        description = Description(server.api("GET", "/openapi.json").json)

        def told(method, path, body=None, headers=None, status=200):
            answer = server.api(method, path, body, headers)
            assert answer.status == status, f"{method} {path}: {answer.status} {answer.text[:300]}"
            description.check(method, "/api/v1" + path, answer)
            return answer

        def create_change_and_delete():
            made = told("PUT", "/campaigns/a", {**SMALL, "state": {"round": 1}}, status=201)
            assert made.headers["Location"] == "/api/v1/campaigns/a"
            again = told("PUT", "/campaigns/a", SMALL, status=200)
            assert again.json["revision"] == made.json["revision"] == 1
            listed = told("GET", "/campaigns").json["campaigns"]
            assert [campaign["id"] for campaign in listed] == ["0", "a"], listed
            changed = told("PATCH", "/campaigns/a", {"particles": 500, "scene": "benchmark", "limits": {"max_viewers": 3}},
                           {"If-Match": made.headers["ETag"]})
            assert (changed.json["particles"], changed.json["scene"]) == (500, "benchmark"), changed.json
            assert changed.json["limits"] == {"max_viewers": 3} and changed.json["state"] == {"round": 1}
            scene = {"emitters": [{"shape": "ring", "size": [1, 0.1, 0]}], "drag": 0.5}
            assert told("PATCH", "/campaigns/a", {"scene": scene}).json["scene"] == scene
            other = {"emitters": [{"shape": "ball"}]}
            assert told("PATCH", "/campaigns/a", {"scene": other}).json["scene"] == other  # no drag is left
            assert told("PATCH", "/campaigns/a", {"ladder": None}).json["ladder"] is None
            assert told("GET", "/campaigns/a").json["revision"] == 5
            told("HEAD", "/campaigns/a")
            told("DELETE", "/campaigns/a", status=204)
            told("GET", "/campaigns/a", status=404)
            told("PUT", "/campaigns/a", SMALL, status=201)
            told("DELETE", "/campaigns/a", status=204)
            told("POST", "/campaigns", {**SMALL, "id": "b"}, status=201)
            told("POST", "/campaigns", {**SMALL, "id": "b"}, status=200)
            told("POST", "/campaigns", {**SMALL, "id": "b", "particles": 77}, status=409)
            told("DELETE", "/campaigns/b", status=204)
            made_up = told("POST", "/campaigns", SMALL, status=201)
            assert made_up.headers["Location"] == "/api/v1/campaigns/" + made_up.json["id"]
            told("DELETE", "/campaigns/" + made_up.json["id"], status=204)
            return "a campaign is created, changed and deleted, and created anew"

        def state_by_merge_patch():
            first = told("GET", "/campaigns/0/state")
            told("PATCH", "/campaigns/0/state", {"a": {"b": 1}, "c": [1, 2]}, {"If-Match": first.headers["ETag"]})
            second = told("PATCH", "/campaigns/0/state", {"a": {"b": None, "d": 2}},
                          {"Content-Type": "application/merge-patch+json"})
            assert second.json["state"] == {"a": {"d": 2}, "c": [1, 2]}, second.json
            assert second.json["revision"] == first.json["revision"] + 2
            late = told("PATCH", "/campaigns/0/state", {}, {"If-Match": first.headers["ETag"]}, status=409)
            assert late.json["error"]["revision"] == second.json["revision"]
            return "a state changes by merge patches, each from the revision it expects"

        def viewers():
            server.run("other")
            child = server.watch("0", "--viewers=2", "--duration=60")
            until(lambda: sum(viewer["connected"] for viewer in told("GET", "/campaigns/0/viewers").json["viewers"]) == 2,
                  20, "two viewers")
            first, second = (viewer["peer"] for viewer in told("GET", "/campaigns/0/viewers").json["viewers"])
            refused = told("POST", f"/campaigns/0/viewers/{first}/move", {"campaign": "nowhere"}, status=409)
            assert refused.code == "not-moved"
            told("POST", f"/campaigns/0/viewers/{first}/move", {"campaign": "other", "quality": "low"})
            until(lambda: [viewer["peer"] for viewer in told("GET", "/campaigns/other/viewers").json["viewers"]] == [first],
                  10, "the viewer watches the other campaign")
            told("DELETE", f"/campaigns/0/viewers/{second}", status=204)
            until(lambda: told("GET", "/campaigns/0/viewers").json["viewers"] == [], 10, "the other one has gone")
            child.terminate()
            child.communicate(timeout=20)
            return "viewers are listed, moved and removed"

        def errors():
            for method, path, body, headers, status, code in ERRORS:
                answer = server.api(method, path, body, {**(JSON if body is not None else {}), **headers})
                assert (answer.status, answer.code) == (status, code), \
                    f"{method} {path} {str(body)[:60]}: {answer.status} {answer.text[:200]}, not {status} {code}"
                description.check(method, "/api/v1" + path, answer)
            return f"{len(ERRORS)} requests that cannot be are refused with their codes"

        def chunked():
            def endless():
                for _ in range(100):
                    yield b" " * 4096
            answer = server.ask("PUT", "/api/v1/campaigns/new", endless())
            assert (answer.status, answer.code) == (413, "too-large"), answer.text
            return "a body that grows is refused as one that is announced"

        def described():
            assert told("GET", "/openapi.json").json == description.document
            return "the description is served, and fits itself"

        def nodes():
            node, = told("GET", "/nodes").json["nodes"]
            assert node["id"] == "test" and not node["draining"], node
            return "the node is told"

        def token():
            with guarded(server) as other:
                denied = other.api("GET", "/campaigns")
                assert (denied.status, denied.code) == (401, "unauthorized")
                assert denied.headers["WWW-Authenticate"] == "Bearer"
                description.check("GET", "/api/v1/campaigns", denied)
                wrong = other.api("GET", "/campaigns", headers={"Authorization": "Bearer a-secret-of-some-lengtH"})
                assert wrong.status == 401
                right = other.api("GET", "/campaigns", headers={"Authorization": "Bearer a-secret-of-some-length"})
                assert right.status == 200
                assert not any("a-secret" in json.dumps(line) for line in other.log)
            return "with a token the API is closed to those without"

        def drain():
            answer = told("POST", "/drain", {}, status=202)
            assert answer.json == {"draining": True}
            assert server.wait() == 0
            return "a drain is asked for, and ends the server"

        def all_described():
            missing = description.operations() - {operation for operation, _ in description.seen}
            assert not missing, f"never asked: {missing}"
            return f"{len(description.seen)} kinds of answers of all {len(description.operations())} operations fit the description"

        return report([create_change_and_delete, state_by_merge_patch, viewers, errors, chunked, described, nodes, token, drain,
                       all_described])


def guarded(server):
    (server.folder / "guarded").mkdir()
    (server.folder / "guarded" / "token").write_text("a-secret-of-some-length\n")
    return Server(BUILD, {"api_token_file": "token"}, folder=server.folder / "guarded")


if __name__ == "__main__":
    sys.exit(main())

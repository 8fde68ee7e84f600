import assert from "node:assert/strict";
import { test } from "node:test";

import { Servers, answers } from "../../../gst/viewer/page/servers.js";

test("the first server that answers is taken, each asked once, from a random one on", async () => {
  const asked = [];
  const servers = new Servers(() => 0.5, async (url) => {
    asked.push(url);
    return url === "http://a";
  });
  servers.know(["http://a", "http://b", "http://c"]);
  assert.equal(await servers.another(), "http://a");
  assert.deepEqual(asked, ["http://b", "http://c", "http://a"]);
});

test("nobody is there when nobody answers, or nobody is known", async () => {
  const servers = new Servers(() => 0, async () => false);
  assert.equal(await servers.another(), "");
  servers.know(["http://a"]);
  assert.equal(await servers.another(), "");
});

test("what is no list of addresses is nobody", async () => {
  const servers = new Servers(() => 0, async () => true);
  for (const urls of [undefined, null, "http://a", { length: 1 }, [1, null]]) {
    servers.know(urls);
    assert.equal(await servers.another(), "");
  }
});

test("any answer will do, and no answer is none", async () => {
  let asked;
  assert.equal(await answers("http://h:1/?x", async (url) => void (asked = url.href)), true);
  assert.equal(asked, "http://h:1/healthz");
  assert.equal(await answers("http://h:1", async () => Promise.reject(new TypeError("gone"))), false);
  assert.equal(await answers("no address", async () => {}), false);
});

// How the page waits between tries.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../../gst/viewer/page/backoff.js";

test("doubles from half a second to ten seconds, and not further", () => {
  const backoff = new Backoff(() => 0.999999);
  const waits = Array.from({ length: 8 }, () => backoff.next());
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10000, 10000, 10000]);
});

test("spreads each wait over the upper half of its step, never below half a second", () => {
  const backoff = new Backoff(() => 0);
  const waits = Array.from({ length: 7 }, () => backoff.next());
  assert.deepEqual(waits, [500, 500, 1000, 2000, 4000, 5000, 5000]);
});

test("counts its tries and starts again after a reset", () => {
  const backoff = new Backoff(() => 0.5);
  backoff.next();
  backoff.next();
  assert.equal(backoff.attempt, 2);
  backoff.reset();
  assert.equal(backoff.attempt, 0);
  assert.equal(backoff.next(), 500);
});

test("two viewers do not wait the same time", () => {
  const waits = () => {
    const backoff = new Backoff();
    for (let i = 0; i < 5; i++) backoff.next();
    return backoff.next();
  };
  const seen = new Set(Array.from({ length: 20 }, waits));
  assert.ok(seen.size > 10, `only ${seen.size} different waits out of 20`);
  for (const wait of seen) assert.ok(wait >= 5000 && wait <= 10000, `${wait} ms`);
});

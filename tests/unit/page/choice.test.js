import assert from "node:assert/strict";
import { test } from "node:test";

import { ids, switchInWords } from "../../../gst/viewer/page/choice.js";

test("a switch of quality says from where, to where and why", () => {
  const before = { campaign: "0", quality: "low" };
  assert.equal(
    switchInWords(before, { campaign: "0", quality: "high", reason: "the network allows it" }),
    "low → high, the network allows it",
  );
});

test("a switch of campaign names the campaigns, whatever the quality", () => {
  const before = { campaign: "0", quality: "low" };
  assert.equal(switchInWords(before, { campaign: "west", quality: "high" }), "campaign 0 → campaign west");
});

test("the first stream, and the same one again, are no switch", () => {
  const low = { campaign: "0", quality: "low" };
  assert.equal(switchInWords(null, low), "");
  assert.equal(switchInWords(low, { ...low }), "");
});

test("a list of ids may hold strings, objects and nonsense", () => {
  assert.deepEqual(ids(["a", { id: "b" }, { name: "c" }, 7, null]), ["a", "b", "c"]);
  assert.deepEqual(ids("a"), []);
  assert.deepEqual(ids(undefined), []);
});

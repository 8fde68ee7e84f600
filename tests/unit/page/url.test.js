// What the page's address asks for, and what the page says of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { campaignUrl, complaint, movedUrl, movesIn, request, socketUrl } from "../../../gst/viewer/page/url.js";
import { countdownInWords, inWords } from "../../../gst/viewer/page/state.js";

test("campaign 0 is watched when none is named", () => {
  assert.deepEqual(request(""), { campaign: "0", context: "", peer: "", token: "" });
  assert.equal(request("?campaign=").campaign, "0");
});

test("campaign, context and peer come from the address", () => {
  const asked = request("?campaign=nebula&context=a%20b&peer=p-1");
  assert.deepEqual(asked, { campaign: "nebula", context: "a b", peer: "p-1", token: "" });
});

test("an id that can not be one is told before anything is sent", () => {
  assert.equal(complaint({ campaign: "0", peer: "" }), "");
  assert.equal(complaint({ campaign: "A.b_c-9", peer: "x".repeat(64) }), "");
  assert.match(complaint({ campaign: "a b", peer: "" }), /“a b”/);
  assert.match(complaint({ campaign: "x".repeat(65), peer: "" }), /1 to 64/);
  assert.match(complaint({ campaign: "0", peer: "<p>" }), /viewer's id/);
});

test("the socket is on the page's own host, and as safe as the page", () => {
  const asked = { campaign: "0", context: "a b", peer: "", token: "" };
  assert.equal(socketUrl("http://h:8080/?campaign=0#x", asked), "ws://h:8080/ws?campaign=0&context=a+b");
  assert.equal(socketUrl("https://h/watch/", { ...asked, context: "", peer: "p" }), "wss://h/ws?campaign=0&peer=p");
});

test("a link to another campaign keeps the context and leaves the peer id behind", () => {
  assert.equal(campaignUrl("http://h/?campaign=x&context=c&peer=p", "0"), "http://h/?campaign=0&context=c");
});

test("every state has words, and an unknown one is a mistake", () => {
  for (const name of ["connecting", "live", "stalled", "reconnecting", "replaced", "refused"]) {
    assert.ok(inWords({ name, campaign: "0" }).short, name);
  }
  assert.throws(() => inWords({ name: "confused" }), RangeError);
  assert.equal(inWords({ name: "refused", code: "unknown-campaign" }).title, "There is no such campaign here");
  assert.equal(countdownInWords(3, 1200), "Attempt 3 in 2 s");
  assert.equal(countdownInWords(3, 0), "Attempt 3 under way");
});

test("another server's page shows what was watched here, and counts how often that happened", () => {
  const asked = { campaign: "c", context: "a b", peer: "p", token: "t" };
  const moved = movedUrl("http://other:8081/", "http://here:8080/?campaign=c", asked);
  assert.equal(moved, "http://other:8081/?campaign=c&context=a+b&peer=p&token=t#moved=1");
  assert.equal(movesIn(moved), 1);
  assert.equal(movesIn(movedUrl("http://here:8080/", moved, asked)), 2);
  assert.equal(movedUrl("https://other/?campaign=d", "http://here/", { ...asked, context: "", peer: "", token: "" }), "https://other/?campaign=d#moved=1");
});

test("what is no page's address leads nowhere", () => {
  const asked = { campaign: "c", context: "", peer: "", token: "" };
  for (const url of ["javascript:alert(1)", "data:text/html,x", "http://", "file:///etc/passwd"]) assert.equal(movedUrl(url, "http://here/", asked), "");
});

test("a campaign that is being started is named", () => {
  assert.equal(inWords({ name: "starting", campaign: "nebula" }).title, "Starting campaign nebula");
});

// What the page makes of the browser's counters.
import assert from "node:assert/strict";
import { test } from "node:test";
import { between, bitrateInWords, busyInWords, counters, toMessage } from "../../../gst/viewer/page/stats.js";
import { History } from "../../../gst/viewer/page/graphs.js";

function report(more = {}) {
  return new Map([
    ["I1", { type: "inbound-rtp", kind: "audio", framesDecoded: 99 }],
    ["I2", { type: "inbound-rtp", kind: "video", timestamp: 1000, framesDecoded: 10, framesDropped: 1,
             bytesReceived: 50_000, packetsLost: 2, jitter: 0.004, frameWidth: 1280, frameHeight: 720,
             jitterBufferDelay: 0.2, jitterBufferEmittedCount: 10, totalDecodeTime: 0.05, codecId: "C", ...more }],
    ["C", { type: "codec", mimeType: "video/H264" }],
    ["P0", { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 9 }],
    ["P1", { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.012 }],
    ["T", { type: "transport", selectedCandidatePairId: "P1" }],
  ]);
}

test("reads the video's counters, its codec and the chosen path's round trip", () => {
  const now = counters(report());
  assert.equal(now.framesDecoded, 10);
  assert.equal(now.codec, "H264");
  assert.equal(now.rtt, 0.012);
  assert.deepEqual([now.width, now.height], [1280, 720]);
});

test("a report without video is no sample", () => {
  assert.equal(counters(new Map([["T", { type: "transport" }]])), null);
});

test("differences become rates over the time that really passed", () => {
  const before = counters(report());
  const after = counters(report({ timestamp: 3000, framesDecoded: 70, framesDropped: 5, bytesReceived: 300_000,
                                  jitterBufferDelay: 0.8, jitterBufferEmittedCount: 70, totalDecodeTime: 0.35 }));
  const seen = between(before, after);
  assert.equal(seen.fps, 30);
  assert.equal(seen.bitrate, 1_000_000);
  assert.equal(seen.dropped, 2);
  assert.equal(seen.rtt, 12);
  assert.ok(Math.abs(seen.bufferDelay - 10) < 1e-9);
  assert.ok(Math.abs(seen.decodeTime - 5) < 1e-9);
});

test("no time, no rate; and counters that started again are not negative", () => {
  const before = counters(report());
  assert.equal(between(before, before), null);
  const seen = between(before, counters(report({ timestamp: 2000, framesDecoded: 0, bytesReceived: 0 })));
  assert.equal(seen.fps, 0);
  assert.equal(seen.bitrate, 0);
});

test("the message to the server is all finite numbers, also before a round trip is known", () => {
  const before = counters(report());
  const after = { ...counters(report({ timestamp: 2000, framesDecoded: 40 })), rtt: null };
  const { type, ...figures } = toMessage(between(before, after));
  assert.equal(type, "stats");
  for (const [name, value] of Object.entries(figures)) assert.ok(Number.isFinite(value), name);
  assert.equal(figures.fps, 30);
});

test("bitrates are said in the unit that fits", () => {
  assert.equal(bitrateInWords(450_000), "450 kbit/s");
  assert.equal(bitrateInWords(4_450_000), "4.5 Mbit/s");
  assert.equal(bitrateInWords(12_300_000), "12 Mbit/s");
});

test("a graph remembers a minute, and knows its least and most", () => {
  const history = new History();
  assert.equal(history.figures, null);
  for (let second = 0; second < 100; second++) history.push(second);
  assert.equal(history.values.length, 60);
  assert.deepEqual(history.figures, { now: 99, min: 40, max: 99 });
});

test("a busy server says what it shows less of", () => {
  assert.equal(busyInWords(null), "");
  assert.equal(busyInWords(undefined), "");
  assert.equal(busyInWords({ particles: 350_000, allParticles: 500_000, framerate: 30, fullFramerate: 30 }),
    "busy: 350,000 of 500,000 particles");
  assert.equal(busyInWords({ particles: 125_000, allParticles: 500_000, framerate: 20, fullFramerate: 30 }),
    "busy: 125,000 of 500,000 particles, 20 frames a second");
  assert.equal(busyInWords({ framerate: 20, fullFramerate: 30 }), "busy: 20 frames a second");
});

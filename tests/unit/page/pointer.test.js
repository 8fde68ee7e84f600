// Where a point of the page is in the picture, with and without black bars around it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inPicture, notches } from "../../../gst/viewer/page/pointer.js";

const video = { width: 1280, height: 720 };

test("a picture that fills its box maps corner to corner", () => {
  const box = { left: 100, top: 50, width: 640, height: 360 };
  assert.deepEqual(inPicture({ x: 100, y: 50 }, box, video), { x: 0, y: 0, inside: true });
  assert.deepEqual(inPicture({ x: 740, y: 410 }, box, video), { x: 1, y: 1, inside: true });
  assert.deepEqual(inPicture({ x: 420, y: 230 }, box, video), { x: 0.5, y: 0.5, inside: true });
});

test("bars above and below are not the picture", () => {
  const box = { left: 0, top: 0, width: 390, height: 844 }; // a phone; the picture is 390 × 219.375
  assert.deepEqual(inPicture({ x: 195, y: 422 }, box, video), { x: 0.5, y: 0.5, inside: true });
  assert.equal(inPicture({ x: 195, y: 311 }, box, video).inside, false);
  assert.equal(inPicture({ x: 195, y: 313 }, box, video).inside, true);
  assert.deepEqual(inPicture({ x: 39, y: 800 }, box, video), { x: 0.1, y: 1, inside: false });
});

test("bars left and right are not the picture", () => {
  const box = { left: 0, top: 0, width: 2000, height: 720 };
  assert.equal(inPicture({ x: 359, y: 360 }, box, video).inside, false);
  assert.deepEqual(inPicture({ x: 360, y: 360 }, box, video), { x: 0, y: 0.5, inside: true });
  assert.deepEqual(inPicture({ x: 1900, y: -10 }, box, video), { x: 1, y: 0, inside: false });
});

test("there is no place in a picture that is not there yet", () => {
  const box = { left: 0, top: 0, width: 640, height: 360 };
  assert.equal(inPicture({ x: 1, y: 1 }, box, { width: 0, height: 0 }), null);
  assert.equal(inPicture({ x: 1, y: 1 }, { ...box, height: 0 }, video), null);
});

test("a notch of the wheel is one, whatever unit the browser counts in", () => {
  assert.deepEqual(notches({ deltaX: 0, deltaY: -100, deltaMode: 0 }), { dx: 0, dy: 1 });
  assert.deepEqual(notches({ deltaX: 50, deltaY: 100, deltaMode: 0 }), { dx: 0.5, dy: -1 });
  assert.deepEqual(notches({ deltaX: 0, deltaY: -6.25, deltaMode: 1 }), { dx: 0, dy: 1 });
  assert.deepEqual(notches({ deltaX: 0, deltaY: -1, deltaMode: 2 }), { dx: 0, dy: 4 });
});

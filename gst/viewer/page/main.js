// Puts the page together, and shows what it knows as window.campaign for tests and for the curious.

import { Chrome } from "./chrome.js";
import { Menus } from "./menus.js";
import { Overlay } from "./overlay.js";
import { Picture } from "./picture.js";
import { Pointer } from "./pointer.js";
import { Session } from "./session.js";
import { request } from "./url.js";

const byId = (id) => document.getElementById(id);
const known = { firstFrameMs: null, stats: null, server: null, quality: null, world: null };

const picture = new Picture(byId("video"), byId("still"), (now) => {
  known.firstFrameMs ??= now;
  session.frame(now);
});
const overlay = new Overlay(byId("stats"), byId("graphs"), byId("figures"));
const pointer = new Pointer(byId("video"), byId("touch"), (message) => session.send(message));
const chrome = new Chrome(overlay, {
  retry: () => session.retry(),
  zoom: (notches) => pointer.zoom(notches),
});
const menus = new Menus(byId("campaigns"), byId("quality"), (campaign, quality) => session.watch(campaign, quality));
const session = new Session(request(location.search), picture, {
  state: (state) => chrome.state(state),
  welcome: (message) => {
    chrome.choice(message);
    menus.choice(message, session.quality);
  },
  message: receive,
  stats: (seen) => {
    known.stats = Object.freeze(seen);
    overlay.seen(seen);
  },
});

function receive(message) {
  switch (message.type) {
    case "stats":
      known.server = Object.freeze(message);
      overlay.server(message);
      chrome.server(message);
      break;
    case "quality":
      known.quality = Object.freeze(message);
      overlay.quality(message);
      menus.switched(message);
      session.switched(message);
      break;
    case "choice":
      chrome.choice(message);
      menus.choice(message, session.quality);
      break;
    case "campaign:state:v1:update":
      known.world = Object.freeze(message);
      overlay.world(message);
      break;
  }
}

Object.defineProperty(window, "campaign", {
  value: Object.freeze({
    /** {name: connecting | starting | moved | live | stalled | reconnecting | refused | replaced, …} */
    get state() {
      return session.state;
    },
    get peer() {
      return session.peer;
    },
    /** From the start of the navigation to the first frame, in ms; null before. */
    get firstFrameMs() {
      return known.firstFrameMs;
    },
    /** What this viewer measured in the last second. */
    get stats() {
      return known.stats;
    },
    /** What the server last said about the campaign, the rung, and the world. */
    get server() {
      return known.server;
    },
    get quality() {
      return known.quality;
    },
    get world() {
      return known.world;
    },
  }),
});

session.start();

// One try to watch: a signalling socket and a peer that live and die together. session.js decides what
// comes after it.

import { Peer } from "./peer.js";
import { Signalling } from "./signalling.js";
import { between, counters, toMessage } from "./stats.js";

const FIRST_FRAME_MS = 15_000; // from opening the socket; beyond it, another try is the better bet
const STARTING_MS = 40_000; // for a campaign to be started; the server gives up before
const STALLED_MS = 3_000;
const HOPELESS_MS = 10_000; // a stall this long is not going to end by itself
const SAMPLE_MS = 1_000;

export class Connection {
  #on;
  #signalling;
  #peer = null;
  #picture;
  #timers = [];
  #patience = 0; // timer of the first frame
  #welcomed = false;
  #refusal = null; // an error that came before the socket closed
  #goodbye = "";
  #over = false;
  #stalled = false;
  #lastFrame = 0; // performance.now(); 0 before the first
  #counters = null;
  #samples = 0;

  /**
   * @param {string} url
   * @param {import("./picture.js").Picture} picture
   * @param {{welcome: (message: object) => void, message: (message: object) => void,
   *          live: () => void, stalled: () => void, stats: (seen: object) => void,
   *          starting: () => void, moved: (url: string) => void,
   *          servers: (urls: string[]) => void,
   *          lost: (why: string, reached: boolean) => void, refused: (error: object) => void, replaced: () => void}} on
   *        lost, refused, moved and replaced come last, and only one of them
   */
  constructor(url, picture, on) {
    this.#on = on;
    this.#picture = picture;
    this.#signalling = new Signalling(url, {
      onMessage: (message) => this.#receive(message),
      onClose: (code) => this.#closed(code),
    });
    this.#timers.push(setInterval(() => this.#sample(), SAMPLE_MS));
    this.#expectFrame(FIRST_FRAME_MS);
  }

  send(message) {
    this.#signalling.send(message);
  }

  /** The picture showed a frame. */
  frame(now) {
    const first = this.#lastFrame === 0;
    this.#lastFrame = now;
    if (first || this.#stalled) {
      this.#stalled = false;
      this.#on.live();
    }
  }

  close() {
    this.#over = true;
    clearTimeout(this.#patience);
    this.#timers.forEach(clearTimeout); // the browser keeps both kinds in one list
    this.#signalling.close();
    this.#peer?.close();
  }

  #expectFrame(within) {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      if (this.#lastFrame === 0) this.#lose(this.#welcomed ? "no picture arrived" : "the server does not answer");
    }, within);
  }

  #receive(message) {
    switch (message.type) {
      case "waiting":
        this.#expectFrame(STARTING_MS);
        this.#on.starting();
        break;
      case "welcome":
        this.#welcomed = true;
        this.#expectFrame(FIRST_FRAME_MS);
        this.#startPeer(Array.isArray(message.iceServers) ? message.iceServers : []);
        this.#on.welcome(message);
        break;
      case "offer":
        this.#peer?.offer(message.sdp);
        break;
      case "ice":
        this.#peer?.ice(message);
        break;
      case "error":
        console.warn(`the server says ${message.code}: ${message.message}`);
        this.#refusal = message;
        break;
      case "bye":
        this.#goodbye = message.reason ?? "";
        if (this.#goodbye === "replaced") this.#finish(() => this.#on.replaced());
        if (this.#goodbye === "moved") this.#finish(() => this.#on.moved(String(message.url ?? "")));
        if (this.#goodbye === "removed") this.#finish(() => this.#on.refused({ code: "removed", message: "" }));
        break;
      case "servers":
        this.#on.servers(message.urls);
        break;
      case "pong":
        break;
      default:
        this.#on.message(message);
    }
  }

  #startPeer(iceServers) {
    this.#peer?.close();
    this.#peer = new Peer(iceServers, {
      send: (message) => this.#signalling.send(message),
      onStream: (stream) => this.#picture.play(stream),
      onFailure: (why) => this.#lose(why),
    });
  }

  async #sample() {
    if (this.#peer) {
      const now = counters(await this.#peer.stats());
      if (this.#over) return;
      const seen = now && this.#counters && between(this.#counters, now);
      this.#counters = now;
      if (seen) {
        // A hidden tab shows no frames but still decodes them: that is no stall.
        if (seen.fps > 0 && document.hidden && this.#lastFrame > 0) this.frame(performance.now());
        this.#samples += 1;
        if (this.#samples % 2 === 0) this.send(toMessage(seen));
        this.#on.stats(seen);
      }
    }
    this.#judge();
  }

  #judge() {
    if (this.#lastFrame === 0) return;
    const since = performance.now() - this.#lastFrame;
    if (since > HOPELESS_MS) {
      this.#lose("the picture stood still");
    } else if (since > STALLED_MS && !this.#stalled) {
      this.#stalled = true;
      this.#on.stalled();
    }
  }

  #closed(code) {
    // 4000 to 4999 are the server's own refusals; everything else is a connection that went away.
    if (code >= 4000 || (this.#refusal && !this.#welcomed)) {
      const error = this.#refusal ?? { code: "", message: `the server closed with ${code}` };
      this.#finish(() => this.#on.refused(error));
    } else if (this.#goodbye) {
      this.#lose(`the server said goodbye (${this.#goodbye})`);
    } else {
      this.#lose(this.#welcomed ? "the connection to the server was lost" : "the server can not be reached");
    }
  }

  #lose(why) {
    this.#finish(() => this.#on.lost(why, this.#welcomed));
  }

  #finish(tell) {
    if (this.#over) return;
    this.close();
    tell();
  }
}

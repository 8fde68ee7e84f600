// Keeps watching: makes one connection after the other until there is a picture, says in which state
// that is, and stops only when the server refuses or another tab took over.

import { Backoff } from "./backoff.js";
import { AUTO } from "./choice.js";
import { Connection } from "./connection.js";
import { Servers, answers } from "./servers.js";
import { passes } from "./state.js";
import { complaint, movedUrl, movesIn, socketUrl } from "./url.js";

const MOST_UNANSWERED = 5;

export class Session {
  #request;
  #picture;
  #on;
  #backoff = new Backoff();
  #servers = new Servers();
  #unanswered = 0; // how often a server that we were sent to did not answer
  #connection = null;
  #waiting = null; // timer of the next try
  #givenPeer; // the id the page's address asked for, which is kept whatever happens
  #quality = AUTO; // what the viewer wishes, also after coming back
  #state;

  /**
   * @param {{campaign: string, context: string, peer: string, token: string}} request
   * @param {import("./picture.js").Picture} picture
   * @param {{state: (state: object) => void, welcome: (message: object) => void,
   *          message: (message: object) => void, stats: (seen: object) => void}} on
   */
  constructor(request, picture, on) {
    this.#request = { ...request };
    this.#givenPeer = request.peer;
    this.#picture = picture;
    this.#on = on;
    this.#state = { name: "connecting", campaign: request.campaign };
    const again = () => {
      if (!document.hidden) this.#retryIfWaiting();
    };
    addEventListener("online", again);
    document.addEventListener("visibilitychange", again);
  }

  get state() {
    return this.#state;
  }

  /** The viewer's id, as far as one is known. */
  get peer() {
    return this.#request.peer;
  }

  start() {
    const why = complaint(this.#request);
    if (why) {
      this.#enter({ name: "refused", code: "bad-id", why });
      return;
    }
    this.#enter({ name: "connecting" });
    this.#connect();
  }

  /** The viewer asks: now, and as if for the first time. */
  retry() {
    this.#backoff.reset();
    if (this.#state.name === "reconnecting") this.#retryIfWaiting();
    else if (!this.#connection) this.start();
  }

  /** The quality that the viewer wishes. */
  get quality() {
    return this.#quality;
  }

  /** The viewer wishes to see this, over the connection that is there. */
  watch(campaign, quality) {
    this.#quality = quality;
    this.send({ type: "subscribe", campaign, quality });
  }

  /** The server sends this from here on; coming back, or reloading the page, leads to the same campaign. */
  switched({ campaign }) {
    if (!campaign || campaign === this.#request.campaign) return;
    this.#request.campaign = campaign;
    const address = new URL(location.href);
    address.searchParams.set("campaign", campaign);
    history.replaceState(null, "", address);
    const { campaign: _, ...state } = this.#state;
    this.#enter(state);
  }

  send(message) {
    this.#connection?.send(message);
  }

  frame(now) {
    this.#connection?.frame(now);
  }

  #connect() {
    clearTimeout(this.#waiting);
    this.#waiting = null;
    this.#connection = new Connection(socketUrl(location.href, this.#request), this.#picture, {
      welcome: (message) => {
        // Coming back under the same id lets the server end the old session at once.
        if (typeof message.peer === "string") this.#request.peer = message.peer;
        this.#on.welcome(message);
        if (this.#quality !== AUTO) this.watch(this.#request.campaign, this.#quality);
      },
      message: this.#on.message,
      stats: this.#on.stats,
      starting: () => this.#enter({ name: "starting" }),
      live: () => {
        this.#backoff.reset();
        if (movesIn(location.href) > 0) history.replaceState(null, "", location.pathname + location.search);
        this.#enter({ name: "live" });
      },
      stalled: () => this.#enter({ name: "stalled" }),
      servers: (urls) => this.#servers.know(urls),
      lost: (why, reached) => this.#lost(why, reached),
      refused: (error) => this.#refused(error),
      replaced: () => this.#end({ name: "replaced" }),
      moved: (to) => this.#moved(to),
    });
  }

  // This server may know of the other's end a little later than we: then it is asked again. A server that this
  // page may not ask looks the same, so in the end it goes there all the same.
  async #moved(to) {
    const url = movedUrl(to, location.href, this.#request);
    if (!url) {
      this.#wait("the server sent this viewer to no page");
      return;
    }
    this.#letGo();
    if (this.#unanswered < MOST_UNANSWERED && !(await answers(url))) {
      this.#unanswered += 1;
      this.#wait("the server that shows this campaign does not answer");
      return;
    }
    this.#follow(url);
  }

  // Two servers that send the viewer to each other are asked ever less often.
  #follow(url) {
    this.#end({ name: "moved", url });
    setTimeout(() => location.replace(url), Math.min(movesIn(location.href) ** 2 * 250, 10_000));
  }

  // A server that is gone may have left its campaigns to others.
  async #lost(why, reached) {
    this.#wait(why);
    if (reached) return;
    const waiting = this.#waiting;
    const other = await this.#servers.another();
    const url = other && this.#waiting === waiting && movedUrl(other, location.href, this.#request);
    if (!url) return;
    clearTimeout(this.#waiting);
    this.#waiting = null;
    this.#follow(url);
  }

  #wait(why) {
    this.#letGo();
    const delay = this.#backoff.next();
    this.#enter({ name: "reconnecting", why, attempt: this.#backoff.attempt, nextTry: performance.now() + delay });
    this.#waiting = setTimeout(() => this.#tryAgain(), delay);
  }

  #retryIfWaiting() {
    if (this.#waiting !== null) this.#tryAgain();
  }

  #tryAgain() {
    this.#enter({ ...this.#state, nextTry: 0 });
    this.#connect();
  }

  #refused(error) {
    if (passes(error.code)) {
      this.#wait(error.message);
      return;
    }
    if (error.code === "peer-in-use" && this.#request.peer && !this.#givenPeer) {
      this.#request.peer = ""; // it was the server that chose it, so it may choose another
      this.#wait(error.message);
      return;
    }
    this.#end({ name: "refused", code: error.code, why: error.message, campaigns: error.campaigns });
  }

  #end(state) {
    this.#letGo();
    this.#enter(state);
  }

  #letGo() {
    this.#connection = null;
    this.#picture.freeze();
  }

  #enter(state) {
    this.#state = Object.freeze({ campaign: this.#request.campaign, ...state });
    this.#on.state(this.#state);
  }
}

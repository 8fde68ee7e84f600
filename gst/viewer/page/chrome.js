// What lies around the picture: the card that says what is going on, the bar, the keys, full screen,
// and how all of it fades away when nobody moves.

import { ids } from "./choice.js";
import { countdownInWords, inWords } from "./state.js";
import { campaignUrl } from "./url.js";

const IDLE_MS = 2_500;
const byId = (id) => document.getElementById(id);

export class Chrome {
  #overlay;
  #actions;
  #idleTimer = 0;
  #countdown = 0;
  #campaigns = [];

  /**
   * @param {import("./overlay.js").Overlay} overlay
   * @param {{retry: () => void, zoom: (notches: number) => void}} actions
   */
  constructor(overlay, actions) {
    this.#overlay = overlay;
    this.#actions = actions;
    byId("card-retry").onclick = actions.retry;
    byId("toggle-stats").onclick = () => this.#toggleStats();
    byId("toggle-help").onclick = () => this.#toggleHelp();
    byId("toggle-full").onclick = () => this.#toggleFullScreen();
    byId("video").ondblclick = () => this.#toggleFullScreen();
    document.addEventListener("fullscreenchange", () => {
      byId("toggle-full").setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    for (const event of ["pointermove", "pointerdown", "keydown", "focusin"]) {
      document.addEventListener(event, () => this.#awake(), { passive: true });
    }
    this.#awake();
  }

  state(state) {
    const words = inWords(state);
    document.body.dataset.state = state.name;
    document.title = state.name === "live" ? `Campaign ${state.campaign}` : `Campaign ${state.campaign} – ${words.short}`;
    byId("state").textContent = words.short;
    byId("campaign").textContent = `campaign ${state.campaign}`;
    if (state.name === "live") {
      byId("card").inert = true; // it fades out with its last words
      clearInterval(this.#countdown);
      return;
    }
    byId("card").inert = false;
    byId("card-title").textContent = words.title;
    byId("card-text").textContent = words.text;
    byId("card-retry").textContent = words.retry;
    byId("card-retry").hidden = !words.retry;
    this.#listCampaigns(state);
    this.#count(state);
  }

  /** What the server says each second. */
  server({ tooSlow }) {
    byId("notice").hidden = !tooSlow;
  }

  choice({ campaigns }) {
    this.#campaigns = ids(campaigns);
  }

  #listCampaigns(state) {
    const list = byId("card-campaigns");
    const known = state.name === "refused" && state.code === "unknown-campaign" ? ids(state.campaigns ?? this.#campaigns) : [];
    list.hidden = known.length === 0;
    list.replaceChildren(
      ...known.map((id) => {
        const item = document.createElement("li");
        const link = document.createElement("a");
        link.href = campaignUrl(location.href, id);
        link.textContent = `campaign ${id}`;
        item.append(link);
        return item;
      }),
    );
  }

  // Outside the live region: a screen reader hears the state once, and not every second.
  #count(state) {
    clearInterval(this.#countdown);
    const line = byId("card-countdown");
    if (state.name !== "reconnecting") {
      line.textContent = "";
      return;
    }
    const show = () => {
      line.textContent = countdownInWords(state.attempt, state.nextTry - performance.now());
    };
    show();
    if (state.nextTry > 0) this.#countdown = setInterval(show, 250);
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input, select, textarea")) return;
    switch (event.key) {
      case "s":
        this.#toggleStats();
        break;
      case "f":
        this.#toggleFullScreen();
        break;
      case "?":
        this.#toggleHelp();
        break;
      case "+":
      case "=":
        this.#actions.zoom(1);
        break;
      case "-":
        this.#actions.zoom(-1);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  #toggleStats() {
    this.#overlay.toggle();
    byId("toggle-stats").setAttribute("aria-expanded", String(this.#overlay.open));
  }

  #toggleHelp() {
    const help = byId("help");
    if (help.open) help.close();
    else help.showModal();
  }

  #toggleFullScreen() {
    const video = byId("video");
    if (document.fullscreenElement) document.exitFullscreen();
    else if (document.documentElement.requestFullscreen) {
      document.documentElement
        .requestFullscreen()
        .then(() => screen.orientation?.lock?.("landscape").catch(() => {})) // phones turn, others need not
        .catch((error) => console.warn("no full screen:", error.message));
    } else video.webkitEnterFullscreen?.(); // iPhones only know it for videos
  }

  #awake() {
    document.body.classList.remove("idle");
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      // Nothing fades under a keyboard user's focus.
      if (document.querySelector("#bar :focus-visible, dialog[open]")) return;
      document.body.classList.add("idle");
    }, IDLE_MS);
  }
}

// The statistics: four live graphs, and the rest as a list of words.

import { switchInWords } from "./choice.js";
import { Graph } from "./graphs.js";
import { bitrateInWords, busyInWords } from "./stats.js";

const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

export class Overlay {
  #panel;
  #list;
  #graphs;
  #rows = new Map(); // term → <dd>
  #seen = null;
  #server = null;
  #quality = null; // the last message
  #switch = "";
  #world = null; // the last message

  constructor(panel, graphs, list) {
    this.#panel = panel;
    this.#list = list;
    const graph = (what) => new Graph(graphs, what);
    this.#graphs = {
      fps: graph({ label: "Frames a second", inWords: (value) => value.toFixed(1), atLeast: 30 }),
      bitrate: graph({ label: "Bitrate", inWords: bitrateInWords, atLeast: 1e6 }),
      rtt: graph({ label: "Round trip", inWords: ms, atLeast: 5 }),
      dropped: graph({ label: "Dropped a second", inWords: (value) => value.toFixed(0), atLeast: 5 }),
    };
  }

  get open() {
    return !this.#panel.hidden;
  }

  toggle() {
    this.#panel.hidden = !this.#panel.hidden;
    if (this.open) this.#drawAll();
  }

  /** What this viewer measured. */
  seen(seen) {
    this.#seen = seen;
    for (const [name, graph] of Object.entries(this.#graphs)) graph.push(seen[name], this.open);
    if (this.open) this.#words();
  }

  /** What the server told about the campaign. */
  server(stats) {
    this.#server = stats;
    if (this.open) this.#words();
  }

  /** What the server told about the state of the campaign. */
  world(message) {
    this.#world = message;
    if (this.open) this.#words();
  }

  quality(message) {
    this.#switch = switchInWords(this.#quality, message) || this.#switch;
    this.#quality = message;
    if (this.open) this.#words();
  }

  #drawAll() {
    for (const graph of Object.values(this.#graphs)) graph.draw();
    this.#words();
  }

  #words() {
    const seen = this.#seen;
    const server = this.#server ?? {};
    const words = {
      Resolution: seen?.width ? `${seen.width} × ${seen.height}` : "",
      Quality: this.#quality?.quality || server.quality,
      "Last switch": this.#switch,
      "Network carries": server.estimate > 0 ? bitrateInWords(server.estimate) : "",
      Codec: [seen?.codec || server.codec, server.encoder].filter(Boolean).join(", "),
      Decoder: seen?.decoder,
      "Frames decoded": seen && seen.framesDecoded.toLocaleString("en"),
      "Frames dropped": seen && seen.framesDropped.toLocaleString("en"),
      "Packets lost": seen && seen.packetsLost.toLocaleString("en"),
      Freezes: seen && String(seen.freezeCount),
      Jitter: seen && ms(seen.jitter),
      "Waiting to be shown": seen?.bufferDelay != null ? ms(seen.bufferDelay) : "",
      "Decoding a frame": seen?.decodeTime != null ? ms(seen.decodeTime) : "",
      "Server sends": server.bitrate > 0 ? bitrateInWords(server.bitrate) : "",
      State: this.#world ? `revision ${this.#world.revision}` : "",
      Server: busyInWords(server.busy),
      Viewers: server.viewers != null ? String(server.viewers) : "",
    };
    for (const [term, text] of Object.entries(words)) this.#row(term, text || "");
  }

  #row(term, text) {
    let definition = this.#rows.get(term);
    if (!definition) {
      const row = document.createElement("div");
      const title = document.createElement("dt");
      title.textContent = term;
      definition = document.createElement("dd");
      row.append(title, definition);
      this.#list.append(row);
      this.#rows.set(term, definition);
    }
    if (definition.textContent !== text) definition.textContent = text;
    definition.parentElement.hidden = !text;
  }
}

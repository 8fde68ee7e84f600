// The menus of what to watch: which campaign, and at which quality. They show what the viewer asked for, and
// beside "auto" what the server chose.

import { AUTO, ids } from "./choice.js";

export class Menus {
  #campaign;
  #quality;
  #sent = ""; // the quality that the server sends

  /**
   * @param {HTMLSelectElement} campaign
   * @param {HTMLSelectElement} quality each within a label, hidden while there is nothing to choose
   * @param {(campaign: string, quality: string) => void} choose
   */
  constructor(campaign, quality, choose) {
    this.#campaign = campaign;
    this.#quality = quality;
    campaign.onchange = quality.onchange = () => choose(campaign.value, quality.value);
  }

  /** @param {{campaign: string, campaigns: string[], qualities: string[]}} message */
  choice(message, wishedQuality) {
    const campaigns = ids(message.campaigns);
    const qualities = ids(message.qualities);
    fill(this.#campaign, campaigns, (id) => `campaign ${id}`, message.campaign);
    fill(this.#quality, [AUTO, ...qualities], (name) => name, wishedQuality);
    this.#campaign.parentElement.hidden = campaigns.length < 2;
    this.#quality.parentElement.hidden = qualities.length < 2;
    this.#labelAuto();
  }

  /** The server sends another stream from here on. */
  switched({ campaign, quality }) {
    this.#campaign.value = campaign;
    this.#sent = quality;
    this.#labelAuto();
  }

  #labelAuto() {
    const auto = this.#quality.options[0];
    if (auto) auto.textContent = this.#sent ? `${AUTO} · ${this.#sent}` : AUTO;
  }
}

function fill(select, values, inWords, chosen) {
  select.replaceChildren(...values.map((value) => new Option(inWords(value), value, false, value === chosen)));
}

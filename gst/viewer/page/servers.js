// The other servers that show the same campaigns: whom to turn to when this one is gone. A page that is sent
// to a server that does not answer would be lost, so each is asked first.

const ANSWER_MS = 1_500;

/** Does this server answer? Any answer will do; the browser does not let us read it. */
export async function answers(server, ask = fetch) {
  try {
    await ask(new URL("/healthz", server), {
      mode: "no-cors",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return true;
  } catch {
    return false;
  }
}

export class Servers {
  #urls = [];
  #first = 0;
  #random;
  #answers;

  /** @param {() => number} random in [0, 1) @param {(server: string) => Promise<boolean>} asks */
  constructor(random = Math.random, asks = answers) {
    this.#random = random;
    this.#answers = asks;
  }

  /** What the server says about the others. */
  know(urls) {
    this.#urls = Array.isArray(urls) ? urls.filter((url) => typeof url === "string").slice(0, 256) : [];
    // Not everybody turns to the same one.
    this.#first = Math.floor(this.#random() * this.#urls.length);
  }

  /** @returns {Promise<string>} one that answers; empty: none does */
  async another() {
    const { length } = this.#urls;
    for (let i = 0; i < length; i += 1) {
      const url = this.#urls[(this.#first + i) % length];
      if (await this.#answers(url)) return url;
    }
    return "";
  }
}

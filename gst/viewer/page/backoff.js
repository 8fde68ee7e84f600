// How long to wait before the next try: doubling from half a second to ten, spread at random so that
// the viewers of a server that comes back do not all knock at once.

const FIRST_MS = 500;
const LONGEST_MS = 10_000;

export class Backoff {
  #random;
  #tries = 0;

  /** @param {() => number} random in [0, 1) */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** Which try the wait is for, from 1. */
  get attempt() {
    return this.#tries;
  }

  /** @returns {number} milliseconds, between half of the step and all of it */
  next() {
    const step = Math.min(FIRST_MS * 2 ** this.#tries, LONGEST_MS);
    this.#tries += 1;
    return Math.max(FIRST_MS, Math.round(step * (0.5 + this.#random() / 2)));
  }

  reset() {
    this.#tries = 0;
  }
}

// A small live graph of one figure: a line over the last minute, with now, least and most in words.

const SAMPLES = 60; // one a second

/** The last values of a figure. Pure. */
export class History {
  #values = [];

  push(value) {
    this.#values.push(value);
    if (this.#values.length > SAMPLES) this.#values.shift();
  }

  get values() {
    return this.#values;
  }

  /** @returns {{now: number, min: number, max: number} | null} null before there is a value */
  get figures() {
    if (this.#values.length === 0) return null;
    return { now: this.#values.at(-1), min: Math.min(...this.#values), max: Math.max(...this.#values) };
  }
}

export class Graph {
  #history = new History();
  #canvas;
  #now;
  #range;
  #inWords;
  #atLeast;

  /**
   * @param {HTMLElement} parent
   * @param {{label: string, inWords: (value: number) => string, atLeast: number}} what
   *        atLeast: the height of the scale while all values are smaller
   */
  constructor(parent, { label, inWords, atLeast }) {
    this.#inWords = inWords;
    this.#atLeast = atLeast;
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.append(element("span", "label", label), (this.#now = element("b", "now", "–")));
    this.#canvas = element("canvas", "", "");
    this.#canvas.setAttribute("aria-hidden", "true");
    this.#range = element("small", "range", "");
    figure.append(caption, this.#canvas, this.#range);
    parent.append(figure);
  }

  /** Draws only what can be seen: a closed panel keeps its history and costs nothing. */
  push(value, visible) {
    if (value === null || !Number.isFinite(value)) return;
    this.#history.push(value);
    if (visible) this.draw();
  }

  draw() {
    const figures = this.#history.figures;
    if (!figures) return;
    this.#now.textContent = this.#inWords(figures.now);
    this.#range.textContent = `${this.#inWords(figures.min)} – ${this.#inWords(figures.max)}`;
    this.#line(figures.max);
  }

  #line(max) {
    const ratio = devicePixelRatio || 1;
    const width = Math.round(this.#canvas.clientWidth * ratio);
    const height = Math.round(this.#canvas.clientHeight * ratio);
    if (width === 0 || height === 0) return;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const context = this.#canvas.getContext("2d");
    const values = this.#history.values;
    const top = Math.max(max, this.#atLeast) * 1.1;
    const x = (index) => width - ((values.length - 1 - index) * width) / (SAMPLES - 1);
    const y = (value) => height - ratio - (value / top) * (height - 2 * ratio);
    const colour = getComputedStyle(this.#canvas).color;

    context.clearRect(0, 0, width, height);
    context.beginPath();
    values.forEach((value, index) => context.lineTo(x(index), y(value)));
    context.strokeStyle = colour;
    context.lineWidth = 1.5 * ratio;
    context.lineJoin = "round";
    context.stroke();
    context.lineTo(width, height);
    context.lineTo(x(0), height);
    context.closePath();
    context.globalAlpha = 0.14;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

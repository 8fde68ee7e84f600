// Pointer, wheel and touch on the picture, as control messages that act on the world.

/**
 * Where in the picture a point of the page is, when the picture is fitted into its box (object-fit: contain).
 * @param {{x: number, y: number}} point in CSS pixels
 * @param {{left: number, top: number, width: number, height: number}} box of the element, likewise
 * @param {{width: number, height: number}} video its own size
 * @returns {{x: number, y: number, inside: boolean} | null} 0 to 1 from the top left; clamped when outside
 */
export function inPicture(point, box, video) {
  if (!(box.width > 0 && box.height > 0 && video.width > 0 && video.height > 0)) return null;
  const scale = Math.min(box.width / video.width, box.height / video.height);
  const width = video.width * scale;
  const height = video.height * scale;
  const x = (point.x - box.left - (box.width - width) / 2) / width;
  const y = (point.y - box.top - (box.height - height) / 2) / height;
  return { x: clamp(x), y: clamp(y), inside: x >= 0 && x <= 1 && y >= 0 && y <= 1 };
}

function clamp(value) {
  return Math.min(1, Math.max(0, value));
}

const LINE_PX = 16; // of a wheel that counts lines (Firefox)
const PAGE_PX = 400;
const NOTCH_PX = 100; // what one notch of an ordinary wheel scrolls

/** A wheel event as notches; positive dy is away from the user, as GstNavigation has it. */
export function notches({ deltaX, deltaY, deltaMode }) {
  const px = deltaMode === 1 ? LINE_PX : deltaMode === 2 ? PAGE_PX : 1;
  return { dx: (deltaX * px) / NOTCH_PX, dy: (-deltaY * px) / NOTCH_PX };
}

/** Sends what happens at most once a frame: the latest position, and the sum of the wheel. */
export class Pointer {
  #video;
  #ring;
  #send;
  #pressed = null; // {id, button}
  #touches = new Map(); // pointer id → position, for pinching
  #move = null;
  #scroll = null;
  #frame = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLElement} ring shown where the world is touched
   * @param {(message: object) => void} send
   */
  constructor(video, ring, send) {
    this.#video = video;
    this.#ring = ring;
    this.#send = send;
    video.addEventListener("pointerdown", (event) => this.#down(event));
    video.addEventListener("pointermove", (event) => this.#moved(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      video.addEventListener(end, (event) => this.#up(event));
    }
    video.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    video.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** Zooms about the middle of the picture, for the keyboard. */
  zoom(dy) {
    this.#scrollAt({ x: 0.5, y: 0.5 }, 0, dy);
  }

  #at(event) {
    return inPicture({ x: event.clientX, y: event.clientY }, this.#video.getBoundingClientRect(), {
      width: this.#video.videoWidth,
      height: this.#video.videoHeight,
    });
  }

  #down(event) {
    if (event.pointerType === "touch") {
      this.#touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (this.#touches.size === 2) this.#release(this.#at(event)); // a pinch, not a press
    }
    const at = this.#at(event);
    if (!at?.inside || this.#pressed || this.#touches.size > 1 || event.button > 2) return;
    event.preventDefault();
    this.#video.setPointerCapture(event.pointerId);
    this.#pressed = { id: event.pointerId, button: event.button + 1 };
    this.#control("mouse-button-press", at, { button: this.#pressed.button });
    this.#showRing(event);
  }

  #moved(event) {
    if (this.#touches.size === 2 && this.#touches.has(event.pointerId)) {
      this.#pinch(event);
      return;
    }
    if (this.#pressed?.id !== event.pointerId) return;
    this.#move = this.#at(event);
    this.#showRing(event);
    this.#later();
  }

  #up(event) {
    this.#touches.delete(event.pointerId);
    if (this.#pressed?.id === event.pointerId) this.#release(this.#at(event));
  }

  #release(at) {
    this.#ring.classList.remove("on");
    if (!this.#pressed) return;
    this.#flush();
    const { button } = this.#pressed;
    this.#pressed = null;
    if (at) this.#control("mouse-button-release", at, { button });
  }

  #pinch(event) {
    const distance = () => {
      const [a, b] = [...this.#touches.values()];
      return Math.hypot(a.x - b.x, a.y - b.y);
    };
    const before = distance();
    this.#touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const at = this.#at(event);
    if (at) this.#scrollAt(at, 0, (distance() - before) / NOTCH_PX);
  }

  #wheel(event) {
    const at = this.#at(event);
    if (!at?.inside || event.ctrlKey) return; // with Ctrl it zooms the page
    event.preventDefault();
    const { dx, dy } = notches(event);
    this.#scrollAt(at, dx, dy);
  }

  #scrollAt(at, dx, dy) {
    const sum = this.#scroll ?? { dx: 0, dy: 0 };
    this.#scroll = { at, dx: sum.dx + dx, dy: sum.dy + dy };
    this.#later();
  }

  #later() {
    this.#frame ||= requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#move) this.#control("mouse-move", this.#move, {});
    if (this.#scroll) this.#control("mouse-scroll", this.#scroll.at, { dx: this.#scroll.dx, dy: this.#scroll.dy });
    this.#move = this.#scroll = null;
  }

  #control(event, { x, y }, more) {
    this.#send({ type: "control", event, x, y, ...more });
  }

  #showRing(event) {
    this.#ring.style.translate = `${event.clientX}px ${event.clientY}px`;
    this.#ring.classList.toggle("repel", this.#pressed.button === 3);
    this.#ring.classList.add("on");
  }
}

// One WebSocket to the server: JSON messages in and out, and the knowledge that it is still there.

const PING_MS = 5_000;
const SILENCE_MS = 12_000; // the server speaks every second, so this long means it is gone

export class Signalling {
  #socket;
  #heartbeat;
  #heard = performance.now();
  #onMessage;
  #onClose;

  /**
   * @param {string} url
   * @param {{onMessage: (message: object) => void, onClose: (code: number) => void}} to
   *        onClose is called once, unless this side called close()
   */
  constructor(url, { onMessage, onClose }) {
    this.#onMessage = onMessage;
    this.#onClose = onClose;
    this.#socket = new WebSocket(url);
    this.#socket.onmessage = (event) => this.#receive(event.data);
    this.#socket.onclose = (event) => this.#closed(event.code);
    this.#heartbeat = setInterval(() => this.#beat(), PING_MS);
  }

  /** Messages to a socket that is not open are dropped: whoever reconnects starts afresh. */
  send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  close() {
    clearInterval(this.#heartbeat);
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  #receive(data) {
    this.#heard = performance.now();
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      console.warn("the server sent what is not JSON");
      return;
    }
    if (typeof message?.type === "string") this.#onMessage(message);
  }

  #beat() {
    if (performance.now() - this.#heard > SILENCE_MS) {
      this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close();
      this.#closed(1006); // what a browser reports for a connection that broke
      return;
    }
    this.send({ type: "ping" });
  }

  #closed(code) {
    clearInterval(this.#heartbeat);
    this.#onClose(code);
  }
}

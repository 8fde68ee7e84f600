// The video element: plays a stream, tells of each frame, and keeps the last one as a still while the
// connection is away, so that a reconnect is a pause and not a black screen.

export class Picture {
  #video;
  #still;
  #onFrame;
  #shown = 0; // counts streams, so that a callback of an earlier one is recognised

  /** @param {(now: number) => void} onFrame called for each frame that is shown, with performance.now() */
  constructor(video, still, onFrame) {
    this.#video = video;
    this.#still = still;
    this.#onFrame = onFrame;
  }

  play(stream) {
    const shown = ++this.#shown;
    this.#video.srcObject = stream;
    if ("requestVideoFrameCallback" in this.#video) {
      const each = () => {
        if (shown !== this.#shown) return;
        this.#onFrame(performance.now());
        this.#video.requestVideoFrameCallback(each);
      };
      this.#video.requestVideoFrameCallback(each);
    } else {
      this.#video.ontimeupdate = () => this.#onFrame(performance.now());
    }
    // Muted video may always start by itself; an abort only means that the next stream is here.
    this.#video.play().catch((error) => {
      if (error.name !== "AbortError") console.warn("the video does not play:", error.message);
    });
  }

  /** Lets the stream go and leaves its last frame standing. */
  freeze() {
    this.#shown += 1;
    const { videoWidth, videoHeight } = this.#video;
    if (videoWidth > 0) {
      this.#still.width = videoWidth;
      this.#still.height = videoHeight;
      this.#still.getContext("2d").drawImage(this.#video, 0, 0);
    }
    this.#video.srcObject = null;
  }
}

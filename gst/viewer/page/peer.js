// The viewer's half of one WebRTC session: the server offers, this answers and hands out the video.

export class Peer {
  #connection;
  #send;
  #order = Promise.resolve(); // descriptions and candidates are applied in the order they came

  /**
   * @param {RTCIceServer[]} iceServers
   * @param {{send: (message: object) => void, onStream: (stream: MediaStream) => void,
   *          onFailure: (why: string) => void}} to
   */
  constructor(iceServers, { send, onStream, onFailure }) {
    this.#send = send;
    this.#connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#connection.onicecandidate = ({ candidate }) =>
      send({
        type: "ice",
        candidate: candidate?.candidate ?? "",
        sdpMLineIndex: candidate?.sdpMLineIndex ?? 0,
      });
    this.#connection.ontrack = ({ track, receiver }) => {
      // Live and interactive: show each frame as soon as the network allows.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      else if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
      onStream(new MediaStream([track]));
    };
    this.#connection.onconnectionstatechange = () => {
      if (this.#connection.connectionState === "failed") onFailure("the video connection broke");
    };
    this.onFailure = onFailure;
  }

  offer(sdp) {
    this.#queue(async (connection) => {
      await connection.setRemoteDescription({ type: "offer", sdp });
      await connection.setLocalDescription();
      this.#send({ type: "answer", sdp: connection.localDescription.sdp });
    }, "the server's offer could not be answered");
  }

  ice({ candidate, sdpMLineIndex }) {
    this.#queue(async (connection) => {
      try {
        await connection.addIceCandidate({ candidate: candidate ?? "", sdpMLineIndex: sdpMLineIndex ?? 0 });
      } catch (error) {
        console.warn("a candidate was not usable:", candidate, error.message); // others may be
      }
    });
  }

  /** @returns {Promise<RTCStatsReport>} */
  stats() {
    return this.#connection.getStats();
  }

  close() {
    this.#connection.onicecandidate = this.#connection.ontrack = null;
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
  }

  #queue(step, failure) {
    this.#order = this.#order.then(async () => {
      if (this.#connection.signalingState === "closed") return;
      try {
        await step(this.#connection);
      } catch (error) {
        console.error(failure, error);
        if (this.#connection.signalingState !== "closed") this.onFailure(failure);
      }
    });
  }
}

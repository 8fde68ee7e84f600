// Figures from RTCPeerConnection.getStats(): what is counted, and what that means per second. Pure.

/**
 * The counters this page uses, out of a report.
 * @param {Iterable<[string, object]>} report
 * @returns {object | null} null while no video is received
 */
export function counters(report) {
  const byId = new Map(report);
  const all = [...byId.values()];
  const video = all.find((entry) => entry.type === "inbound-rtp" && entry.kind === "video");
  if (!video) return null;
  const transport = all.find((entry) => entry.type === "transport");
  const pair =
    byId.get(transport?.selectedCandidatePairId) ??
    all.find((entry) => entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded");
  const codec = byId.get(video.codecId);
  return {
    at: video.timestamp, // ms
    framesDecoded: video.framesDecoded ?? 0,
    framesDropped: video.framesDropped ?? 0,
    packetsLost: video.packetsLost ?? 0,
    bytesReceived: video.bytesReceived ?? 0,
    freezeCount: video.freezeCount ?? 0,
    jitterBufferDelay: video.jitterBufferDelay ?? 0, // s, summed over the frames below
    jitterBufferEmittedCount: video.jitterBufferEmittedCount ?? 0,
    totalDecodeTime: video.totalDecodeTime ?? 0, // s
    jitter: video.jitter ?? 0, // s
    rtt: pair?.currentRoundTripTime ?? null, // s
    width: video.frameWidth ?? 0,
    height: video.frameHeight ?? 0,
    codec: codec?.mimeType?.replace("video/", "") ?? "",
    decoder: video.decoderImplementation ?? "",
  };
}

/**
 * What happened between two sets of counters. Rates are per second, times in milliseconds.
 * @returns {object | null} null if no time has passed
 */
export function between(before, after) {
  const seconds = (after.at - before.at) / 1000;
  if (!(seconds > 0)) return null;
  const more = (name) => Math.max(0, after[name] - before[name]);
  const frames = more("jitterBufferEmittedCount");
  const decoded = more("framesDecoded");
  return {
    at: after.at,
    fps: decoded / seconds,
    bitrate: (more("bytesReceived") * 8) / seconds, // bit/s
    dropped: more("framesDropped") / seconds,
    rtt: after.rtt === null ? null : after.rtt * 1000,
    jitter: after.jitter * 1000,
    bufferDelay: frames > 0 ? (more("jitterBufferDelay") / frames) * 1000 : null,
    decodeTime: decoded > 0 ? (more("totalDecodeTime") / decoded) * 1000 : null,
    framesDecoded: after.framesDecoded,
    framesDropped: after.framesDropped,
    packetsLost: after.packetsLost,
    freezeCount: after.freezeCount,
    width: after.width,
    height: after.height,
    codec: after.codec,
    decoder: after.decoder,
  };
}

/** The same as the message that tells the server what this viewer sees. */
export function toMessage(seen) {
  const { fps, bitrate, rtt, jitter, width, height } = seen;
  const { framesDropped, framesDecoded, packetsLost, freezeCount } = seen;
  return {
    type: "stats",
    fps: Math.round(fps * 10) / 10,
    bitrate: Math.round(bitrate),
    rtt: Math.round((rtt ?? 0) * 10) / 10,
    jitter: Math.round(jitter * 10) / 10,
    framesDropped,
    framesDecoded,
    packetsLost,
    freezeCount,
    width,
    height,
  };
}

export function bitrateInWords(bits) {
  if (bits >= 1e6) return `${(bits / 1e6).toFixed(bits >= 1e7 ? 0 : 1)} Mbit/s`;
  return `${Math.round(bits / 1e3)} kbit/s`;
}

/**
 * @param {{particles?: number, allParticles?: number, framerate: number, fullFramerate: number} | null | undefined} busy
 * @returns {string} what a server that cannot keep up shows less of; empty while it keeps up
 */
export function busyInWords(busy) {
  if (!busy) return "";
  const less = [];
  if (busy.particles < busy.allParticles) {
    less.push(`${busy.particles.toLocaleString("en")} of ${busy.allParticles.toLocaleString("en")} particles`);
  }
  if (busy.framerate < busy.fullFramerate) less.push(`${Math.round(busy.framerate)} frames a second`);
  return ["busy", less.join(", ")].filter(Boolean).join(": ");
}

// Connects to the campaign named in the page's address and plays it.
const state = document.getElementById("state");
const video = document.getElementById("video");
const query = new URLSearchParams(location.search);
const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws?${query}`);
const send = (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
let peer;

const handlers = {
  welcome({ iceServers }) {
    peer = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    peer.ontrack = ({ track }) => { video.srcObject = new MediaStream([track]); };
    peer.onicecandidate = ({ candidate }) =>
      send({ type: "ice", candidate: candidate?.candidate ?? "", sdpMLineIndex: candidate?.sdpMLineIndex ?? 0 });
    peer.onconnectionstatechange = () => { state.textContent = peer.connectionState; };
  },
  async offer({ sdp }) {
    await peer.setRemoteDescription({ type: "offer", sdp });
    const answer = await peer.createAnswer();
    await peer.setLocalDescription(answer);
    send({ type: "answer", sdp: answer.sdp });
  },
  ice({ candidate, sdpMLineIndex }) { peer.addIceCandidate({ candidate, sdpMLineIndex }); },
  error({ code, message }) { state.textContent = `${code}: ${message}`; },
  bye({ reason }) { state.textContent = `ended: ${reason}`; },
};

socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  handlers[message.type]?.(message);
};

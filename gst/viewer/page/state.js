// What a viewer can be in, and how each is said in words. Pure.
//
//   connecting → starting → live ⇄ stalled          refused, replaced: until the viewer asks again
//        ↖_________ reconnecting ⟵ any loss            moved: another server's page is on its way

const REFUSALS = {
  "unknown-campaign": "There is no such campaign here",
  "unknown-quality": "There is no such quality here",
  "too-many-viewers": "This campaign is full",
  "bad-id": "That address does not work",
  "peer-in-use": "Somebody else watches under this name",
  "origin-refused": "This page may not watch here",
  "video-refused": "This browser does not play this video",
  removed: "You were asked to leave",
};

const PASSING = new Set([
  "not-ready",
  "rate-limited",
  "too-slow",
  "negotiation-failed",
  "negotiation-timeout",
  "draining",
  "internal",
]);

/** Is this refusal one that another try may not meet? */
export function passes(code) {
  return PASSING.has(code);
}

/**
 * @param {{name: string, campaign: string, attempt?: number, why?: string, code?: string}} state
 * @returns {{short: string, title: string, text: string, retry: string}} retry: the button's words, or none
 */
export function inWords(state) {
  switch (state.name) {
    case "connecting":
      return { short: "connecting", title: "Connecting", text: "", retry: "" };
    case "starting":
      return {
        short: "starting",
        title: `Starting campaign ${state.campaign}`,
        text: "It is being set up; the picture comes by itself.",
        retry: "",
      };
    case "moved":
      return { short: "moving", title: "Going to another server", text: "This campaign is shown there.", retry: "" };
    case "live":
      return { short: "live", title: "", text: "", retry: "" };
    case "stalled":
      return {
        short: "stalled",
        title: "The picture stands still",
        text: "No frame has arrived for some seconds. It goes on by itself when they return.",
        retry: "",
      };
    case "reconnecting":
      return {
        short: "reconnecting",
        title: "Reconnecting",
        text: state.why ? `${capital(state.why)}.` : "",
        retry: "Try now",
      };
    case "replaced":
      return {
        short: "watching elsewhere",
        title: "You are watching elsewhere",
        text: "Another tab has opened this campaign under the same name.",
        retry: "Watch here",
      };
    case "refused":
      return {
        short: "refused",
        title: REFUSALS[state.code] ?? "The server refused",
        text: state.why ? capital(state.why) : "",
        retry: state.code === "bad-id" ? "" : "Try again",
      };
  }
  throw new RangeError(`no state is called ${state.name}`);
}

/** @param {number} ms until the next try; 0 while it is under way */
export function countdownInWords(attempt, ms) {
  if (ms <= 0) return `Attempt ${attempt} under way`;
  return `Attempt ${attempt} in ${Math.ceil(ms / 1000)} s`;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

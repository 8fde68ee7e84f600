// What the page's address asks for, and the addresses made from it. Pure: locations come in as arguments.

const ID = /^[A-Za-z0-9._-]{1,64}$/;

/** @returns {{campaign: string, context: string, peer: string, token: string}} empty where not given */
export function request(search) {
  const query = new URLSearchParams(search);
  return {
    campaign: query.get("campaign") || "0",
    context: query.get("context") ?? "",
    peer: query.get("peer") ?? "",
    token: query.get("token") ?? "",
  };
}

/** The part of a request that can not be an id, in words; empty if all of it can. */
export function complaint({ campaign, peer }) {
  const rule = "An id has 1 to 64 letters, digits, dots, dashes or underscores.";
  if (!ID.test(campaign)) return `“${campaign}” can not be a campaign's id. ${rule}`;
  if (peer && !ID.test(peer)) return `“${peer}” can not be a viewer's id. ${rule}`;
  return "";
}

/** The WebSocket beside a page, with what the request carries. */
export function socketUrl(page, { campaign, context, peer, token }) {
  const url = new URL("/ws", page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("campaign", campaign);
  if (context) url.searchParams.set("context", context);
  if (peer) url.searchParams.set("peer", peer);
  if (token) url.searchParams.set("token", token);
  return url.href;
}

/**
 * The page of another server, for what was watched here. Empty if that is no address of a page.
 * @param {string} to what the server said @param {string} from this page's address
 */
export function movedUrl(to, from, { campaign, context, peer, token }) {
  let url;
  try {
    url = new URL(to, from);
  } catch {
    return "";
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return "";
  const known = { campaign, context, peer, token };
  for (const [name, value] of Object.entries(known)) {
    if (value && !url.searchParams.has(name)) url.searchParams.set(name, value);
  }
  url.hash = `moved=${movesIn(from) + 1}`; // a browser sends no server its fragment
  return url.href;
}

/** How often the viewer was sent on without having seen a picture in between. */
export function movesIn(page) {
  return Number(/^#moved=([0-9]{1,3})$/.exec(new URL(page).hash)?.[1] ?? 0);
}

/** The same page on another campaign; the peer id stays behind, it belongs to this tab. */
export function campaignUrl(page, campaign) {
  const url = new URL(page);
  url.searchParams.set("campaign", campaign);
  url.searchParams.delete("peer");
  return url.href;
}

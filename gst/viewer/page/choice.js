// What a viewer chose to watch, and how a switch is said in words. Pure.

export const AUTO = "auto";

/** Ids out of a list that may hold strings or objects with an id. */
export function ids(list) {
  if (!Array.isArray(list)) return [];
  return list.map((entry) => (typeof entry === "string" ? entry : entry?.id ?? entry?.name)).filter((id) => typeof id === "string");
}

/**
 * @param {{campaign: string, quality: string} | null} before
 * @param {{campaign: string, quality: string, reason?: string}} now
 * @returns {string} "low → medium, the network allows it"; empty if nothing changed
 */
export function switchInWords(before, now) {
  if (!before) return "";
  const campaign = before.campaign !== now.campaign;
  if (!campaign && before.quality === now.quality) return "";
  const from = campaign ? `campaign ${before.campaign}` : before.quality;
  const to = campaign ? `campaign ${now.campaign}` : now.quality;
  return `${from} → ${to}${now.reason ? `, ${now.reason}` : ""}`;
}

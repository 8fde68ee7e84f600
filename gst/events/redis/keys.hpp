// What we call things in Redis. A campaign's keys share a hash tag, so that one script may use them all.
#pragma once

#include <string>
#include <string_view>

namespace campaign::events::redis {

// `campaign` is a valid id (util/id.hpp), so it has no brace that would move the tag.
inline std::string key_of(std::string_view campaign, std::string_view what) {
  return std::string("campaign:{").append(campaign).append("}:").append(what);
}

// A set: the campaigns that have a document.
inline constexpr std::string_view kCampaignsKey = "campaign:states";
// A hash: `revision`, `document`, `digest`, the highest `epoch` seen, `removed` where it
// is only there for those who still follow.
inline std::string state_key(std::string_view campaign) { return key_of(campaign, "state"); }
// A stream: entry <revision>-0 is the change that led to that revision.
inline std::string changes_key(std::string_view campaign) { return key_of(campaign, "changes"); }
// A hash: the record of the campaign's lease (campaign/nodes/lease_store.hpp); its field `epoch` fences
// writers.
inline std::string lease_key(std::string_view campaign) { return key_of(campaign, "lease"); }
// A channel: the new revision, whenever there is one.
inline std::string changed_channel(std::string_view campaign) { return key_of(campaign, "changed"); }
// A channel: events.
inline std::string events_channel(std::string_view campaign) {
  return std::string("campaign:events:").append(campaign);
}

}  // namespace campaign::events::redis

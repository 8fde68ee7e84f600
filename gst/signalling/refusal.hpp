// Why a viewer is refused: a stable code for programs, a sentence for people, and the WebSocket close code
// when the refusal ends the connection. Shared by the protocol, the server and the page.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace campaign::signalling {

enum class RefusalCode {
  bad_message,          // not JSON, not an object, a missing or wrong field
  too_large,            // more than 64 KiB in one message
  unknown_type,         // "type" is none of the protocol's
  bad_id,               // a peer, campaign or quality name outside the id rules
  unknown_campaign,     // nothing by that id is served here
  unknown_quality,      // the campaign has no such rung
  wrong_order,          // an answer without an offer, a second answer
  rate_limited,         // too many messages a second
  too_slow,             // the viewer does not read what it is sent
  too_many_viewers,     // max-viewers are connected
  not_ready,            // the campaign is not playing yet; try again soon
  negotiation_failed,   // the answer does not fit the offer, or ICE or DTLS failed
  video_refused,        // the viewer does not take this codec, or no video at all
  negotiation_timeout,  // no media connection within the time allowed
  origin_refused,       // a page of another origin; HTTP 403, before the upgrade
  draining,             // this server takes no new viewers, since it is about to end
  internal,             // our fault
};

struct Refusal {
  RefusalCode code;
  std::string message;
  std::vector<std::string> campaigns = {};  // of unknown_campaign: what is served here instead

  // The kebab-case name in `error` messages; it never changes.
  std::string_view name() const;
  static std::optional<RefusalCode> code_of(std::string_view name);
  // The 4xxx WebSocket close code that ends a connection for this reason.
  unsigned short close_code() const;
};

}  // namespace campaign::signalling

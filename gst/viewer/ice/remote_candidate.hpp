// A remote ICE candidate as webrtcbin hands it on, "a=candidate:…" (RFC 8839, section 5.1), whose address may
// be a name that only multicast DNS knows (draft-ietf-mmusic-mdns-ice-candidates-03, section 3.2.1).
// Plain text that comes from viewers: nothing is taken for granted. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace campaign::viewer {

// "<label>.local", where the candidate has such a name for its address.
std::optional<std::string_view> local_name(std::string_view candidate);

// The same candidate with `address` in the place of that name.
std::string with_address(std::string_view candidate, std::string_view address);

}  // namespace campaign::viewer

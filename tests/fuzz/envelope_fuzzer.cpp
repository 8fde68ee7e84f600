// Feeds anything to the parser of events; what it lets through keeps the rules, and is read again as it is
// written. libFuzzer's entry, and the one of the seeded test that runs everywhere.
#include "events/envelope.hpp"

#include <cstdint>
#include <cstdlib>

#include "util/id.hpp"

namespace {

using namespace campaign::events;

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto envelope = parse_envelope({reinterpret_cast<const char*>(data), size});
  if (!envelope) {
    require(!envelope.error().for_user().empty() && envelope.error().for_user().size() < 1024);
    return 0;
  }
  require(is_event_type(envelope->type) && campaign::is_valid_id(envelope->campaign_id));
  require(envelope->timestamp >= 0 && envelope->data.is_object());
  require(envelope->context.size() <= kMaxContextBytes);
  if (const auto text = to_json(*envelope)) {
    const auto again = parse_envelope(*text);
    require(bool(again) && *again == *envelope);
  } else {
    require(size > kMaxEnvelopeBytes / 8);  // numbers that are longer when they are written out
  }
  return 0;
}

// Whatever another process says of itself: it is refused, or read as it would be written, within bounds.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "campaign/nodes/node_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace campaign::nodes;
  const auto record = parse_node_record({reinterpret_cast<const char*>(data), size});
  if (!record) {
    if (record.error().for_user().empty() || record.error().for_user().size() > 4096) std::abort();
    return 0;
  }
  if (record->campaigns.size() > kMaxCampaignsOfANode || !is_node_url(record->url)) std::abort();
  const auto again = parse_node_record(to_json(*record));
  if (!again || !(*again == *record)) std::abort();
  return 0;
}

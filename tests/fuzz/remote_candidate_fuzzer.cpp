// Feeds anything to what looks for names in viewers' candidates; whatever is looked up must be one label of
// multicast DNS, and what is put in its place must leave the rest alone.
// libFuzzer's entry, and the one of the seeded test that runs everywhere.
#include <cstdint>
#include <cstdlib>

#include "viewer/ice/remote_candidate.hpp"

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace campaign::viewer;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto name = local_name(text);
  if (!name) return 0;
  require(name->ends_with(".local") && name->size() <= 69 && name->find('.') == name->size() - 6);
  require(name->find_first_of(std::string_view(" \r\n\0", 4)) == name->npos);
  const std::string resolved = with_address(text, "192.0.2.7");
  require(resolved.size() == text.size() - name->size() + 9);
  require(resolved.starts_with(text.substr(0, std::size_t(name->data() - text.data()))));
  require(!local_name(resolved));
  return 0;
}

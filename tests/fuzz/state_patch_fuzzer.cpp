// Feeds anything to a campaign's document: what comes before the first NUL is the document, the rest its
// patch. What is accepted stays within the bounds, is read again as it is written, and a patch changes
// nothing twice. libFuzzer's entry, and the one of the seeded test that runs everywhere.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "campaign/state/document.hpp"

namespace {

using namespace campaign::state;

void require(bool promise) {
  if (!promise) std::abort();
}

void check(const Document& document) {
  require(document.text().size() <= kMaxBytes && document.json().is_object());
  const auto again = Document::parse(document.text(), document.revision());
  require(bool(again) && *again == document && again->digest() == document.digest());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t middle = text.find('\0');
  const auto document = Document::parse(text.substr(0, middle), size % 1000);
  if (document) check(*document);
  const auto patch = Patch::parse(middle == text.npos ? std::string_view() : text.substr(middle + 1));
  if (patch) {
    const auto again = Patch::parse(patch->text());
    require(bool(again) && again->text() == patch->text());
  }
  if (!document || !patch) return 0;
  const auto once = document->patched(*patch);
  if (!once) {
    require(!once.error().for_user().empty());
    return 0;
  }
  check(*once);
  require(once->revision() == document->revision() + 1);
  const auto twice = once->patched(*patch);
  require(bool(twice) && twice->text() == once->text());
  const auto change = Change::of(*document, *patch);
  require(bool(change) && change->before == document->revision() && change->after == *once);
  return 0;
}

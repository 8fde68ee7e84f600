// See document.hpp.
#include "campaign/state/document.hpp"

#include <nlohmann/json.hpp>

#include "util/json_reader.hpp"

namespace campaign::state {
namespace {

using Json = nlohmann::json;

constexpr JsonLimits kLimits{kMaxBytes, kMaxDepth};
constexpr std::string_view kDocument = "the state";
constexpr std::string_view kPatch = "the state's patch";

Result<Json> parse_object(std::string_view text, std::string_view what) {
  Result<Json> json = parse_json(text, what, kLimits);
  if (json && !json->is_object()) return Error::invalid(what, "a JSON object", json->type_name());
  return json;
}

// Of what is written out: numbers may be longer there than where they were read.
Error too_large(std::string_view what, std::size_t bytes) {
  return Error::invalid(what, "at most " + std::to_string(kMaxBytes / 1024) + " KiB of JSON",
                        std::to_string(bytes) + " bytes");
}

// Levels of nesting below and including `json`; what is measured here was parsed within kMaxDepth, or merged
// from two such, so the recursion is bounded.
int depth(const Json& json) {
  int deepest = 0;
  if (json.is_structured()) {
    for (const auto& member : json) deepest = std::max(deepest, depth(member));
    ++deepest;
  }
  return deepest;
}

}  // namespace

struct Patch::Body {
  Json json;
  std::string text;
};

Result<Patch> Patch::parse(std::string_view text) {
  Result<Json> json = parse_object(text, kPatch);
  if (!json) return json.error();
  std::string compact = json->dump();
  if (compact.size() > kMaxBytes) return too_large(kPatch, compact.size());
  return Patch(std::make_shared<const Body>(Body{*std::move(json), std::move(compact)}));
}

const std::string& Patch::text() const { return body_->text; }

struct Document::Body {
  Json json;
  std::string text;
};

Document::Document() {
  static const auto empty = std::make_shared<const Body>(Body{Json::object(), "{}"});
  body_ = empty;
}

Result<Document> Document::bounded(Json json, Revision revision) {
  if (revision > kMaxRevision)
    return Error::invalid("the state's revision", "at most 2^53", std::to_string(revision));
  if (depth(json) > kMaxDepth)
    return Error::invalid(kDocument, "nested at most " + std::to_string(kMaxDepth) + " levels", "deeper");
  std::string text = json.dump();
  if (text.size() > kMaxBytes) return too_large(kDocument, text.size());
  return Document(std::make_shared<const Body>(Body{std::move(json), std::move(text)}), revision);
}

Result<Document> Document::parse(std::string_view text, Revision revision) {
  Result<Json> json = parse_object(text, kDocument);
  if (!json) return json.error();
  return bounded(*std::move(json), revision);
}

const std::string& Document::text() const { return body_->text; }
const Json& Document::json() const { return body_->json; }

std::uint64_t Document::digest() const {
  std::uint64_t hash = 0xcbf29ce484222325;  // draft-eastlake-fnv, 64 bits: offset basis and prime
  for (unsigned char byte : text()) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

Result<Document> Document::patched(const Patch& patch) const {
  Json merged = body_->json;
  merged.merge_patch(patch.body_->json);
  return bounded(std::move(merged), revision_ + 1);
}

Result<Change> Change::of(const Document& document, const Patch& patch) {
  Result<Document> after = document.patched(patch);
  if (!after) return after.error();
  return Change{document.revision(), patch, *std::move(after)};
}

}  // namespace campaign::state

// A campaign's state: a JSON object with a revision, changed by merge patches (RFC 7386). Values: a copy is a
// reference to the same immutable text, safe to hand to other threads. Pure; for whoever stores or shows
// state.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "util/result.hpp"

namespace campaign::state {

// How many changes a document has seen; 0 is the empty document nobody has changed yet.
using Revision = std::uint64_t;

inline constexpr std::size_t kMaxBytes = 64 * 1024;          // of a document and of a patch, as compact JSON
inline constexpr int kMaxDepth = 16;                         // levels of nesting
inline constexpr Revision kMaxRevision = Revision(1) << 53;  // exact in JSON's and Lua's numbers

// A change to be made: members that are null are removed, objects are merged, all else replaces.
class Patch {
 public:
  // Refused: what is not a JSON object within the bounds above.
  static Result<Patch> parse(std::string_view json);

  const std::string& text() const;  // compact JSON in UTF-8, members sorted by name

 private:
  friend class Document;
  struct Body;
  explicit Patch(std::shared_ptr<const Body> body) : body_(std::move(body)) {}
  std::shared_ptr<const Body> body_;
};

class Document {
 public:
  Document();  // empty, revision 0
  // Refused: what is not a JSON object within the bounds above, or a revision beyond kMaxRevision.
  static Result<Document> parse(std::string_view json, Revision revision);

  const std::string& text() const;  // compact JSON in UTF-8, members sorted by name: equal means equal text
  const nlohmann::json& json() const;
  Revision revision() const { return revision_; }
  // Of the text: tells two documents with one revision apart when a store has lost data. FNV-1a, 64 bits.
  std::uint64_t digest() const;

  // This document with `patch` merged in, one revision on. Refused when that would break the bounds.
  Result<Document> patched(const Patch& patch) const;

  friend bool operator==(const Document& a, const Document& b) {
    return a.revision_ == b.revision_ && a.text() == b.text();
  }

 private:
  struct Body;
  Document(std::shared_ptr<const Body> body, Revision revision)
      : body_(std::move(body)), revision_(revision) {}
  static Result<Document> bounded(nlohmann::json json, Revision revision);

  std::shared_ptr<const Body> body_;
  Revision revision_ = 0;
};

// A patch together with what it turns one document into: what a store is asked to commit.
struct Change {
  Revision before = 0;
  Patch patch;
  Document after;  // revision before + 1

  static Result<Change> of(const Document& document, const Patch& patch);
};

}  // namespace campaign::state

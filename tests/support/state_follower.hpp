// What tests of stores share: answers that can be waited for, and a follower that checks what it is told.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "campaign/state/store.hpp"

namespace campaign::test {

using namespace campaign::state;

using Answer = std::optional<Result<Document, StoreFailure>>;

inline StoreReply<Document> into(Answer& answer) {
  return [&answer](Result<Document, StoreFailure> result) { answer = std::move(result); };
}

inline Document document(const std::string& json, Revision revision) {
  return *Document::parse(json, revision);
}

inline Change change(const Document& before, const std::string& patch) {
  return *Change::of(before, *Patch::parse(patch));
}

// Follows a campaign and holds what it is told to the contract.
class Follower {
 public:
  Follower(StateStore& store, const std::string& campaign, Document known = {})
      : document_(known), subscription_(store.follow(campaign, known, [this](const Update& update) {
          if (update.patch) {
            const auto expected = document_.patched(*update.patch);
            ++patches_;
            if (!expected || !(*expected == update.document)) ++broken_;
          } else {
            if (++snapshots_ == 1) first_snapshot_ = update.document.revision();
          }
          document_ = update.document;
        })) {}

  const Document& document() const { return document_; }
  int patches() const { return patches_; }
  int snapshots() const { return snapshots_; }
  Revision first_snapshot() const { return first_snapshot_; }  // its revision; 0 where there was none
  int broken() const { return broken_; }  // patches that did not lead from the one told before to this one
  void end() { subscription_.reset(); }

 private:
  Document document_;
  int patches_ = 0, snapshots_ = 0, broken_ = 0;
  Revision first_snapshot_ = 0;
  Subscription subscription_;
};

}  // namespace campaign::test

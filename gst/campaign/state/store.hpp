// Where campaigns' documents are kept, in order and checked: one interface for a local file and for Redis.
// One thread. Every callback comes later on that thread, in the order of the calls for one campaign, never
// from inside the call that asked, and never after the store is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "campaign/state/document.hpp"
#include "util/subscription.hpp"

namespace campaign::state {

// The fencing token of the writer's lease: a store refuses it once it has seen a higher one for that
// campaign.
using Epoch = std::uint64_t;

struct StoreFailure {
  enum class Code {
    conflict,     // the document is at another revision; `current` is the one that is stored
    fenced,       // another node owns the campaign by now
    unavailable,  // not done, as the store cannot be reached; it may be asked again
    unknown,      // done or not: the store went away before it answered. Load to see
    damaged,      // what is stored cannot be read; nothing is written over it
  };
  Code code;
  std::string message;              // one sentence, for a log or an API's error
  std::optional<Document> current;  // of a conflict
};

template <class T>
using StoreReply = std::function<void(Result<T, StoreFailure>)>;

// What a follower is told. With `patch`, `document` is the one told before with the patch merged in, one
// revision on. Without, it is a snapshot: the first, or after changes that the store no longer has one by
// one. A snapshot's revision is higher than the one told before, except when the store has lost data and gone
// back.
struct Update {
  Document document;
  std::optional<Patch> patch;
};

class StateStore {
 public:
  virtual ~StateStore() = default;

  // The campaigns that have a document, by name.
  virtual void list(StoreReply<std::vector<std::string>> reply) = 0;

  // The document as it is stored; the empty one at revision 0 where there is none.
  virtual void load(std::string_view campaign, StoreReply<Document> reply) = 0;

  // Stores `change.after` if the stored document is at `change.before`, for good before it answers: with that
  // document, or a conflict.
  virtual void commit(std::string_view campaign, Epoch epoch, Change change, StoreReply<Document> reply) = 0;

  // Puts a document back whose revision the store has lost; nothing happens where the store has as high a
  // one. Answers with what is stored then.
  virtual void restore(std::string_view campaign, Epoch epoch, Document document,
                       StoreReply<Document> reply) = 0;

  // Forgets the document. Whoever follows sees it become empty, one revision on.
  virtual void remove(std::string_view campaign, Epoch epoch, StoreReply<Document> reply) = 0;

  // Every change after `known` (Document() for all), in order, none left out, until the subscription ends.
  // While the store cannot be reached nothing comes; what was missed comes when it is back.
  virtual Subscription follow(std::string_view campaign, Document known,
                              std::function<void(const Update&)> told) = 0;
};

}  // namespace campaign::state

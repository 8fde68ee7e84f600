// Events between the parts of a server, and between servers: hints, each delivered at most once. What must
// not be lost is in the campaign's stream (campaign/state/store.hpp); a hint says that it is worth a look.
// One thread, the loop's. Callbacks come later on that loop, in the order of publication for one publisher,
// never from inside publish() or subscribe().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "events/envelope.hpp"
#include "util/result.hpp"
#include "util/subscription.hpp"

namespace campaign::events {

// What is set has to be equal; nothing set is everything.
struct Filter {
  std::optional<std::string> campaign;
  std::optional<std::string> context;  // "" is those events that have none
  std::optional<std::string> type;

  bool matches(const Envelope& envelope) const {
    return (!campaign || *campaign == envelope.campaign_id) && (!context || *context == envelope.context) &&
           (!type || *type == envelope.type);
  }
};

// As it is now; the counts only grow.
struct BusHealth {
  bool connected = true;        // events of other processes arrive, and ours there
  std::string trouble;          // one sentence when not connected
  std::uint64_t published = 0;  // by us
  std::uint64_t delivered = 0;  // calls of our subscribers
  std::uint64_t dropped = 0;    // ours, not sent: nobody connected, or too many waiting
  std::uint64_t refused = 0;    // of others, not understood
};

class Bus {
 public:
  virtual ~Bus() = default;

  // Never waits. An error says that the event breaks a rule of the envelope; a lost one is only counted.
  virtual Result<void> publish(const Envelope& envelope) = 0;

  virtual Subscription subscribe(Filter filter, std::function<void(const Envelope&)> receive) = 0;

  virtual BusHealth health() const = 0;
  // Called when `connected` has changed.
  virtual Subscription on_connected(std::function<void(bool connected)> changed) = 0;
};

}  // namespace campaign::events

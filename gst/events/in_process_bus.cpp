// See in_process_bus.hpp.
#include "events/in_process_bus.hpp"

namespace campaign::events {

Result<void> InProcessBus::publish(const Envelope& envelope) {
  if (auto json = to_json(envelope); !json) return json.error();
  if (queue_.size() >= kMaxWaiting) {
    ++health_.dropped;
    return {};
  }
  ++health_.published;
  queue_.post([this, envelope] { subscribers_.call(envelope); });
  return {};
}

Subscription InProcessBus::subscribe(Filter filter, std::function<void(const Envelope&)> receive) {
  return subscribers_.add(
      [this, filter = std::move(filter), receive = std::move(receive)](const Envelope& envelope) {
        if (!filter.matches(envelope)) return;
        ++health_.delivered;
        receive(envelope);
      });
}

}  // namespace campaign::events

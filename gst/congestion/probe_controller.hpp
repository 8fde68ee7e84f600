// When to probe and how fast: at the start, when somebody asks (before a better quality), while the
// application sends less than the estimate, and now and then while the network is calm. It decides; the pacer
// sends. One thread.
#pragma once

#include <array>
#include <optional>

#include "congestion/probe.hpp"

namespace campaign::congestion {

class ProbeController {
 public:
  struct Network {
    DataRate estimate, most;                       // most: no probe is faster
    bool calm = false;                             // no overuse, little loss, no queue to speak of
    std::optional<Timestamp> application_limited;  // since when
    std::optional<Timestamp> last_decrease;
    bool sending = false;  // media went out of late
  };

  void start(DataRate rate, DataRate most, Timestamp now);

  // Somebody wants to know whether `rate` fits. Probed when the network is calm; the last wish counts.
  void request(DataRate rate) { requested_ = rate; }

  // A measurement came in. Says what to take it for as an estimate, and probes further when more may fit.
  DataRate on_result(const ProbeResult& result, const Network& network, Timestamp now);

  // Called often; decides on probes that are due.
  void on_time(const Network& network, Timestamp now);

  // The next probe to send, once.
  std::optional<ProbePlan> take();

 private:
  enum class Why { start, request, application_limited, calm };
  void plan(DataRate rate, const Network& network, Why why, Timestamp now);

  static constexpr std::size_t kPlanned = 4;
  std::array<ProbePlan, kPlanned> planned_{};
  std::size_t planned_count_ = 0;
  ProbeId next_id_ = 0;
  Why why_ = Why::start;
  ProbeId last_id_ = kNoProbe;  // of the last planned, the fastest of its kind
  DataRate last_rate_;
  bool waiting_ = false;  // for the result of the last planned
  bool rising_ = false;   // the last one showed that there is more
  std::optional<Timestamp> last_planned_;
  std::optional<DataRate> requested_;
};

}  // namespace campaign::congestion

// From the packets of a probe and when they arrived, the rate that the network was shown to carry. One
// thread.
#pragma once

#include <array>
#include <optional>

#include "congestion/probe.hpp"

namespace campaign::congestion {

class ProbeMeasurement {
 public:
  void expect(const ProbePlan& plan);
  void add(const PacketResult& result);

  // The best result that the packets added since the last call allow.
  std::optional<ProbeResult> take();

 private:
  static constexpr std::size_t kProbes = 8;  // at once; the newest replace the oldest

  struct Cluster {
    ProbePlan plan;
    int packets = 0;
    DataSize size, size_first_received, size_last_sent;
    Timestamp first_sent, last_sent, first_received, last_received;
    bool changed = false;
  };
  std::optional<ProbeResult> evaluate(const Cluster& cluster) const;

  std::array<Cluster, kProbes> clusters_{};
};

}  // namespace campaign::congestion

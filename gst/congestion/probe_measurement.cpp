#include "congestion/probe_measurement.hpp"

#include <algorithm>

namespace campaign::congestion {
namespace {

constexpr double kReceivedEnough = 0.8;  // libwebrtc probe_bitrate_estimator, of packets and of bytes
constexpr double kMostRatio = 2.0;       // libwebrtc: received faster than sent is no measurement
constexpr double kUnsaturated = 0.9;     // libwebrtc: arrived at this part of the rate, all went through
constexpr double kUtilization = 0.95;    // libwebrtc: of a capacity that was met, take so much
constexpr TimeDelta kLongest = TimeDelta::seconds(1);  // libwebrtc: a burst is not longer than this

}  // namespace

void ProbeMeasurement::expect(const ProbePlan& plan) {
  clusters_[std::size_t(plan.id) % kProbes] = {.plan = plan};
}

void ProbeMeasurement::add(const PacketResult& result) {
  const SentPacket& packet = result.packet;
  if (packet.probe < 0) return;
  Cluster& cluster = clusters_[std::size_t(packet.probe) % kProbes];
  if (cluster.plan.id != packet.probe) return;
  const bool first = cluster.packets == 0;
  if (first || packet.sent < cluster.first_sent) cluster.first_sent = packet.sent;
  if (first || packet.sent >= cluster.last_sent) {
    cluster.last_sent = packet.sent;
    cluster.size_last_sent = packet.size;
  }
  if (first || result.received < cluster.first_received) {
    cluster.first_received = result.received;
    cluster.size_first_received = packet.size;
  }
  cluster.last_received = first ? result.received : std::max(cluster.last_received, result.received);
  cluster.size += packet.size;
  ++cluster.packets;
  cluster.changed = true;
}

std::optional<ProbeResult> ProbeMeasurement::evaluate(const Cluster& cluster) const {
  if (cluster.packets < int(kReceivedEnough * cluster.plan.packets)) return std::nullopt;
  if (cluster.size < cluster.plan.size * kReceivedEnough) return std::nullopt;
  const TimeDelta sending = cluster.last_sent - cluster.first_sent;
  const TimeDelta receiving = cluster.last_received - cluster.first_received;
  if (sending <= TimeDelta() || sending > kLongest || receiving <= TimeDelta() || receiving > kLongest) {
    return std::nullopt;
  }
  // The time to send the last packet and to receive the first is not in the intervals, so neither are their
  // bytes.
  const DataRate sent = (cluster.size - cluster.size_last_sent) / sending;
  const DataRate received = (cluster.size - cluster.size_first_received) / receiving;
  if (received > kMostRatio * sent) return std::nullopt;
  const bool saturated = received < kUnsaturated * sent;
  return ProbeResult{cluster.plan.id, saturated ? kUtilization * received : std::min(sent, received),
                     saturated};
}

std::optional<ProbeResult> ProbeMeasurement::take() {
  std::optional<ProbeResult> best;
  for (Cluster& cluster : clusters_) {
    if (!cluster.changed) continue;
    cluster.changed = false;
    const auto result = evaluate(cluster);
    if (result && (!best || result->rate > best->rate)) best = result;
  }
  return best;
}

}  // namespace campaign::congestion

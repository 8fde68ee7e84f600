// The cases of RFC 8867 ("Test Cases for Evaluating Congestion Control for Interactive Real-Time Media"),
// section 5, with the RFC's capacities and times, and what a run of one shows.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "media_flow.hpp"

namespace campaign::network {

struct CapacityStep {
  double at;  // seconds
  double mbps;
};

struct MediaPlan {
  double start = 0;
  double one_way_ms = 50;
  double pause = 0, resume = 0;  // seconds; equal: none
  bool backward = false;         // sends against the others
};

struct Case {
  std::string name, what;
  double length;  // seconds
  std::vector<CapacityStep> forward;
  std::vector<CapacityStep> backward;  // empty: the way back is free
  std::vector<MediaPlan> media;
  int long_tcp = 0, short_tcp = 0;
  double queue_ms = 300;
  double random_loss = 0;
};

const std::vector<Case>& rfc8867();
const Case& rfc8867(const std::string& name);  // "5.1"

using MakeController = std::function<std::unique_ptr<Controller>()>;
MakeController gcc();
MakeController loss_based();

struct FlowOutcome {
  std::vector<MediaFlow::Bin> bins;
  std::vector<MediaFlow::Queued> queueing;
};

struct Outcome {
  Case of;
  std::vector<FlowOutcome> media;
  std::vector<double> tcp_kbps;  // of each TCP flow, over the whole

  // Media bits that arrived in a time, of one flow, kbit/s.
  double received_kbps(std::size_t flow, double from, double to) const;
  double sent_loss(std::size_t flow) const;  // part of its packets that never arrived
  // Part of the forward capacity that media used, from the first flow's start to the end.
  double utilization() const;
  // Of all flows' media packets, ms.
  double queueing_ms(double quantile) const;
  // Jain's index of the flows' average rates in a time.
  double jain(double from, double to) const;
  // Seconds from `from` until a flow received at least `kbps` over a time; or the length of the case.
  double seconds_until_received(std::size_t flow, double from, double kbps, double over = 1.0) const;
  // Seconds from `from` until a flow's target was below `kbps`.
  double seconds_until_below(std::size_t flow, double from, double kbps) const;
};

Outcome run(const Case& of, const MakeController& make, std::uint32_t seed);

}  // namespace campaign::network

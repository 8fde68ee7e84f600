// Says what to send when, so that a frame does not leave as one burst and a probe leaves at its own rate. The
// caller holds the packets and sends them; the pacer knows their sizes and order. Its queue is bounded, and
// nothing is allocated after construction. One thread.
//
// At a rung's own rate (at most 90 % of the estimate) a frame of 1/30 s leaves within 3 ms.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "congestion/probe.hpp"

namespace campaign::congestion {

class Pacer {
 public:
  struct Config {
    std::size_t most_packets = 2048;                  // queued at once
    TimeDelta longest_queue = TimeDelta::seconds(1);  // at the pacing rate
    DataSize padding = DataSize::bytes(1200);         // of one padding packet, as the caller can make it
  };
  explicit Pacer(const Config& config, DataRate target);

  // From the estimator, whenever it changes.
  void set_target(DataRate target) { pacing_rate_ = target * kPacingFactor; }

  // Queues a packet of the caller's; `token` comes back when it is to be sent. False: the queue is full and
  // the packet is not in it; the caller drops to the next key frame.
  [[nodiscard]] bool enqueue(std::uint64_t token, DataSize size);

  // The probes of the estimator. One too many is ignored.
  void start_probe(const ProbePlan& plan);

  struct Send {
    std::optional<std::uint64_t> token;  // empty: make a padding packet of this size
    DataSize size;
    ProbeId probe = kNoProbe;  // to be told to the estimator with the packet
  };
  // What to send now; call until empty.
  std::optional<Send> next(Timestamp now);

  // When to call next() again; never() while there is nothing to send.
  Timestamp next_time() const;

  bool probing() const { return probe_count_ > 0; }
  std::size_t queued_packets() const { return count_; }
  DataSize queued_size() const { return queued_; }
  TimeDelta queue_time() const { return queued_ / pacing_rate_; }
  void drop_queued();  // a probe goes on with what comes next
  void clear();        // drops what is queued and the probes

 private:
  static constexpr double kPacingFactor = 2.5;  // libwebrtc goog_cc: pace multiplier
  static constexpr std::size_t kProbes = 4;

  struct Queued {
    std::uint64_t token;
    DataSize size;
  };
  Send take_queued();
  std::optional<Send> next_of_probe(Timestamp now);
  void finish_probe();

  Config config_;
  DataRate pacing_rate_;
  std::unique_ptr<Queued[]> ring_;
  std::size_t first_ = 0, count_ = 0;
  DataSize queued_;
  std::optional<Timestamp> free_at_;  // when the packets sent so far have left at the pacing rate

  ProbePlan probes_[kProbes];
  std::size_t probe_count_ = 0;
  DataSize probe_sent_;
  int probe_packets_ = 0;
  std::optional<Timestamp> probe_next_;
};

}  // namespace campaign::congestion

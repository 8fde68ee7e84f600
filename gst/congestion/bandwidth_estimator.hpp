// The bandwidth to one receiver, from transport-wide feedback: Google Congestion Control after
// draft-ietf-rmcat-gcc-02 and the practice since (libwebrtc goog_cc). This is the door to gst/congestion;
// with Pacer it is all an element needs:
//
//   BandwidthEstimator estimator(config, now);
//   Pacer pacer({}, estimator.target());
//   …for each packet:   pacer.enqueue(token, size)
//   …at pacer.next_time():
//       estimator.on_time(now);
//       while (auto probe = estimator.next_probe()) pacer.start_probe(*probe);
//       while (auto send = pacer.next(now)) {
//         …send it, or a padding packet;  estimator.on_packet_sent(now, sequence, size, send->probe);
//       }
//   …for each feedback message:
//       estimator.on_feedback(now, packets);  pacer.set_target(estimator.target());
//
// All methods from one thread, or under one lock. `now` is the sender's clock, any steady one; a `now` before
// the last one counts as the last one. Nothing is allocated for a packet. Feedback may be anything: packets
// never sent, told twice, told late, in any order, at any time; it never raises the estimate above what sent
// packets have shown.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "congestion/acknowledged_rate.hpp"
#include "congestion/application_limit.hpp"
#include "congestion/inter_arrival.hpp"
#include "congestion/loss_controller.hpp"
#include "congestion/overuse_detector.hpp"
#include "congestion/packet_feedback.hpp"
#include "congestion/probe_controller.hpp"
#include "congestion/probe_measurement.hpp"
#include "congestion/queueing_delay.hpp"
#include "congestion/rate_control.hpp"
#include "congestion/round_trip.hpp"
#include "congestion/sent_packets.hpp"
#include "congestion/surge.hpp"
#include "congestion/trendline.hpp"

namespace campaign::congestion {

// What is known of the network, for who chooses qualities, and for statistics.
struct NetworkState {
  DataRate target;  // send no more than this
  std::optional<DataRate> acknowledged;
  std::optional<TimeDelta> round_trip;
  TimeDelta queueing;  // of the last packet
  double loss = 0;     // 0 to 1, smoothed
  Usage usage = Usage::normal;
  bool loss_limited = false;               // loss and not delay sets the target
  bool application_limited = false;        // less is sent than would be allowed
  bool silent = false;                     // packets go out and no feedback comes
  std::optional<Timestamp> last_decrease;  // by delay, loss or silence
  std::optional<ProbeResult> last_probe;   // that was believed
  std::optional<Timestamp> last_probe_at;
};

class BandwidthEstimator {
 public:
  struct Config {
    DataRate start = DataRate::kbps(300);    // libwebrtc's default
    DataRate least = DataRate::kbps(50);     // the target is never below
    DataRate most = DataRate::kbps(20'000);  // nor above; no probe is faster
  };
  explicit BandwidthEstimator(const Config& config);

  void set_limits(DataRate least, DataRate most);

  // A packet has gone out, with what the transport numbers it. `size` on the wire, as far as is known.
  // `probe` as the pacer said; a padding packet without a probe does not exist.
  void on_packet_sent(Timestamp now, std::uint16_t sequence, DataSize size, ProbeId probe = kNoProbe);

  // One feedback message. The receiver's times must come from one clock, unwrapped (reference_time.hpp).
  void on_feedback(Timestamp now, std::span<const PacketFeedback> packets);

  // At least every 100 ms while packets go out: notices silence and decides on probes.
  void on_time(Timestamp now);

  // Probes that are to be sent now; call until empty.
  std::optional<ProbePlan> next_probe();

  // The source sends another stream from now on (a rung was switched): its key frame and the size of its
  // frames make a step in the delay that is no trend. The delay is not judged for half a second, and then
  // afresh.
  void on_source_changed(Timestamp now);

  // Asks for a probe at `rate` (bounded by the limits) as soon as the network is calm: before a better
  // quality.
  void request_probe(DataRate rate) { probes_.request(rate); }

  DataRate target() const { return target_; }
  NetworkState state() const;

 private:
  Timestamp advance(Timestamp now) { return now_ = std::max(now_, now); }
  void collect(std::span<const PacketFeedback> packets);
  void measure_round_trip();
  Usage detect_usage();
  bool is_settling(const PacketResult& result) const;
  std::optional<DataRate> detect_collapse();
  void forget_delays();
  void come_back();
  bool is_silent() const;
  std::optional<Timestamp> last_decrease() const;
  void update_target();
  ProbeController::Network network() const;

  Config config_;
  Timestamp now_ = Timestamp::ns(std::numeric_limits<std::int64_t>::min() / 4);
  DataRate target_;

  SentPackets sent_;
  std::vector<PacketResult> results_;  // of the message at hand, by arrival
  int newly_lost_ = 0;
  AcknowledgedRate acknowledged_;
  RoundTrip round_trip_;
  std::optional<TimeDelta> last_round_trip_;
  QueueingDelay queueing_;
  InterArrival groups_;
  Trendline trend_;
  OveruseDetector detector_;
  Surge surge_;
  RateControl delay_based_;
  LossController loss_based_;
  ApplicationLimit application_;
  ProbeMeasurement measurement_;
  ProbeController probes_;

  std::optional<Timestamp> first_sent_since_feedback_, last_media_, last_feedback_, last_silence_cut_,
      source_changed_;
  std::optional<Timestamp> back_since_;     // packets sent before this count no more
  std::optional<DataRate> before_silence_;  // while it lasts
  std::optional<ProbeResult> last_probe_;
  std::optional<Timestamp> last_probe_at_;
  bool started_ = false;
};

}  // namespace campaign::congestion

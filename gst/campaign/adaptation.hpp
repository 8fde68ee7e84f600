// One viewer's network and the quality that fits it: the estimator and the policy together, or a bandwidth
// that somebody set by hand in the estimator's place. Time is passed in; one thread, or under one lock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "campaign/ladder.hpp"
#include "campaign/quality_policy.hpp"
#include "congestion/bandwidth_estimator.hpp"

namespace campaign {

class Adaptation {
 public:
  struct Settings {
    congestion::BandwidthEstimator::Config network;
    std::optional<congestion::DataRate> by_hand;  // the bandwidth; empty: it is estimated
    Ladder ladder;
  };
  // What the encoder or the router upstream is to do from now on.
  struct Choice {
    std::string quality;
    std::uint64_t bitrate = 0;  // bit/s; below the rung's own where the network carries less than that
    std::uint32_t particles = 0;
    std::string reason;
    bool too_slow = false;      // the network, for the lowest quality: `bitrate` is all that it carries
    bool other_quality = true;  // than the last one; false: only the bitrate is another
    // What is still sent of the quality before is so much more than the network carries that nothing of it
    // can be shown: sent all the same, it would fill the queue that the new one has to get through.
    bool hopeless_before = false;
  };

  explicit Adaptation(const Settings& settings);

  void set_limits(congestion::DataRate least, congestion::DataRate most);
  void set_by_hand(congestion::DataRate bandwidth);
  // Other rungs from now on; what is wished and the limit are looked up among them again.
  void set_ladder(const Ladder& ladder);
  // The viewer's choice, and the highest quality there may be; empty, or no rung's name: none.
  void wish(std::string quality);
  void limit(std::string quality);

  // As BandwidthEstimator's. Until feedback has come at all the estimate stays where it starts: a receiver
  // that never sends any knows no transport-wide feedback, and its silence says nothing.
  void on_packet_sent(congestion::Timestamp now, std::uint16_t sequence, congestion::DataSize size,
                      congestion::ProbeId probe);
  void on_packet_without_number();  // which no feedback can speak of
  void on_feedback(congestion::Timestamp now, std::span<const congestion::PacketFeedback> packets);
  void on_time(congestion::Timestamp now);
  // Packets of another stream go out from now on.
  void on_source_changed(congestion::Timestamp now) { estimator_.on_source_changed(now); }
  std::optional<congestion::ProbePlan> next_probe();

  // The newest choice that was not taken yet; the first one is there from the start.
  std::optional<Choice> take_choice();

  congestion::DataRate estimate() const;
  congestion::DataRate pace() const;  // for the pacer: the most there may be for who sends no feedback
  congestion::NetworkState network() const;
  bool network_too_slow() const { return is_known() && policy_.network_too_slow(); }  // for the lowest rung
  // What the network carries in bit/s, where that is less than the lowest quality needs; else 0.
  std::uint64_t thin_to() const { return is_known() && told_bitrate_ < rung().bitrate ? told_bitrate_ : 0; }
  const Rung& rung() const { return policy_.ladder()[policy_.rung()]; }
  const std::string& reason() const { return reason_; }
  std::uint64_t switches() const { return switches_; }

 private:
  void decide(congestion::Timestamp now);
  void apply_wishes();
  void fit_bitrate(congestion::Timestamp now);
  std::uint64_t fitting_bitrate() const;
  bool is_known() const { return heard_ || settings_.by_hand; }
  void choose(bool other_quality, bool hopeless_before = false);

  Settings settings_;
  congestion::BandwidthEstimator estimator_;
  QualityPolicy policy_;
  std::string wished_, highest_;                     // rungs' names; empty: none
  std::optional<congestion::Timestamp> first_sent_;  // that feedback can speak of
  bool heard_ = false;                               // feedback
  bool mute_ = false;                                // none came when it should have
  std::string reason_ = "where it starts";
  std::uint64_t switches_ = 0;
  std::uint64_t told_bitrate_ = 0;
  bool told_too_slow_ = false;
  std::optional<congestion::Timestamp> last_fitted_;
  std::optional<Choice> choice_;
};

}  // namespace campaign

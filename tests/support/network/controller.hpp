// What decides a sender's rate: the estimator under test, and a plain loss-based controller beside it.
#pragma once

#include <memory>

#include "congestion/bandwidth_estimator.hpp"

namespace campaign::network {

using namespace campaign::congestion;

class Controller {
 public:
  virtual ~Controller() = default;
  virtual void on_packet_sent(Timestamp now, std::uint16_t sequence, DataSize size, ProbeId probe) = 0;
  virtual void on_feedback(Timestamp now, std::span<const PacketFeedback> packets) = 0;
  virtual void on_time(Timestamp now) = 0;
  virtual std::optional<ProbePlan> next_probe() = 0;
  virtual DataRate target() const = 0;
};

class GccController final : public Controller {
 public:
  explicit GccController(const BandwidthEstimator::Config& config) : estimator_(config) {}
  void on_packet_sent(Timestamp now, std::uint16_t sequence, DataSize size, ProbeId probe) override {
    estimator_.on_packet_sent(now, sequence, size, probe);
  }
  void on_feedback(Timestamp now, std::span<const PacketFeedback> packets) override {
    estimator_.on_feedback(now, packets);
  }
  void on_time(Timestamp now) override { estimator_.on_time(now); }
  std::optional<ProbePlan> next_probe() override { return estimator_.next_probe(); }
  DataRate target() const override { return estimator_.target(); }
  BandwidthEstimator& estimator() { return estimator_; }

 private:
  BandwidthEstimator estimator_;
};

// draft-ietf-rmcat-gcc-02, section 6 alone, once a second from the loss of that second, as from receiver
// reports: what senders without delay measurement do.
class LossBasedController final : public Controller {
 public:
  explicit LossBasedController(const BandwidthEstimator::Config& config)
      : config_(config), target_(config.start) {}
  void on_packet_sent(Timestamp, std::uint16_t, DataSize, ProbeId) override {}
  void on_feedback(Timestamp now, std::span<const PacketFeedback> packets) override {
    for (const auto& packet : packets) ++(packet.received ? received_ : lost_);
    if (!opened_) opened_ = now;
    if (now - *opened_ < TimeDelta::seconds(1) || received_ + lost_ == 0) return;
    const double loss = double(lost_) / double(received_ + lost_);
    if (loss > 0.10) {
      target_ = target_ * (1 - 0.5 * loss);
    } else if (loss < 0.02) {
      target_ = target_ * 1.08;
    }
    target_ = std::clamp(target_, config_.least, config_.most);
    received_ = lost_ = 0;
    opened_ = now;
  }
  void on_time(Timestamp) override {}
  std::optional<ProbePlan> next_probe() override { return std::nullopt; }
  DataRate target() const override { return target_; }

 private:
  BandwidthEstimator::Config config_;
  DataRate target_;
  int received_ = 0, lost_ = 0;
  std::optional<Timestamp> opened_;
};

}  // namespace campaign::network

// The cheapest network there is: everything arrives 40 ms later, told in messages of twenty packets. For
// measuring the estimator itself, without a simulation around it.
#pragma once

#include <array>

#include "congestion/bandwidth_estimator.hpp"
#include "congestion/pacer.hpp"

namespace campaign::network {

using namespace campaign::congestion;

class Echo {
 public:
  static constexpr int kPackets = 20;  // in a message

  // A frame's worth of packets: queued, paced, sent, told.
  void play_message() {
    for (int i = 0; i < kPackets; ++i) {
      now_ = now_ + kApart;
      estimator_.on_time(now_);
      while (auto probe = estimator_.next_probe()) pacer_.start_probe(*probe);
      (void)pacer_.enqueue(next_, DataSize::bytes(1200));
      auto send = pacer_.next(now_);
      const DataSize size = send ? send->size : DataSize::bytes(1200);
      estimator_.on_packet_sent(now_, next_, size, send ? send->probe : kNoProbe);
      message_[std::size_t(i)] = {next_++, now_ + TimeDelta::seconds(1000)};
    }
    estimator_.on_feedback(now_ + TimeDelta::ms(40), message_);
    pacer_.set_target(estimator_.target());
  }
  const BandwidthEstimator& estimator() const { return estimator_; }

 private:
  static constexpr TimeDelta kApart = TimeDelta::us(2400);  // 4 Mbit/s
  BandwidthEstimator estimator_{{.start = DataRate::kbps(4000)}};
  Pacer pacer_{{}, DataRate::kbps(4000)};
  Timestamp now_ = Timestamp::seconds(1);
  std::uint16_t next_ = 0;
  std::array<PacketFeedback, kPackets> message_{};
};

}  // namespace campaign::network

// Feeds any sequence of sent packets, feedback and time to the estimator and the pacer; whatever comes, they
// keep their promises. libFuzzer's entry, and the one of the seeded test that runs everywhere.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "congestion/bandwidth_estimator.hpp"
#include "congestion/pacer.hpp"
#include "congestion/reference_time.hpp"

namespace {

using namespace campaign::congestion;

void require(bool promise) {
  if (!promise) std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  template <class T>
  T take() {
    T value{};
    const std::size_t size = std::min(sizeof value, left_);
    if (size > 0) std::memcpy(&value, data_, size);
    data_ += size;
    left_ -= size;
    return value;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

class Session {
 public:
  explicit Session(Input input) : in_(input) {}

  void play() {
    while (!in_.empty()) {
      switch (in_.take<std::uint8_t>() % 8) {
        case 0:
          now_ = now_ + TimeDelta::us(in_.take<std::uint16_t>());
          break;
        case 1:
          now_ = now_ + TimeDelta::ms(in_.take<std::uint16_t>());
          break;
        case 2:
        case 3:
          send_some();
          break;
        case 4:
          if (!pacer_.enqueue(in_.take<std::uint8_t>(), DataSize::bytes(in_.take<std::uint16_t>()))) {
            require(pacer_.queued_packets() > 0);
          }
          break;
        case 5:
          hear(told_honestly());
          break;
        case 6:
          hear(told_anything());
          break;
        case 7:
          estimator_.request_probe(DataRate::kbps(in_.take<std::int16_t>()));
          break;
      }
      check();
    }
  }

 private:
  void send_some() {
    estimator_.on_time(now_);
    while (auto plan = estimator_.next_probe()) {
      require(plan->rate > DataRate() && plan->rate <= kMost);
      pacer_.start_probe(*plan);
    }
    for (int i = 0; i < 200; ++i) {
      const auto send = pacer_.next(now_);
      if (!send) break;
      require(send->size >= DataSize());
      estimator_.on_packet_sent(now_, next_++, send->size, send->probe);
      sent_.push_back(now_);
    }
  }

  // The packets since the last time, some of them lost, at times that a network could have made.
  std::vector<PacketFeedback> told_honestly() {
    std::vector<PacketFeedback> message;
    const auto delay = TimeDelta::us(in_.take<std::uint16_t>()),
               apart = TimeDelta::us(in_.take<std::uint16_t>());
    const auto losses = in_.take<std::uint8_t>();
    for (; told_ < sent_.size(); ++told_) {
      PacketFeedback feedback{.sequence = std::uint16_t(told_)};
      if (losses == 0 || told_ % losses != 0) {
        feedback.received = sent_[told_] + delay + apart * double(message.size());
      }
      message.push_back(feedback);
    }
    return message;
  }

  std::vector<PacketFeedback> told_anything() {
    std::vector<PacketFeedback> message(in_.take<std::uint8_t>() % 32);
    for (PacketFeedback& feedback : message) {
      feedback.sequence = in_.take<std::uint16_t>();
      const auto kind = in_.take<std::uint8_t>() % 4;
      if (kind == 1) feedback.received = Timestamp::ns(in_.take<std::int64_t>());
      if (kind == 2) feedback.received = times_.unwrap(Timestamp::ns(in_.take<std::int64_t>()));
      if (kind == 3) feedback.received = now_ + TimeDelta::us(in_.take<std::int16_t>());
    }
    return message;
  }

  void hear(const std::vector<PacketFeedback>& message) {
    estimator_.on_feedback(now_, message);
    check();
    // The same once more, in reverse, and from the past: it must not raise anything.
    auto again = message;
    std::reverse(again.begin(), again.end());
    std::erase_if(again, [](const PacketFeedback& feedback) { return !feedback.received; });
    const auto before = estimator_.target();
    estimator_.on_feedback(now_, again);
    estimator_.on_feedback(Timestamp::ns(0), again);
    require(estimator_.target() <= before);
    pacer_.set_target(estimator_.target());
  }

  void check() {
    const NetworkState state = estimator_.state();
    require(state.target >= kLeast && state.target <= kMost);
    require(state.loss >= 0 && state.loss <= 1);
    require(!state.round_trip || *state.round_trip > TimeDelta());
    require(!state.acknowledged || *state.acknowledged >= DataRate());
    require(!state.last_probe || state.last_probe->rate >= DataRate());
    require(pacer_.queued_packets() <= 64 && pacer_.queued_size() >= DataSize());
  }

  static constexpr DataRate kLeast = DataRate::kbps(50), kMost = DataRate::kbps(20'000);
  Input in_;
  BandwidthEstimator estimator_{{.least = kLeast, .most = kMost}};
  Pacer pacer_{{.most_packets = 64}, DataRate::kbps(300)};
  ReferenceTimeUnwrapper times_;
  Timestamp now_ = Timestamp::seconds(10);
  std::uint16_t next_ = 0;
  std::size_t told_ = 0;
  std::vector<Timestamp> sent_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Session(Input(data, size)).play();
  return 0;
}

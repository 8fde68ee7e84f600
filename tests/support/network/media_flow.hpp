// One media sender and its receiver on the simulated network: an encoder that follows the target frame by
// frame, the real pacer, the controller, and a receiver that answers with transport-wide feedback.
#pragma once

#include <memory>
#include <random>
#include <vector>

#include "congestion/pacer.hpp"
#include "controller.hpp"
#include "link.hpp"

namespace campaign::network {

class MediaFlow {
 public:
  struct Config {
    TimeDelta further;                                // travel beyond the link's own, each way
    std::optional<DataRate> source_rate;              // the encoder's own rate; empty: it follows the target
    TimeDelta feedback_interval = TimeDelta::ms(50);  // libwebrtc: 50 to 250 ms, 50 from 220 kbit/s on
    std::uint32_t seed = 1;
  };
  // `forward` carries the media and `backward` the feedback; without it feedback takes `return_delay`.
  MediaFlow(EventQueue& events, std::unique_ptr<Controller> controller, Link& forward, Link* backward,
            TimeDelta return_delay, const Config& config);

  void start();
  void stop();  // a pause, too
  // Another rung, which begins with a key frame.
  void set_source_rate(DataRate rate) {
    config_.source_rate = rate;
    key_frame_ = true;
  }

  struct Bin {
    double media_bits = 0;   // that arrived
    double target_kbps = 0;  // at its end
    int sent = 0, arrived = 0;
  };
  static constexpr TimeDelta kBin = TimeDelta::ms(100);
  const std::vector<Bin>& bins() const { return bins_; }

  struct Queued {
    Timestamp at;
    double ms;
  };
  const std::vector<Queued>& queueing() const { return queueing_; }  // of media packets, when they arrived
  Controller& controller() { return *controller_; }

 private:
  struct Arrival {
    std::int64_t sequence;
    Timestamp received;
  };
  void next_frame(std::uint64_t run);
  void pump();
  void wake_at(Timestamp when);
  void send(const Pacer::Send& send);
  void arrive(std::int64_t sequence, DataSize size, bool media, TimeDelta queued);
  void next_feedback();
  void next_bin();
  Bin& bin() { return bins_.back(); }

  EventQueue& events_;
  std::unique_ptr<Controller> controller_;
  Link& forward_;
  Link* backward_;
  TimeDelta return_delay_;
  Config config_;
  std::mt19937 random_;
  Pacer pacer_;
  bool key_frame_ = false, running_ = false, ticking_ = false;
  std::uint64_t run_ = 0;  // counts starts, so that a stopped encoder's last frame does not come
  Timestamp wake_ = Timestamp::never();
  std::int64_t next_sequence_ = 0;
  std::vector<Arrival> arrivals_;  // since the last feedback
  std::int64_t next_told_ = 0;
  std::vector<Bin> bins_{1};
  std::vector<Queued> queueing_;
};

}  // namespace campaign::network

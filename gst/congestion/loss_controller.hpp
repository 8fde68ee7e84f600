// The loss-based limit: many packets lost cut it, few let it grow (draft-ietf-rmcat-gcc-02, section 6). Loss
// is smoothed over windows of time, so that one lost burst is not taken for a lossy network. One thread.
#pragma once

#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

class LossController {
 public:
  // What one feedback message said. `rate`: what is sent now, from which a cut starts.
  void on_feedback(int received, int lost, DataRate rate, TimeDelta round_trip, Timestamp now);

  // Another part cut the rate: the losses of the next round trip are of packets sent before.
  void on_decrease(Timestamp now) { last_decrease_ = now; }

  // A probe showed that this much arrives.
  void on_probe(DataRate rate) {
    if (limit_ < rate) limit_ = rate;
  }

  void bound(DataRate least) { limit_ = std::max(limit_, least); }

  DataRate limit() const { return limit_; }  // infinite while loss limits nothing
  double loss() const { return smoothed_; }  // 0 to 1
  bool lossy() const;                        // above what cuts
  std::optional<Timestamp> last_cut() const { return last_cut_; }

 private:
  void close_window(DataRate rate, TimeDelta round_trip, Timestamp now);

  DataRate limit_ = DataRate::infinite();
  double smoothed_ = 0;
  int received_ = 0, lost_ = 0;
  std::optional<Timestamp> opened_, last_cut_, last_decrease_;
};

}  // namespace campaign::congestion

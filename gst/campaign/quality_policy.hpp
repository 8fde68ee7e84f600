// Which rung of the ladder one viewer gets. Apart from the estimator: it sees what the network is like and
// what the viewer wants, and says when to switch, where to, and why in words. Time is passed in; one thread,
// or under one lock.
//
// Down: at once, as far as needed, when overuse, loss or silence has pushed the estimate below what admits
// the rung. Up: after the network has been stable, when a probe of just now has carried the rung's bitrate
// with 15 % to spare and at least its threshold. An up-switch that had to be taken back doubles the wait
// before the next, unless the estimate has since grown to half as much again as it was then. Never two
// switches within a second, whoever wants them. A rung that the viewer chose is kept whatever the network;
// max-quality bounds both.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "campaign/ladder.hpp"
#include "congestion/bandwidth_estimator.hpp"

namespace campaign {

enum class SwitchReason { viewer_chose, viewer_limit, overuse, loss, silence, slow_network, room };

struct QualitySwitch {
  std::size_t from, to;  // rungs
  SwitchReason reason;
  std::string text;  // for statistics, the bus and the viewer: "the network carries 6100 kbit/s"
};

class QualityPolicy {
 public:
  // Starts on the rung that `estimate` admits.
  QualityPolicy(const Ladder& ladder, congestion::DataRate estimate);

  // The viewer's choice; empty: automatic.
  void choose(std::optional<std::size_t> rung) { chosen_ = rung; }
  // No rung above this, whoever wants it.
  void limit(std::size_t highest) { highest_ = std::min(highest, ladder_.top()); }

  // Other rungs from now on: it goes on with the one of the same name, or with what `estimate` admits.
  // Choice and limit are the caller's to say again.
  void set_ladder(const Ladder& ladder, congestion::DataRate estimate);

  // After each feedback and at least every 100 ms. At most one switch; it has happened when this returns.
  std::optional<QualitySwitch> update(const congestion::NetworkState& network, congestion::Timestamp now);

  // The probe that would allow a better rung, when one is due: give it to the estimator. Empty again after it
  // was taken.
  std::optional<congestion::DataRate> take_wanted_probe();

  std::size_t rung() const { return rung_; }
  const Ladder& ladder() const { return ladder_; }

  // The network carries less than the lowest rung needs; the page says so.
  bool network_too_slow() const { return too_slow_; }

  // What a rung needs to be shown before it is chosen.
  congestion::DataRate needed(std::size_t rung) const;

 private:
  struct Move {
    std::size_t to;
    SwitchReason reason;
  };
  std::optional<Move> decide(const congestion::NetworkState& network, congestion::Timestamp now);
  std::optional<Move> down(const congestion::NetworkState& network, congestion::Timestamp now);
  std::optional<Move> up(const congestion::NetworkState& network, congestion::Timestamp now);
  void want_probe(const congestion::NetworkState& network, congestion::Timestamp now);
  void remember(const Move& move, const congestion::NetworkState& network, congestion::Timestamp now);

  Ladder ladder_;
  std::size_t rung_, highest_;
  std::optional<std::size_t> chosen_;
  bool too_slow_ = false;
  std::optional<congestion::Timestamp> last_switch_, last_up_, below_since_, backed_off_until_, last_wanted_;
  congestion::DataRate tried_at_;  // the estimate at the last up-switch
  int failures_ = 0;               // up-switches that had to be taken back, in a row
  int misses_ = 0;                 // probes asked for on this rung that showed too little
  congestion::DataRate target_when_wanted_;
  std::optional<congestion::DataRate> wanted_probe_;
};

}  // namespace campaign

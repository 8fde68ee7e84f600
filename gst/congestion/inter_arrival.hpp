// Groups packets that were sent together, and says how much later than it was sent each group arrived,
// compared with the group before (draft-ietf-rmcat-gcc-02, sections 5.1 and 5.2). One thread.
#pragma once

#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

struct GroupDelta {
  TimeDelta sent;      // between the last packets of two groups, at the sender
  TimeDelta received;  // the same at the receiver
  Timestamp arrival;   // of the later group; the receiver's clock
};

class InterArrival {
 public:
  // A packet that arrived, in the order of arrival. `now` is when its feedback came (the sender's clock).
  // Returns the delta of the group that this packet completes.
  std::optional<GroupDelta> add(Timestamp sent, Timestamp received, Timestamp now);

  // Forgets both groups: the next delta spans nothing that came before.
  void reset();

 private:
  struct Group {
    Timestamp first_sent, last_sent;
    Timestamp first_received, last_received;
    Timestamp told;  // when feedback spoke of its last packet
  };
  bool belongs_to_current(Timestamp sent, Timestamp received) const;

  std::optional<Group> current_, previous_;
  int reordered_ = 0;
};

}  // namespace campaign::congestion

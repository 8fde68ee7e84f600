// What one viewer still has to get, in order, and how it comes from one stream to another: everything that
// decides which units a viewer sees.
//
// The promises, whatever is offered: the first unit taken is a key frame, and every later one can be decoded
// from those taken before it; timestamps strictly increase; a unit of the watched stream is missing only
// after an overflow or for a rate that it exceeds, which is counted, or where the next stream has taken its
// place.
//
// A switch. The new stream runs beside the old one, a little behind it or ahead of it, since one encoder
// takes longer than another. Which of the old stream's units are the last to be sent is known only when the
// new stream's key frame is there; so while a switch is under way, each unit of the old one is held until the
// new one has passed its timestamp, at most for a short time. The key frame then takes the place of the held
// units from its timestamp on. If it is ahead, it is parked until the old stream has come as far. A key frame
// that is older than what the viewer has already got comes too late, and the next one is waited for with more
// patience.
//
// Plain C++; time is an argument, the caller locks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "campaign/routing/thinning.hpp"
#include "util/ring.hpp"

namespace campaign::routing {

struct DeliveryCounts {          // units, since the start
  std::uint64_t admitted = 0;    // = delivered + dropped + superseded - refused + those that wait
  std::uint64_t delivered = 0;   // taken
  std::uint64_t dropped = 0;     // lost to overflows (or a pause), with all that could not be decoded after
  std::uint64_t refused = 0;     // of the dropped: those never admitted
  std::uint64_t superseded = 0;  // the next stream has the same instant
  std::uint64_t thinned = 0;     // of the refused: more than the rate carries
  std::uint64_t overflows = 0;
  std::uint64_t switches = 0;       // to another stream, also after the one before was lost
  std::uint64_t late_switches = 0;  // key frames to switch at that came too late
};

class DeliveryQueue {
 public:
  struct Taken {
    AccessUnit unit;
    std::uint32_t stream = 0;  // generation() of the stream that it comes from
    bool after_gap = false;    // units before it were dropped
  };

  // At least 2 units may wait.
  explicit DeliveryQueue(std::size_t capacity) : capacity_(capacity < 2 ? 2 : capacity) {}

  // What the viewer gets of the watched stream in bit/s, however much it is; 0: all of it.
  void thin_to(std::uint64_t bits_per_second);

  // A unit of the stream that is watched, or was until the parked key frame.
  void offer(const AccessUnit& unit, Nanoseconds now);

  enum class Next { waiting, too_late };
  // A unit of the stream that is to be watched next. too_late: another key frame is needed.
  Next offer_next(const AccessUnit& unit, Nanoseconds now);
  // Starts with a group of pictures that has been sent already, at once. Refused (false) while the watched
  // stream runs, or when the viewer has seen later units.
  bool start_from(std::span<const AccessUnit> group);

  void expect_next();   // a switch begins, or the first stream is awaited
  void forget_next();   // it does not take place: the watched stream goes on
  void lose_current();  // the watched stream is gone; what it left is still delivered
  void close();         // nothing waits any more, and nothing is watched or expected
  void restart_time();  // timestamps begin anew after a flush: close(), and the past is forgotten

  // The next unit whose turn has come.
  std::optional<Taken> take(Nanoseconds now);
  // When take() may give something that it would not give now, without anything being offered.
  std::optional<Nanoseconds> due() const;

  // Counts the streams watched so far: it changes when a switch takes place, in any of the calls above.
  std::uint32_t generation() const { return generation_; }
  bool is_watching() const { return watching_; }
  bool is_expecting() const { return expecting_; }
  // Once per loss: the viewer has caught up and sees nothing before the next key frame.
  bool take_key_frame_wish();

  std::size_t waiting() const { return ring_.size(); }
  const DeliveryCounts& counts() const { return counts_; }

 private:
  struct Entry {
    AccessUnit unit;
    Nanoseconds release{};  // not taken before, while a switch is under way
    std::uint32_t stream = 0;
    bool after_gap = false;
  };

  std::size_t settled() const { return ring_.size() - parked_; }
  Nanoseconds newest() const { return settled() > 0 ? ring_[settled() - 1].unit.pts : last_taken_; }
  bool is_full() const { return ring_.size() - burst_ >= capacity_; }
  void admit(const AccessUnit& unit, std::uint32_t stream, Nanoseconds release, std::size_t at);
  void drop_to_key_frame();
  void drop_front(std::size_t count);
  void supersede_back();
  void watch_next();
  void lose_reference();
  void refuse();
  void refuse_for_rate(const AccessUnit& unit);
  void open();
  void note_lag(const AccessUnit& unit, Nanoseconds now);

  const std::size_t capacity_;
  Ring<Entry> ring_;        // settled ones, then `parked_` ones of the next stream
  std::size_t parked_ = 0;  // from the next stream's key frame on
  std::size_t burst_ = 0;   // of the oldest: cached ones, which do not count as a backlog
  std::uint32_t generation_ = 0;
  bool watching_ = false, open_ = false;  // open: the next unit of the watched stream can be decoded
  bool lost_ = false;                     // what was watched until now, with nothing watched since
  bool expecting_ = false;
  bool gap_ = false;   // the next admitted unit comes after a loss
  bool wish_ = false;  // for a key frame
  Nanoseconds last_taken_ = Nanoseconds::min();
  Nanoseconds progress_ = Nanoseconds::min();  // the next stream has passed this, without a key frame
  Nanoseconds hold_{}, parked_until_{};
  Nanoseconds newest_offered_ = Nanoseconds::min(), offered_at_{};  // of the watched stream
  unsigned misses_ = 0;
  Thinning thinning_;
  bool closed_by_rate_ = false;  // not open_, since the rate did not carry a unit
  DeliveryCounts counts_;
};

}  // namespace campaign::routing

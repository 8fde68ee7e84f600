// A session's adaptivebitrate: made when webrtcbin asks for it, told what the viewer may have and wishes, and
// read for what it found out. Any thread.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <string>

#include "campaign/ladder.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"

namespace campaign::viewer {

// What a viewer's network is taken for until feedback says more; the first probes look for more at once.
inline constexpr std::uint64_t kStartBandwidth = 2'000'000;  // bit/s

class Adaptive {
 public:
  struct Found {
    std::uint64_t estimate = 0;  // bit/s; 0: unknown
    std::string quality, reason;
    bool too_slow = false;      // for the lowest quality
    std::uint64_t thin_to = 0;  // bit/s, of which it carries less; 0: it carries it
  };

  // `fec`: repairs for every 100 packets, which need room beside each rung.
  Adaptive(Ladder ladder, unsigned fec) : state_(State{std::move(ladder), {}, {}, fec, false}) {}

  // Floating, for webrtcbin to take; null: it is not installed, and then the connection works without.
  GstElement* make();
  void set_ladder(const Ladder& ladder);
  void send_no_repairs();                 // the viewer cannot read them
  void wish(const std::string& quality);  // empty: none
  Found found() const;
  void let_go();  // the element; none is made any more

 private:
  struct State {
    Ladder ladder;
    std::string wished;
    Ref<GstElement> element;
    unsigned fec = 0;
    bool over = false;
  };
  Guarded<State> state_;
};

}  // namespace campaign::viewer

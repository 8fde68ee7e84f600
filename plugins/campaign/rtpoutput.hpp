// What becomes of RTP packets on their way out: each with the transport-wide extension gets its number, and
// padding finds a place among them that receivers accept. One thread.
//
// Where rtprtxsend stands upstream, padding is what it sends when it is asked for packets of a moment ago: a
// receiver takes them for retransmissions that it did not need, which is what browsers send each other (RFC
// 4588), and every number stays rtprtxsend's own. Else it is padding only (RFC 3550, 5.1) on the media
// stream, after the last packet of a frame, and all media packets behind it move up by one number; that needs
// everybody who keeps the old numbers (FEC) to stand behind us.
#pragma once

#include <gst/gst.h>

#include <array>
#include <cstdint>
#include <optional>

#include "congestion/units.hpp"
#include "util/gst_ptr.hpp"

namespace campaign {

class RtpOutput {
 public:
  enum class Upstream {
    forgets,      // nobody there keeps the media packets' numbers
    keeps,        // somebody does
    retransmits,  // and sends packets again when asked
  };
  void set_caps(const GstCaps* caps, Upstream upstream);

  // A packet that goes out next. Says whether it carries the transport-wide number it was given; a packet
  // that is not RTP goes out as it is.
  bool number(Ref<GstBuffer>& packet, std::uint16_t transport_number);

  // Whether padding() would make a packet now; null: it could not after all.
  bool can_pad() const;
  Ref<GstBuffer> padding(std::uint16_t transport_number);
  static constexpr congestion::DataSize padding_size() { return congestion::DataSize::bytes(kPadding); }

  struct Heading {
    std::uint16_t number = 0;  // of a retransmission the original's (RFC 4588, 4)
    std::uint32_t ssrc = 0, timestamp = 0;
    bool ends_frame = false;
    bool same_frame(const Heading& other) const { return ssrc == other.ssrc && timestamp == other.timestamp; }
  };
  // Nothing of what is not RTP.
  static std::optional<Heading> heading(GstBuffer* packet);

  // Or whether repeats are to be asked for instead: the event for an earlier packet, and its size and number.
  bool can_repeat() const {
    return extension_ != 0 && upstream_ == Upstream::retransmits && recent_count_ > 0;
  }
  struct Repeat {
    Ref<GstEvent> event;
    congestion::DataSize size;
    std::uint16_t number = 0;
  };
  std::optional<Repeat> ask_for_repeat();

  static congestion::DataSize size_on_wire(GstBuffer* packet);

 private:
  // Sequence numbers of a stream that packets of ours are put into.
  class Numbering {
   public:
    std::uint16_t pass(std::uint16_t number);
    std::uint16_t insert(std::uint16_t first);  // `first`: where no packet has been yet

   private:
    std::optional<std::uint16_t> next_;
    bool passed_ = false;
    std::uint16_t moved_ = 0;
  };
  struct Last {  // media packet
    std::uint32_t timestamp = 0;
    std::uint8_t payload_type = 0;
    bool ends_frame = false;
    GstClockTime pts = GST_CLOCK_TIME_NONE, dts = GST_CLOCK_TIME_NONE;
  };
  struct Recent {
    std::uint16_t sequence;
    congestion::DataSize size;
  };
  static constexpr std::int64_t kPadding = 12 + 8 + 255 + 28;  // headers, the most that one byte counts, UDP
  static constexpr std::size_t kRecent = 64;                   // of rtprtxsend's 500 in webrtcbin

  std::uint8_t extension_ = 0;  // id of the transport-wide extension; 0: not negotiated
  Upstream upstream_ = Upstream::keeps;
  std::optional<std::uint32_t> media_ssrc_;
  Numbering media_;
  std::optional<Last> last_;
  std::array<Recent, kRecent> recent_{};  // larger media packets that went out, as a ring
  std::size_t recent_next_ = 0, recent_count_ = 0, repeat_next_ = 0;
};

}  // namespace campaign

// What becomes of RTP packets on their way out: each with the transport-wide extension gets its number, and
// padding packets find a place among them that receivers accept. One thread.
//
// Padding goes to the retransmission stream where there is one, as the copy of a packet that was sent: a
// receiver takes it for a retransmission that it did not need, which is what browsers send each other
// (RFC 4588). Else it is padding only (RFC 3550, 5.1) on the media stream, after the last packet of a frame,
// and all media packets behind it move up by one number; that needs everybody who keeps the old numbers
// (rtprtxsend, FEC) to stand behind us.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>

#include "congestion/units.hpp"
#include "util/gst_ptr.hpp"

namespace campaign {

class RtpOutput {
 public:
  // `movable`: nobody upstream keeps the media packets' numbers.
  void set_caps(const GstCaps* caps, bool movable);

  // A packet that goes out next. Says whether it carries the transport-wide number it was given; a packet
  // that is not RTP goes out as it is.
  bool number(Ref<GstBuffer>& packet, std::uint16_t transport_number);

  // Whether padding() would make a packet now, and how large it would be.
  bool can_pad() const;
  congestion::DataSize padding_size() const;
  Ref<GstBuffer> padding(std::uint16_t transport_number);  // null: it could not be made

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
  bool retransmits() const { return retransmission_ssrc_ && retransmission_type_; }
  Ref<GstBuffer> repeat(std::uint16_t transport_number);
  Ref<GstBuffer> pad_media(std::uint16_t transport_number);

  std::uint8_t extension_ = 0;  // id of the transport-wide extension; 0: not negotiated
  bool movable_ = false;
  std::optional<std::uint32_t> media_ssrc_, retransmission_ssrc_;
  std::optional<std::uint8_t> media_type_;
  std::optional<std::uint8_t> retransmission_type_;
  Numbering media_, retransmissions_;
  std::optional<Last> last_;
  Ref<GstBuffer> sample_;  // a media packet that went out, to be repeated
  int sample_age_ = 0;     // packets since then
};

}  // namespace campaign

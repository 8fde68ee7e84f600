#include "rtpoutput.hpp"

#include <gst/rtp/rtp.h>

#include <algorithm>
#include <string>

#include "util/network_order.hpp"

namespace campaign {
namespace {

constexpr const char* kTransportWide =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
constexpr guint8 kMostPadding = 255;     // RFC 3550, 5.1: the last byte counts them all
constexpr gsize kWireOverhead = 20 + 8;  // IPv4 and UDP; SRTP's tag cannot be known here
constexpr guint kWorthRepeating = 500;   // bytes; own: a probe of small packets measures the receiver

class Mapped {
 public:
  Mapped(GstBuffer* buffer, GstMapFlags flags) : mapped_(gst_rtp_buffer_map(buffer, flags, &rtp_)) {}
  Mapped(const Mapped&) = delete;
  ~Mapped() {
    if (mapped_) gst_rtp_buffer_unmap(&rtp_);
  }
  explicit operator bool() const { return mapped_; }
  GstRTPBuffer* get() { return &rtp_; }

 private:
  GstRTPBuffer rtp_ = GST_RTP_BUFFER_INIT;
  bool mapped_;
};

// The id of the transport-wide extension in caps, where extmap-<id> is the address or [direction, address,
// attributes]. 0: there is none that fits into one byte (RFC 8285, 4.2).
std::uint8_t extension_id(const GstStructure* caps) {
  for (int id = 1; id <= 14; ++id) {
    const GValue* value = gst_structure_get_value(caps, ("extmap-" + std::to_string(id)).c_str());
    if (value && GST_VALUE_HOLDS_ARRAY(value) && gst_value_array_get_size(value) > 1)
      value = gst_value_array_get_value(value, 1);
    if (value && G_VALUE_HOLDS_STRING(value) && g_strcmp0(g_value_get_string(value), kTransportWide) == 0)
      return std::uint8_t(id);
  }
  return 0;
}

void write_extension(GstRTPBuffer* rtp, guint8 id, std::uint16_t number) {
  guint8 bytes[2];
  write16(bytes, number);
  gst_rtp_buffer_add_extension_onebyte_header(rtp, id, bytes, sizeof bytes);
}

}  // namespace

std::uint16_t RtpOutput::Numbering::pass(std::uint16_t number) {
  if (!passed_ && next_) moved_ = std::uint16_t(*next_ - number);
  passed_ = true;
  const auto moved = std::uint16_t(number + moved_);
  next_ = std::uint16_t(moved + 1);
  return moved;
}

std::uint16_t RtpOutput::Numbering::insert(std::uint16_t first) {
  const std::uint16_t number = next_.value_or(first);
  next_ = std::uint16_t(number + 1);
  if (passed_) ++moved_;
  return number;
}

void RtpOutput::set_caps(const GstCaps* caps, Upstream upstream) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  extension_ = extension_id(structure);
  upstream_ = upstream;
  guint ssrc = 0;
  if (!gst_structure_get_uint(structure, "ssrc", &ssrc) || media_ssrc_ == ssrc) return;
  media_ssrc_ = ssrc;
  media_ = {};
  last_.reset();
  recent_count_ = 0;
}

congestion::DataSize RtpOutput::size_on_wire(GstBuffer* packet) {
  return congestion::DataSize::bytes(std::int64_t(gst_buffer_get_size(packet) + kWireOverhead));
}

std::optional<RtpOutput::Heading> RtpOutput::heading(GstBuffer* packet) {
  Mapped rtp(packet, GST_MAP_READ);
  if (!rtp) return std::nullopt;
  Heading heading{gst_rtp_buffer_get_seq(rtp.get()), gst_rtp_buffer_get_ssrc(rtp.get()),
                  gst_rtp_buffer_get_timestamp(rtp.get()), bool(gst_rtp_buffer_get_marker(rtp.get()))};
  // Repairs come after the frame.
  heading.ends_frame = heading.ends_frame || GST_BUFFER_FLAG_IS_SET(packet, GST_RTP_BUFFER_FLAG_REDUNDANT);
  if (!GST_BUFFER_FLAG_IS_SET(packet, GST_RTP_BUFFER_FLAG_RETRANSMISSION)) return heading;
  if (gst_rtp_buffer_get_payload_len(rtp.get()) < 2) return std::nullopt;
  heading.number = read16(static_cast<const guint8*>(gst_rtp_buffer_get_payload(rtp.get())));
  return heading;
}

bool RtpOutput::number(Ref<GstBuffer>& packet, std::uint16_t transport_number) {
  packet = adopt(gst_buffer_make_writable(packet.release()));
  bool numbered = false;
  {
    Mapped rtp(packet.get(), GST_MAP_READWRITE);
    if (!rtp) return false;
    const guint32 ssrc = gst_rtp_buffer_get_ssrc(rtp.get());
    const guint16 sequence = gst_rtp_buffer_get_seq(rtp.get());
    gpointer data = nullptr;
    guint size = 0;
    if (extension_ != 0 &&
        gst_rtp_buffer_get_extension_onebyte_header(rtp.get(), extension_, 0, &data, &size) && size == 2) {
      write16(static_cast<guint8*>(data), transport_number);
      numbered = true;
    }
    if (GST_BUFFER_FLAG_IS_SET(packet.get(), GST_RTP_BUFFER_FLAG_RETRANSMISSION)) return numbered;
    if (!media_ssrc_) media_ssrc_ = ssrc;
    if (media_ssrc_ != ssrc) return numbered;  // another stream of the session, such as audio
    if (const guint16 moved = media_.pass(sequence); moved != sequence)
      gst_rtp_buffer_set_seq(rtp.get(), moved);
    last_ = Last{gst_rtp_buffer_get_timestamp(rtp.get()), gst_rtp_buffer_get_payload_type(rtp.get()),
                 bool(gst_rtp_buffer_get_marker(rtp.get())), GST_BUFFER_PTS(packet.get()),
                 GST_BUFFER_DTS(packet.get())};
    const bool repair = GST_BUFFER_FLAG_IS_SET(packet.get(), GST_RTP_BUFFER_FLAG_REDUNDANT);
    if (!repair && (recent_count_ == 0 || gst_rtp_buffer_get_payload_len(rtp.get()) >= kWorthRepeating)) {
      recent_[recent_next_] = {sequence, size_on_wire(packet.get())};
      recent_next_ = (recent_next_ + 1) % kRecent;
      recent_count_ = std::min(recent_count_ + 1, kRecent);
    }
  }
  return numbered;
}

bool RtpOutput::can_pad() const {
  return extension_ != 0 && upstream_ == Upstream::forgets && last_ && last_->ends_frame;
}

// The latest first, and around again.
std::optional<RtpOutput::Repeat> RtpOutput::ask_for_repeat() {
  if (!can_repeat()) return std::nullopt;
  const std::size_t back = 1 + repeat_next_++ % recent_count_;
  const Recent& packet = recent_[(recent_next_ + kRecent - back) % kRecent];
  return Repeat{adopt(gst_event_new_custom(
                    GST_EVENT_CUSTOM_UPSTREAM,
                    gst_structure_new("GstRTPRetransmissionRequest", "seqnum", G_TYPE_UINT,
                                      guint(packet.sequence), "ssrc", G_TYPE_UINT, *media_ssrc_, nullptr))),
                packet.size, packet.sequence};
}

Ref<GstBuffer> RtpOutput::padding(std::uint16_t transport_number) {
  if (!can_pad()) return {};
  auto packet = adopt(gst_rtp_buffer_new_allocate(0, kMostPadding, 0));
  {
    Mapped rtp(packet.get(), GST_MAP_READWRITE);
    if (!rtp) return {};
    write_extension(rtp.get(), extension_, transport_number);
    gst_rtp_buffer_set_ssrc(rtp.get(), *media_ssrc_);
    gst_rtp_buffer_set_payload_type(rtp.get(), last_->payload_type);
    gst_rtp_buffer_set_timestamp(rtp.get(), last_->timestamp);
    gst_rtp_buffer_set_seq(rtp.get(), media_.insert(0));
  }
  GST_BUFFER_PTS(packet.get()) = last_->pts;
  GST_BUFFER_DTS(packet.get()) = last_->dts;
  return packet;
}

}  // namespace campaign

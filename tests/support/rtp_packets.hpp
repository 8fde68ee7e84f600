// RTP packets with transport-wide numbers, and the feedback on them as rtpsession tells it.
#pragma once

#include <gst/rtp/rtp.h>

#include <string>
#include <vector>

namespace campaign::test {

inline const std::string kExtension =
    "extmap-3=(string)http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
inline const std::string kCaps =
    "application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96,ssrc=(uint)1234";
inline constexpr guint32 kSsrc = 1234, kRtxSsrc = 4321;
inline constexpr guint8 kType = 96, kRtxType = 97, kExtensionId = 3;

struct Packet {  // as it came out
  guint32 ssrc;
  guint16 sequence, number;
  guint8 type;
  bool numbered, padding, marker;
  guint payload;
  gsize size;
  GstClockTime at;
};

inline GstClockTime system_now() {
  static GstClock* clock = gst_system_clock_obtain();
  return gst_clock_get_time(clock);
}

inline GstBuffer* make_packet(guint16 sequence, guint32 timestamp, guint payload, bool marker,
                              bool numbered = true, guint32 ssrc = kSsrc, guint8 type = kType) {
  GstBuffer* buffer = gst_rtp_buffer_new_allocate(payload, 0, 0);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map(buffer, GST_MAP_READWRITE, &rtp);
  gst_rtp_buffer_set_ssrc(&rtp, ssrc);
  gst_rtp_buffer_set_payload_type(&rtp, type);
  gst_rtp_buffer_set_seq(&rtp, sequence);
  gst_rtp_buffer_set_timestamp(&rtp, timestamp);
  gst_rtp_buffer_set_marker(&rtp, marker);
  const guint8 nothing[2] = {};
  if (numbered) gst_rtp_buffer_add_extension_onebyte_header(&rtp, kExtensionId, nothing, sizeof nothing);
  gst_rtp_buffer_unmap(&rtp);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(timestamp, GST_SECOND, 90000);
  return buffer;
}

inline Packet look_at(GstBuffer* buffer) {
  Packet packet{};
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp)) return packet;
  packet.ssrc = gst_rtp_buffer_get_ssrc(&rtp);
  packet.sequence = gst_rtp_buffer_get_seq(&rtp);
  packet.type = gst_rtp_buffer_get_payload_type(&rtp);
  packet.padding = gst_rtp_buffer_get_padding(&rtp);
  packet.marker = gst_rtp_buffer_get_marker(&rtp);
  packet.payload = gst_rtp_buffer_get_payload_len(&rtp);
  packet.size = gst_buffer_get_size(buffer);
  gpointer data = nullptr;
  guint size = 0;
  packet.numbered = gst_rtp_buffer_get_extension_onebyte_header(&rtp, kExtensionId, 0, &data, &size);
  const auto* number = static_cast<const guint8*>(data);  // at any address
  if (packet.numbered) packet.number = guint16(number[0] << 8 | number[1]);
  packet.at = system_now();
  gst_rtp_buffer_unmap(&rtp);
  return packet;
}

struct Told {  // one packet of feedback
  guint16 number;
  GstClockTime local, remote;
  guint size;
  bool lost;
};

G_GNUC_BEGIN_IGNORE_DEPRECATIONS  // GValueArray is what rtpsession sends
    inline GstEvent*
    feedback_event(const std::vector<Told>& packets) {
  GValueArray* array = g_value_array_new(guint(packets.size()));
  for (const Told& told : packets) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&value, gst_structure_new("RTPTWCCPacket", "seqnum", G_TYPE_UINT, guint(told.number),
                                                 "local-ts", G_TYPE_UINT64, told.local, "remote-ts",
                                                 G_TYPE_UINT64, told.remote, "size", G_TYPE_UINT, told.size,
                                                 "lost", G_TYPE_BOOLEAN, gboolean(told.lost), nullptr));
    g_value_array_append(array, &value);
    g_value_unset(&value);
  }
  GstStructure* structure = gst_structure_new_empty("RTPTWCCPackets");
  GValue list = G_VALUE_INIT;
  g_value_init(&list, g_value_array_get_type());
  g_value_take_boxed(&list, array);
  gst_structure_take_value(structure, "packets", &list);
  return gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure);
}

}  // namespace campaign::test

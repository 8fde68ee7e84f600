// See encrypted_way.hpp.
#include "viewer/encrypted_way.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "util/gst_ptr.hpp"
#include "viewer/srtp_encryption.hpp"

namespace campaign::viewer {
namespace {

struct EncryptedWay {
  SrtpEncryption encryption;
  Ref<GstPad> to;
};

// Null: it must not be sent.
Ref<GstBuffer> encrypt(SrtpEncryption& encryption, GstBuffer* packet) {
  const gsize size = gst_buffer_get_size(packet), whole = size + SrtpEncryption::kTagSize;
  auto sent = adopt(gst_buffer_new_allocate(nullptr, whole, nullptr));
  GstMapInfo map;
  if (!sent || !gst_buffer_map(sent.get(), &map, GST_MAP_WRITE)) return {};
  gst_buffer_extract(packet, 0, map.data, size);
  const bool encrypted = encryption.protect({map.data, whole});
  gst_buffer_unmap(sent.get(), &map);
  if (!encrypted) return {};
  GST_BUFFER_PTS(sent.get()) = GST_BUFFER_PTS(packet);
  GST_BUFFER_DTS(sent.get()) = GST_BUFFER_DTS(packet);
  return sent;
}

GstFlowReturn send(EncryptedWay& way, GstBuffer* packet) {
  auto sent = encrypt(way.encryption, packet);
  gst_buffer_unref(packet);
  return sent ? gst_pad_chain(way.to.get(), sent.release()) : GST_FLOW_OK;
}

GstFlowReturn send(EncryptedWay& way, GstBufferList* packets) {
  const guint count = gst_buffer_list_length(packets);
  GstBufferList* sent = gst_buffer_list_new_sized(count);
  for (guint i = 0; i < count; ++i)
    if (auto packet = encrypt(way.encryption, gst_buffer_list_get(packets, i)))
      gst_buffer_list_add(sent, packet.release());
  gst_buffer_list_unref(packets);
  return gst_pad_chain_list(way.to.get(), sent);
}

GstPadProbeReturn lead(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& way = *static_cast<EncryptedWay*>(data);
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST
                                             ? send(way, GST_PAD_PROBE_INFO_BUFFER_LIST(info))
                                             : send(way, GST_PAD_PROBE_INFO_BUFFER(info));
  return GST_PAD_PROBE_HANDLED;
}

bool has_choice(GstElement* srtpenc, const char* property, std::string_view nick) {
  GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(srtpenc), property);
  if (!spec || !G_IS_PARAM_SPEC_ENUM(spec)) return false;
  int value = 0;
  g_object_get(srtpenc, property, &value, nullptr);
  const GEnumValue* choice = g_enum_get_value(G_PARAM_SPEC_ENUM(spec)->enum_class, value);
  return choice && nick == choice->value_nick;
}

// A key identifier would lengthen every packet; webrtcbin sets none.
bool has_key_identifier(GstElement* srtpenc) {
  if (!g_object_class_find_property(G_OBJECT_GET_CLASS(srtpenc), "mki")) return false;
  GstBuffer* identifier = nullptr;
  g_object_get(srtpenc, "mki", &identifier, nullptr);
  return bool(adopt(identifier));
}

std::optional<SrtpEncryption> encryption_of(GstElement* srtpenc) {
  if (!has_choice(srtpenc, "rtp-cipher", "aes-128-icm") || !has_choice(srtpenc, "rtp-auth", "hmac-sha1-80") ||
      has_key_identifier(srtpenc))
    return std::nullopt;
  GstBuffer* key = nullptr;
  g_object_get(srtpenc, "key", &key, nullptr);
  const auto owned = adopt(key);
  std::array<std::uint8_t, SrtpEncryption::kKeySize + SrtpEncryption::kSaltSize> master;
  if (!key || gst_buffer_get_size(key) != master.size()) return std::nullopt;
  gst_buffer_extract(key, 0, master.data(), master.size());
  return SrtpEncryption::make(master);
}

// What the connection's handshake, on the same pad, was preceded by.
bool takes_buffers(GstPad* pad) { return bool(adopt(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0))); }

}  // namespace

bool encrypt_way(GstPad* from, GstElement* srtpenc, GstPad* to) {
  auto encryption = encryption_of(srtpenc);
  if (!encryption || !takes_buffers(to)) return false;
  gst_pad_add_probe(from, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST), lead,
                    new EncryptedWay{std::move(*encryption), share(to)},
                    [](gpointer way) { delete static_cast<EncryptedWay*>(way); });
  return true;
}

}  // namespace campaign::viewer

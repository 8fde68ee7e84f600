// See rtp_format.hpp.
#include "viewer/rtp_format.hpp"

#include <gst/rtp/rtp.h>

#include <string>

namespace campaign::viewer {
namespace {

constexpr const char* kTransportWide =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

struct Format {
  const char *encoding, *payloader;
};

Format format_of(Codec codec) {
  switch (codec) {
    case Codec::vp8:
      return {"VP8", "rtpvp8pay"};
    case Codec::vp9:
      return {"VP9", "rtpvp9pay"};
    case Codec::av1:
      return {"AV1", "rtpav1pay"};
    case Codec::h264:
      break;
  }
  return {"H264", "rtph264pay"};
}

// rtph264pay writes the live SPS into its caps (sprop-parameter-sets, profile-level-id); each change would
// make webrtcbin ask for a negotiation. The parameter sets travel in band, before every key frame.
GstPadProbeReturn pin_caps(GstPad*, GstPadProbeInfo* info, gpointer caps) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS) return GST_PAD_PROBE_OK;
  gst_event_unref(event);
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(static_cast<GstCaps*>(caps));
  return GST_PAD_PROBE_OK;
}

// rtpsession writes the number; this makes room for it. By the factory's name: by its URI it would be looked
// for among all features there are, for every viewer.
void add_transport_wide_number(GstElement* payloader) {
  const auto extension = sink(gst_element_factory_make("rtphdrexttwcc", nullptr));
  if (!extension) return;  // it is not installed
  gst_rtp_header_extension_set_id(GST_RTP_HEADER_EXTENSION(extension.get()), kTransportWideId);
  g_signal_emit_by_name(payloader, "add-extension", extension.get());
}

}  // namespace

Ref<GstCaps> rtp_caps(Codec codec, guint32 ssrc) {
  auto caps = adopt(gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING, "video", "payload",
                                        G_TYPE_INT, int(kPayloadType), "clock-rate", G_TYPE_INT, 90000,
                                        "encoding-name", G_TYPE_STRING, format_of(codec).encoding, "ssrc",
                                        G_TYPE_UINT, ssrc, nullptr));
  gst_caps_set_simple(caps.get(), ("extmap-" + std::to_string(kTransportWideId)).c_str(), G_TYPE_STRING,
                      kTransportWide, "rtcp-fb-transport-cc", G_TYPE_BOOLEAN, TRUE, nullptr);
  if (codec == Codec::h264)  // 42e01f: constrained baseline 3.1, the one that every browser accepts
    gst_caps_set_simple(caps.get(), "packetization-mode", G_TYPE_STRING, "1", "profile-level-id",
                        G_TYPE_STRING, "42e01f", "level-asymmetry-allowed", G_TYPE_STRING, "1", nullptr);
  return caps;
}

Ref<GstCaps> unit_caps(Codec codec) {
  if (codec == Codec::av1)
    return adopt(gst_caps_from_string("video/x-av1,stream-format=obu-stream,alignment=tu"));
  if (codec != Codec::h264)
    return adopt(gst_caps_new_empty_simple(codec == Codec::vp8 ? "video/x-vp8" : "video/x-vp9"));
  return adopt(gst_caps_new_simple("video/x-h264", "stream-format", G_TYPE_STRING, "byte-stream", "alignment",
                                   G_TYPE_STRING, "au", "profile", G_TYPE_STRING, "constrained-baseline",
                                   "level", G_TYPE_STRING, "3.1", nullptr));
}

Result<void> check_payloader(Codec codec) {
  const std::string name = format_of(codec).payloader;
  if (adopt(gst_element_factory_find(name.c_str()))) return {};
  return Error("The element " + name + " is missing, without which " + format_of(codec).encoding +
               " cannot be sent; " +
               (codec == Codec::av1
                    ? "install the plugin rsrtp of gst-plugins-rs, or set the property codec to "
                      "h264, vp8 or vp9."
                    : "install it with: apt-get install gstreamer1.0-plugins-good"));
}

Ref<GstElement> make_payloader(Codec codec, guint32 ssrc, unsigned mtu) {
  auto payloader = sink(gst_element_factory_make(format_of(codec).payloader, "payloader"));
  if (!payloader) return payloader;
  g_object_set(payloader.get(), "pt", kPayloadType, "mtu", mtu, "ssrc", ssrc, nullptr);
  if (codec == Codec::h264) {
    g_object_set(payloader.get(), "config-interval", -1, nullptr);
    gst_util_set_object_arg(G_OBJECT(payloader.get()), "aggregate-mode", "zero-latency");
  } else if (codec != Codec::av1) {
    gst_util_set_object_arg(G_OBJECT(payloader.get()), "picture-id-mode", "15-bit");
  }
  add_transport_wide_number(payloader.get());
  auto src = adopt(gst_element_get_static_pad(payloader.get(), "src"));
  gst_pad_add_probe(src.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, pin_caps, rtp_caps(codec, ssrc).release(),
                    [](gpointer caps) { gst_caps_unref(static_cast<GstCaps*>(caps)); });
  return payloader;
}

}  // namespace campaign::viewer

// See protected_offer.hpp.
#include "viewer/protected_offer.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "viewer/rtp_format.hpp"

namespace campaign::viewer {
namespace {

constexpr struct {
  unsigned type;
  const char* name;
} kTypes[] = {{kRedType, "red"}, {kUlpfecType, "ulpfec"}, {kRedRetransmissionType, "rtx"}};

// There is one media.
GstSDPMedia* video_of(GstSDPMessage* description) {
  if (gst_sdp_message_medias_len(description) != 1) return nullptr;
  return const_cast<GstSDPMedia*>(gst_sdp_message_get_media(description, 0));
}

std::string of_red() { return std::to_string(kRedRetransmissionType) + " apt=" + std::to_string(kRedType); }

bool has(const GstSDPMedia* media, const char* key, std::string_view value) {
  for (guint i = 0; i < gst_sdp_media_attributes_len(media); ++i) {
    const GstSDPAttribute* attribute = gst_sdp_media_get_attribute(media, i);
    if (std::string_view(attribute->key) == key && attribute->value && attribute->value == value) return true;
  }
  return false;
}

bool is_of(const GstSDPAttribute* attribute, const std::string& type) {
  const std::string_view key = attribute->key;
  return (key == "rtpmap" || key == "fmtp" || key == "rtcp-fb") && attribute->value &&
         std::string_view(attribute->value).starts_with(type + " ");
}

void remove(GstSDPMedia* media, const std::string& type) {
  for (guint i = gst_sdp_media_formats_len(media); i-- > 0;)
    if (gst_sdp_media_get_format(media, i) == type) gst_sdp_media_remove_format(media, i);
  for (guint i = gst_sdp_media_attributes_len(media); i-- > 0;)
    if (is_of(gst_sdp_media_get_attribute(media, i), type)) gst_sdp_media_remove_attribute(media, i);
}

}  // namespace

void offer_protection(GstSDPMessage* offer) {
  GstSDPMedia* video = video_of(offer);
  if (!video) return;
  for (const auto& [type, name] : kTypes) {
    gst_sdp_media_add_format(video, std::to_string(type).c_str());
    gst_sdp_media_add_attribute(video, "rtpmap", (std::to_string(type) + " " + name + "/90000").c_str());
  }
  gst_sdp_media_add_attribute(video, "fmtp", of_red().c_str());
}

bool take_protection(GstSDPMessage* answer) {
  GstSDPMedia* video = video_of(answer);
  if (!video) return false;
  bool all = has(video, "fmtp", of_red());
  for (const auto& [type, name] : kTypes) {
    all = all && has(video, "rtpmap", std::to_string(type) + " " + name + "/90000");
    remove(video, std::to_string(type));
  }
  return all;
}

std::optional<unsigned> retransmission_type(const GstSDPMessage* description, unsigned payload_type) {
  if (gst_sdp_message_medias_len(description) != 1) return std::nullopt;
  const GstSDPMedia* video = gst_sdp_message_get_media(description, 0);
  for (unsigned type = 96; type < 128; ++type)
    if (has(video, "fmtp", std::to_string(type) + " apt=" + std::to_string(payload_type))) return type;
  return std::nullopt;
}

}  // namespace campaign::viewer

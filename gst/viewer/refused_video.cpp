// See refused_video.hpp.
#include "viewer/refused_video.hpp"

#include <algorithm>
#include <string_view>

#include "viewer/rtp_format.hpp"

namespace campaign::viewer {
namespace {

const std::string kType = std::to_string(kPayloadType);

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), g_ascii_toupper);
  return out;
}

bool takes_type(const GstSDPMedia* media) {
  for (guint i = 0; i < gst_sdp_media_formats_len(media); ++i)
    if (kType == gst_sdp_media_get_format(media, i)) return true;
  return false;
}

// "96 H264/90000": what stands between, in capitals. Empty: the answer does not say.
std::string encoding(const GstSDPMedia* media) {
  const char* value = nullptr;
  for (guint i = 0; (value = gst_sdp_media_get_attribute_val_n(media, "rtpmap", i)); ++i) {
    const std::string_view map = value;
    if (!map.starts_with(kType + ' ')) continue;
    const std::string_view name = map.substr(kType.size() + 1);
    return upper(name.substr(0, name.find('/')));
  }
  return {};
}

bool has(const GstSDPMessage* answer, const GstSDPMedia* media, const char* direction) {
  for (const char* own : {"sendrecv", "recvonly", "sendonly", "inactive"})
    if (gst_sdp_media_get_attribute_val(media, own))
      return gst_sdp_media_get_attribute_val(media, direction) != nullptr;
  return gst_sdp_message_get_attribute_val(answer, direction) != nullptr;
}

}  // namespace

std::string refused_video(const GstSDPMessage* answer, Codec offered) {
  const GstSDPMedia* media = gst_sdp_message_get_media(answer, 0);
  const std::string codec = upper(codec_name(offered));
  const char* kind = gst_sdp_media_get_media(media);
  if (g_strcmp0(kind, "video") != 0)
    return "the answer is of " + std::string(kind ? kind : "nothing") + ", and video was offered";
  const std::string said = encoding(media);
  if (gst_sdp_media_get_port(media) == 0 || !takes_type(media) || (!said.empty() && said != codec))
    return "this viewer does not take " + codec + " as payload type " + kType +
           "; watch with what plays it, or set the server's codec to another one";
  for (const char* direction : {"inactive", "sendonly"})
    if (has(answer, media, direction))
      return "the answer is " + std::string(direction) + ", so no video can be sent; it must be recvonly";
  return {};
}

}  // namespace campaign::viewer

// See known_attributes.hpp.
#include "viewer/known_attributes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace campaign::viewer {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kAttributes = {
    "bundle-only"sv, "candidate"sv, "end-of-candidates"sv, "fingerprint"sv, "group"sv,    "ice-lite"sv,
    "ice-options"sv, "ice-pwd"sv,   "ice-ufrag"sv,         "inactive"sv,    "mid"sv,      "recvonly"sv,
    "rtcp"sv,        "rtcp-mux"sv,  "rtcp-rsize"sv,        "rtpmap"sv,      "sendonly"sv, "sendrecv"sv,
    "setup"sv};
constexpr std::array kFeedback = {"ccm fir"sv, "goog-remb"sv, "nack"sv, "nack pli"sv, "transport-cc"sv};
// RFC 4588, 6184, 7741 and 9628, and the AV1 RTP specification, 7.2
constexpr std::array kParameters = {"apt"sv,
                                    "level-asymmetry-allowed"sv,
                                    "level-idx"sv,
                                    "max-fr"sv,
                                    "max-fs"sv,
                                    "packetization-mode"sv,
                                    "profile"sv,
                                    "profile-id"sv,
                                    "profile-level-id"sv,
                                    "tier"sv};
constexpr unsigned kMostExtension = 255;  // RFC 8285, section 4.3
constexpr unsigned kMostType = 127;       // RFC 3550, section 5.1

bool is_in(const auto& list, std::string_view name) { return std::ranges::find(list, name) != list.end(); }

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// "96 a=1;b=2"
std::optional<std::string> known_parameters(std::string_view value) {
  const auto space = value.find(' ');
  if (space == value.npos) return std::nullopt;
  std::string known;
  for (std::string_view rest = value.substr(space + 1); !rest.empty();) {
    const auto end = rest.find(';');
    const std::string_view parameter = trim(rest.substr(0, end));
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    if (!is_in(kParameters, trim(parameter.substr(0, parameter.find('='))))) continue;
    known += known.empty() ? ' ' : ';';
    known += parameter;
  }
  if (known.empty()) return std::nullopt;
  return std::string(value.substr(0, space)) + known;
}

bool is_payload_type(std::string_view text) {
  unsigned type = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), type);
  return text == "*" ||
         (read.ec == std::errc{} && read.ptr == text.data() + text.size() && type <= kMostType);
}

// "96 nack pli" or "* nack pli", and nothing around it: all that follows the type becomes a name, with the
// spaces at its end, and with what stands between the star and its space.
std::optional<std::string> known_feedback(std::string_view value) {
  const auto space = value.find(' ');
  if (space == value.npos) return std::nullopt;
  const std::string_view type = value.substr(0, space), kind = trim(value.substr(space));
  if (!is_payload_type(type) || !is_in(kFeedback, kind)) return std::nullopt;
  return std::string(type) + ' ' + std::string(kind);
}

// "3 http://…" or "3/recvonly http://…"
bool is_known_extension(std::string_view value) {
  unsigned id = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), id);
  return read.ec == std::errc{} && id <= kMostExtension;
}

// What remains of its value; none: it is taken out.
std::optional<std::string> known_part(const GstSDPAttribute& attribute) {
  const std::string_view name = attribute.key ? attribute.key : "";
  const std::string_view value = attribute.value ? attribute.value : "";
  if (name == "fmtp") return known_parameters(value);
  if (name == "rtcp-fb") return known_feedback(value);
  const bool known = name == "extmap" ? is_known_extension(value) : is_in(kAttributes, name);
  return known ? std::optional(std::string(value)) : std::nullopt;
}

void keep_known(GstSDPMedia* media) {
  for (guint i = gst_sdp_media_attributes_len(media); i-- > 0;) {
    const GstSDPAttribute& attribute = *gst_sdp_media_get_attribute(media, i);
    const auto known = known_part(attribute);
    if (!known) {
      gst_sdp_media_remove_attribute(media, i);
    } else if (attribute.value && *known != attribute.value) {
      GstSDPAttribute shorter{};
      gst_sdp_attribute_set(&shorter, attribute.key, known->c_str());
      gst_sdp_media_replace_attribute(media, i, &shorter);
    }
  }
}

}  // namespace

void keep_known_attributes(GstSDPMessage* answer) {
  for (guint i = gst_sdp_message_attributes_len(answer); i-- > 0;)
    if (!known_part(*gst_sdp_message_get_attribute(answer, i))) gst_sdp_message_remove_attribute(answer, i);
  for (guint i = 0; i < gst_sdp_message_medias_len(answer); ++i)
    keep_known(const_cast<GstSDPMedia*>(gst_sdp_message_get_media(answer, i)));
}

}  // namespace campaign::viewer

// Feeds anything to what takes a viewer's answer before webrtcbin does; whatever is left of it must keep its
// promises, GStreamer's reading of it included. libFuzzer's entry, and the one of the seeded test that runs
// everywhere.
#include <gst/gst.h>
#include <gst/sdp/sdp.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/support/session_description.hpp"
#include "util/gst_ptr.hpp"
#include "viewer/certificate.hpp"
#include "viewer/known_attributes.hpp"
#include "viewer/protected_offer.hpp"
#include "viewer/refused_video.hpp"
#include "viewer/rtp_format.hpp"

namespace {

using namespace campaign;
using test::text_of;

void require(bool promise) {
  if (!promise) std::abort();
}

void read_media(const GstSDPMedia* media) {
  const auto caps = adopt(gst_caps_new_empty_simple("application/x-unknown"));
  gst_sdp_media_attributes_to_caps(media, caps.get());
  for (guint i = 0; i < gst_sdp_media_formats_len(media); ++i)
    adopt(gst_sdp_media_get_caps_from_media(media, std::atoi(gst_sdp_media_get_format(media, i))));
}

// As webrtcbin does.
void read(const GstSDPMessage* answer) {
  const auto caps = adopt(gst_caps_new_empty_simple("application/x-unknown"));
  gst_sdp_message_attributes_to_caps(answer, caps.get());
  for (guint i = 0; i < gst_sdp_message_medias_len(answer); ++i)
    read_media(gst_sdp_message_get_media(answer, i));
}

void has_no_format(const GstSDPMedia* media, unsigned type) {
  for (guint i = 0; i < gst_sdp_media_formats_len(media); ++i)
    require(std::to_string(type) != gst_sdp_media_get_format(media, i));
  for (guint i = 0; const char* map = gst_sdp_media_get_attribute_val_n(media, "rtpmap", i); ++i)
    require(!std::string_view(map).starts_with(std::to_string(type) + " "));
}

void protection(const test::Description& answer) {
  constexpr unsigned kVideo = viewer::kPayloadType;
  const bool taken = viewer::take_protection(answer.get());
  const bool one = gst_sdp_message_medias_len(answer.get()) == 1;
  require(one || !taken);
  if (one)
    for (const unsigned type : {viewer::kRedType, viewer::kUlpfecType, viewer::kRedRetransmissionType})
      has_no_format(gst_sdp_message_get_media(answer.get(), 0), type);
  const auto again = viewer::retransmission_type(answer.get(), kVideo);
  require(!again || (one && *again >= 96 && *again < 128));
  read(answer.get());
}

// Nobody holds this certificate, and what takes no video is told why.
void identity(const GstSDPMessage* answer) {
  constexpr const char* kNobody = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n";
  require(!viewer::AnsweredCertificates(answer).include(kNobody));
  if (gst_sdp_message_medias_len(answer) != 1 || !viewer::refused_video(answer, Codec::h264).empty()) return;
  const GstSDPMedia* media = gst_sdp_message_get_media(answer, 0);
  require(gst_sdp_media_get_port(media) != 0 && !gst_sdp_media_get_attribute_val(media, "inactive"));
}

// All of which GStreamer may make names, but for the numbers of extensions.
constexpr const char* kEverything =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=ice-lite\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 192.0.2.1\r\na=bundle-only\r\na=candidate:1\r\n"
    "a=end-of-candidates\r\na=fingerprint:sha-256 AB\r\na=ice-options:trickle\r\na=ice-pwd:p\r\n"
    "a=ice-ufrag:u\r\na=inactive\r\na=mid:0\r\na=recvonly\r\na=rtcp:9\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
    "a=sendonly\r\na=sendrecv\r\na=setup:active\r\na=rtpmap:96 H264/90000/1\r\na=rtpmap:97 rtx/90000\r\n"
    "a=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
    "a=rtcp-fb:96 transport-cc\r\na=fmtp:97 apt=96\r\n"
    "a=fmtp:96 level-asymmetry-allowed=1;level-idx=1;max-fr=1;max-fs=1;packetization-mode=1;profile=0;"
    "profile-id=0;profile-level-id=42e01f;tier=0\r\n";

// GLib keeps every name for ever, and numbers them as they come.
class Names {
 public:
  Names() {
    gst_init(nullptr, nullptr);
    g_log_set_always_fatal(GLogLevelFlags(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING | G_LOG_FATAL_MASK));
    const auto everything = test::parse(kEverything);
    read(everything.get());
    text_of(everything);  // GLib's words for addresses are among them
    while (g_quark_to_string(next_)) ++next_;
  }

  void hold_no_other() {
    for (; const char* name = g_quark_to_string(next_); ++next_) require(is_extension(name));
  }

 private:
  static bool is_extension(const std::string& name) {
    for (unsigned number = 0; number < 256; ++number)
      if (name == "extmap-" + std::to_string(number)) return true;
    return false;
  }

  GQuark next_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Names names;
  const std::string text(reinterpret_cast<const char*>(data), size);
  // As parse_viewer_message() lets it through.
  if (text.empty() || !g_utf8_validate(text.data(), gssize(text.size()), nullptr)) return 0;
  const auto answer = test::parse(text);
  if (!answer) return 0;
  identity(answer.get());
  viewer::keep_known_attributes(answer.get());
  const std::string known = text_of(answer);
  read(answer.get());

  viewer::keep_known_attributes(answer.get());
  require(text_of(answer) == known);

  protection(answer);
  names.hold_no_other();
  return 0;
}

// See certificate.hpp.
#include "viewer/certificate.hpp"

#include <algorithm>
#include <optional>

#include "util/glib_ptr.hpp"

namespace campaign::viewer {
namespace {

constexpr const char* kAttribute = "fingerprint";

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), g_ascii_tolower);
  return out;
}

std::optional<GChecksumType> hash_of(std::string_view name) {
  if (name == "sha-256") return G_CHECKSUM_SHA256;
  if (name == "sha-384") return G_CHECKSUM_SHA384;
  if (name == "sha-512") return G_CHECKSUM_SHA512;
  return std::nullopt;
}

// What the first PEM block holds.
std::string der_of(const std::string& pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----", kEnd = "-----END CERTIFICATE-----";
  const auto begin = pem.find(kBegin);
  if (begin == pem.npos) return {};
  const auto text = begin + kBegin.size(), end = pem.find(kEnd, text);
  if (end == pem.npos) return {};
  gsize size = 0;
  const std::string base64 = pem.substr(text, end - text);
  guchar* bytes = g_base64_decode(base64.c_str(), &size);
  std::string der(reinterpret_cast<char*>(bytes), size);
  g_free(bytes);
  return der;
}

}  // namespace

AnsweredCertificates::AnsweredCertificates(const GstSDPMessage* answer) {
  const GstSDPMedia* media =
      gst_sdp_message_medias_len(answer) > 0 ? gst_sdp_message_get_media(answer, 0) : nullptr;
  const char* value = nullptr;
  for (guint i = 0; media && (value = gst_sdp_media_get_attribute_val_n(media, kAttribute, i)); ++i)
    add(value);
  if (media && gst_sdp_media_get_attribute_val(media, kAttribute)) return;
  for (guint i = 0; (value = gst_sdp_message_get_attribute_val_n(answer, kAttribute, i)); ++i) add(value);
}

// "sha-256 AB:CD:…"
void AnsweredCertificates::add(std::string_view value) {
  const auto space = value.find(' ');
  if (space == value.npos) return;
  const auto hash = hash_of(lower(value.substr(0, space)));
  std::string digits = lower(value.substr(space));
  std::erase_if(digits, [](char c) { return c == ':' || c == ' '; });
  if (hash && digits.size() == 2 * std::size_t(g_checksum_type_get_length(*hash)))
    fingerprints_.push_back({*hash, std::move(digits)});
}

bool AnsweredCertificates::include(const std::string& pem) const {
  const std::string der = der_of(pem);
  if (der.empty()) return false;
  return std::ranges::any_of(fingerprints_, [&](const Fingerprint& known) {
    const CharPtr digits{g_compute_checksum_for_string(known.hash, der.data(), gssize(der.size()))};
    return known.digits == digits.get();
  });
}

}  // namespace campaign::viewer

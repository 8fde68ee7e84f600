// By which certificates an answer lets its sender be known (a=fingerprint, RFC 8122). webrtcbin (1.22) takes
// any certificate in the handshake: without this, whoever reaches the port first is shown the picture.
#pragma once

#include <gst/sdp/sdp.h>

#include <string>
#include <string_view>
#include <vector>

namespace campaign::viewer {

class AnsweredCertificates {
 public:
  AnsweredCertificates() = default;  // none: nobody is known
  // Those of the only media, or of the session where the media names none. Hashes that can be forged
  // (MD5, SHA-1) count as none.
  explicit AnsweredCertificates(const GstSDPMessage* answer);

  // Whether the certificate, as PEM, is one of them. Any thread.
  bool include(const std::string& pem) const;

 private:
  struct Fingerprint {
    GChecksumType hash;
    std::string digits;  // lower case, without colons
  };
  void add(std::string_view value);

  std::vector<Fingerprint> fingerprints_;
};

}  // namespace campaign::viewer

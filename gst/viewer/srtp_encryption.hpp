// SRTP (RFC 3711) of what is sent, with AES-128 in counter mode and HMAC-SHA1, as webrtcbin agrees on by
// DTLS. libsrtp does it too, but Debian builds it on NSS, which makes new contexts for each packet: that was
// a third of what a viewer's sending thread did. This is OpenSSL's, which does the handshake already. One
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace campaign::viewer {

class SrtpEncryption {
 public:
  static constexpr std::size_t kKeySize = 16, kSaltSize = 14, kTagSize = 10;

  // `master`: the key and then the salt. None: OpenSSL refused.
  static std::optional<SrtpEncryption> make(std::span<const std::uint8_t, kKeySize + kSaltSize> master);

  // An RTP packet with room for the tag behind it, in place. False: it is none, or older than the first of
  // its stream; it must not be sent.
  bool protect(std::span<std::uint8_t> packet_and_tag);

 private:
  struct FreeCipher {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  struct FreeMac {
    void operator()(evp_mac_ctx_st* context) const;
  };
  using Cipher = std::unique_ptr<evp_cipher_ctx_st, FreeCipher>;
  using Mac = std::unique_ptr<evp_mac_ctx_st, FreeMac>;
  struct Stream {
    std::uint32_t ssrc = 0, rollovers = 0;
    std::uint16_t highest = 0;  // sequence number
  };

  SrtpEncryption() = default;
  std::optional<std::uint32_t> rollovers_of(std::uint32_t ssrc, std::uint16_t number);
  bool encrypt(std::span<std::uint8_t> payload, std::uint32_t ssrc, std::uint16_t number,
               std::uint32_t rollovers);
  bool authenticate(std::span<const std::uint8_t> packet, std::uint32_t rollovers, std::uint8_t* tag);

  Cipher cipher_;
  Mac mac_;
  std::uint8_t salt_[kSaltSize] = {};
  std::vector<Stream> streams_;  // a few
};

}  // namespace campaign::viewer

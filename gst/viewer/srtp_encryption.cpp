// See srtp_encryption.hpp. Sections are RFC 3711's.
#include "viewer/srtp_encryption.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string>

#include "util/network_order.hpp"

namespace campaign::viewer {
namespace {

constexpr std::size_t kBlock = 16, kAuthenticationKeySize = 20, kHeaderSize = 12, kLongestTag = 20;
enum class Label : std::uint8_t { encryption = 0, authentication = 1, salt = 2 };  // 4.3.2

using Block = std::array<std::uint8_t, kBlock>;

std::uint32_t read32(const std::uint8_t* bytes) {
  return std::uint32_t(read16(bytes)) << 16 | read16(bytes + 2);
}
void mix32(std::uint8_t* bytes, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes[i] ^= std::uint8_t(value >> (24 - 8 * i));
}

// The key stream that begins with `counter`, over `data`. Without a key: the one it was given before.
bool run_cipher(EVP_CIPHER_CTX* cipher, const std::uint8_t* key, const Block& counter,
                std::span<std::uint8_t> data) {
  int size = 0;
  return EVP_EncryptInit_ex(cipher, key ? EVP_aes_128_ctr() : nullptr, nullptr, key, counter.data()) == 1 &&
         EVP_EncryptUpdate(cipher, data.data(), &size, data.data(), int(data.size())) == 1;
}

// 4.3.1, with a key derivation rate of 0.
template <std::size_t size>
bool derive(EVP_CIPHER_CTX* cipher, std::span<const std::uint8_t, 30> master, Label label,
            std::uint8_t (&key)[size]) {
  Block counter{};
  std::copy(master.begin() + kBlock, master.end(), counter.begin());
  counter[7] ^= std::uint8_t(label);
  std::fill_n(key, size, std::uint8_t(0));
  return run_cipher(cipher, master.data(), counter, key);
}

// Fixed header, contributing sources and extension: what is not encrypted (3.1). None: this is no RTP packet.
std::optional<std::size_t> header_size(std::span<const std::uint8_t> packet) {
  if (packet.size() < kHeaderSize || packet[0] >> 6 != 2) return std::nullopt;
  std::size_t size = kHeaderSize + 4 * std::size_t(packet[0] & 0x0f);
  if (packet[0] & 0x10) {
    if (packet.size() < size + 4) return std::nullopt;
    size += 4 + 4 * std::size_t(read16(&packet[size + 2]));
  }
  return size <= packet.size() ? std::optional(size) : std::nullopt;
}

EVP_MAC_CTX* make_mac(const std::uint8_t* key, std::size_t size) {
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* mac = hmac ? EVP_MAC_CTX_new(hmac) : nullptr;
  EVP_MAC_free(hmac);
  std::string digest = "SHA1";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  if (mac && EVP_MAC_init(mac, key, size, parameters) == 1) return mac;
  EVP_MAC_CTX_free(mac);
  return nullptr;
}

}  // namespace

void SrtpEncryption::FreeCipher::operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
void SrtpEncryption::FreeMac::operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }

std::optional<SrtpEncryption> SrtpEncryption::make(
    std::span<const std::uint8_t, kKeySize + kSaltSize> master) {
  SrtpEncryption made;
  made.cipher_.reset(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* cipher = made.cipher_.get();
  std::uint8_t key[kKeySize], authentication[kAuthenticationKeySize];
  if (!cipher || !derive(cipher, master, Label::encryption, key) ||
      !derive(cipher, master, Label::authentication, authentication) ||
      !derive(cipher, master, Label::salt, made.salt_))
    return std::nullopt;
  made.mac_.reset(make_mac(authentication, sizeof authentication));
  if (!made.mac_ || EVP_EncryptInit_ex(cipher, EVP_aes_128_ctr(), nullptr, key, Block{}.data()) != 1)
    return std::nullopt;
  return made;
}

// 3.3.1, of a sender: how often the number had come around when this packet was numbered. None: it does not
// grow; the same number again would use the same key stream again.
std::optional<std::uint32_t> SrtpEncryption::rollovers_of(std::uint32_t ssrc, std::uint16_t number) {
  const auto found =
      std::find_if(streams_.begin(), streams_.end(), [&](const Stream& s) { return s.ssrc == ssrc; });
  if (found == streams_.end()) {
    streams_.push_back({ssrc, 0, number});
    return 0;
  }
  if (std::int16_t(number - found->highest) <= 0) return std::nullopt;
  if (number < found->highest) ++found->rollovers;
  found->highest = number;
  return found->rollovers;
}

// 4.1.1
bool SrtpEncryption::encrypt(std::span<std::uint8_t> payload, std::uint32_t ssrc, std::uint16_t number,
                             std::uint32_t rollovers) {
  Block counter{};
  std::copy(std::begin(salt_), std::end(salt_), counter.begin());
  mix32(&counter[4], ssrc);
  mix32(&counter[8], rollovers);
  counter[12] ^= std::uint8_t(number >> 8);
  counter[13] ^= std::uint8_t(number);
  return run_cipher(cipher_.get(), nullptr, counter, payload);
}

// 4.2
bool SrtpEncryption::authenticate(std::span<const std::uint8_t> packet, std::uint32_t rollovers,
                                  std::uint8_t* tag) {
  std::uint8_t behind[4] = {}, whole[kLongestTag];
  mix32(behind, rollovers);
  std::size_t size = 0;
  if (EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) != 1 ||
      EVP_MAC_update(mac_.get(), packet.data(), packet.size()) != 1 ||
      EVP_MAC_update(mac_.get(), behind, sizeof behind) != 1 ||
      EVP_MAC_final(mac_.get(), whole, &size, sizeof whole) != 1)
    return false;
  std::copy_n(whole, kTagSize, tag);
  return true;
}

bool SrtpEncryption::protect(std::span<std::uint8_t> packet_and_tag) {
  if (packet_and_tag.size() < kTagSize) return false;
  const auto packet = packet_and_tag.first(packet_and_tag.size() - kTagSize);
  const auto header = header_size(packet);
  if (!header) return false;
  const std::uint16_t number = read16(&packet[2]);
  const std::uint32_t ssrc = read32(&packet[8]);
  const auto rollovers = rollovers_of(ssrc, number);
  return rollovers && encrypt(packet.subspan(*header), ssrc, number, *rollovers) &&
         authenticate(packet, *rollovers, packet_and_tag.data() + packet.size());
}

}  // namespace campaign::viewer

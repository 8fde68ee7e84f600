// See srtp.hpp.
#include "pipelines/load/srtp.hpp"

namespace campaign::load {
namespace {

constexpr unsigned long kReplayWindow = 1024;  // packets; a burst of reordering is no attack

bool library_ready() {
  static const bool ready = srtp_init() == srtp_err_status_ok;
  return ready;
}

}  // namespace

Result<SrtpSession::Session> SrtpSession::session(const SrtpKeys& keys, bool inbound) {
  srtp_policy_t policy{};
  if (keys.gcm) {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  }
  policy.ssrc.type = inbound ? ssrc_any_inbound : ssrc_any_outbound;
  auto key = inbound ? keys.theirs : keys.ours;  // libsrtp copies it, and takes no const
  policy.key = key.data();
  policy.window_size = kReplayWindow;
  srtp_t made = nullptr;
  if (const auto status = srtp_create(&made, &policy); status != srtp_err_status_ok)
    return Error("SRTP could not be set up.", "libsrtp says " + std::to_string(int(status)));
  return Session{made};
}

Result<SrtpSession> SrtpSession::make(const SrtpKeys& keys) {
  if (!library_ready()) return Error("SRTP could not be set up.", "libsrtp does not start");
  auto in = session(keys, true);
  if (!in) return in.error();
  auto out = session(keys, false);
  if (!out) return out.error();
  SrtpSession made;
  made.in_ = std::move(*in);
  made.out_ = std::move(*out);
  return made;
}

std::optional<Bytes> SrtpSession::unprotect_rtp(std::span<std::uint8_t> packet) {
  int size = static_cast<int>(packet.size());
  if (srtp_unprotect(in_.get(), packet.data(), &size) != srtp_err_status_ok) return std::nullopt;
  return Bytes(packet).first(static_cast<std::size_t>(size));
}

std::optional<Bytes> SrtpSession::unprotect_rtcp(std::span<std::uint8_t> packet) {
  int size = static_cast<int>(packet.size());
  if (srtp_unprotect_rtcp(in_.get(), packet.data(), &size) != srtp_err_status_ok) return std::nullopt;
  return Bytes(packet).first(static_cast<std::size_t>(size));
}

std::optional<Bytes> SrtpSession::protect_rtcp(std::span<std::uint8_t> buffer, std::size_t size) {
  int length = static_cast<int>(size);
  if (buffer.size() < size + kTrailer ||
      srtp_protect_rtcp(out_.get(), buffer.data(), &length) != srtp_err_status_ok)
    return std::nullopt;
  return Bytes(buffer).first(static_cast<std::size_t>(length));
}

}  // namespace campaign::load

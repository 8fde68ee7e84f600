// Decrypts what the server sends and encrypts what a viewer answers. libsrtp2 does the work. One thread.
#pragma once

#include <srtp2/srtp.h>

#include <memory>
#include <optional>

#include "pipelines/load/dtls.hpp"

namespace campaign::load {

class SrtpSession {
 public:
  static Result<SrtpSession> make(const SrtpKeys& keys);

  // In place. Nothing when the packet is not authentic, or was there before.
  std::optional<Bytes> unprotect_rtp(std::span<std::uint8_t> packet);
  std::optional<Bytes> unprotect_rtcp(std::span<std::uint8_t> packet);
  // `buffer` holds `size` bytes and has room for kTrailer more.
  static constexpr std::size_t kTrailer = SRTP_MAX_TRAILER_LEN + 4;
  std::optional<Bytes> protect_rtcp(std::span<std::uint8_t> buffer, std::size_t size);

 private:
  struct Free {
    void operator()(srtp_t session) const { srtp_dealloc(session); }
  };
  using Session = std::unique_ptr<srtp_ctx_t, Free>;
  static Result<Session> session(const SrtpKeys& keys, bool inbound);

  Session in_, out_;
};

}  // namespace campaign::load

// The DTLS handshake of a viewer (RFC 5764), over datagrams that somebody else carries. OpenSSL does the
// work. A client belongs to one thread; the identity is shared by all.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "pipelines/load/media/time.hpp"
#include "pipelines/load/session_description.hpp"

namespace campaign::load {

// A key and a certificate that all viewers of this process show; to make one for each would cost more than
// the rest of their join, and a server cannot tell the difference.
class DtlsIdentity {
 public:
  static Result<DtlsIdentity> make();

  SSL_CTX* context() const { return context_.get(); }
  const Fingerprint& fingerprint() const { return fingerprint_; }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  Fingerprint fingerprint_{};
};

struct SrtpKeys {
  bool gcm = false;                        // AEAD_AES_128_GCM, else AES128_CM_HMAC_SHA1_80
  std::vector<std::uint8_t> ours, theirs;  // key and salt, one behind the other
};

class DtlsClient {
 public:
  using Send = std::function<void(Bytes)>;  // one datagram; called inside start(), received() and tick()

  DtlsClient(const DtlsIdentity& identity, const Fingerprint& expected, Send send);
  DtlsClient(const DtlsClient&) = delete;

  Result<void> start() { return advance(); }
  Result<void> received(Bytes datagram);
  Result<void> tick();  // retransmits what got no answer; cheap when there is nothing to do

  const std::optional<SrtpKeys>& keys() const { return keys_; }  // once the handshake is done
  bool closed() const { return closed_; }                        // the other side said goodbye

 private:
  static BIO_METHOD* datagrams();
  Result<void> advance();
  Result<void> finish();

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  Fingerprint expected_;
  Send send_;
  Bytes incoming_;  // the datagram that received() got, until it is read
  std::unique_ptr<SSL, Free> ssl_;
  std::optional<SrtpKeys> keys_;
  bool closed_ = false;
};

}  // namespace campaign::load

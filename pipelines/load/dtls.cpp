// See dtls.hpp.
#include "pipelines/load/dtls.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>

namespace campaign::load {
namespace {

constexpr long kMtu = 1200;
constexpr int kDatagramOverhead = 28;  // IPv4 and UDP
constexpr long kCertificateSeconds = 30 * 24 * 3600;

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct CertificateFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;
using Certificate = std::unique_ptr<X509, CertificateFree>;

Error openssl_error(std::string what) {
  char text[256] = "no reason given";
  if (const auto code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return Error(std::move(what), text);
}

std::optional<Fingerprint> digest(const X509* certificate) {
  Fingerprint fingerprint;
  unsigned size = 0;
  if (!certificate || !X509_digest(certificate, EVP_sha256(), fingerprint.data(), &size) ||
      size != fingerprint.size())
    return std::nullopt;
  return fingerprint;
}

Certificate self_signed(EVP_PKEY* key) {
  Certificate certificate{X509_new()};
  if (!certificate) return nullptr;
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kCertificateSeconds);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("campaign-load"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  return X509_sign(certificate.get(), key, EVP_sha256()) ? std::move(certificate) : nullptr;
}

}  // namespace

Result<DtlsIdentity> DtlsIdentity::make() {
  DtlsIdentity identity;
  const Key key{EVP_EC_gen("P-256")};
  const Certificate certificate = key ? self_signed(key.get()) : nullptr;
  identity.context_.reset(SSL_CTX_new(DTLS_client_method()));
  SSL_CTX* context = identity.context_.get();
  const auto fingerprint = digest(certificate.get());
  if (!context || !fingerprint || SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") != 0)
    return openssl_error("DTLS could not be set up.");
  identity.fingerprint_ = *fingerprint;
  // The certificate is self-signed by design: finish() compares it with the fingerprint in the offer.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return identity;
}

// OpenSSL 3.0's memory BIO forgets where one datagram ends and the next begins, so this one hands each on.
BIO_METHOD* DtlsClient::datagrams() {
  static const auto method = [] {
    std::unique_ptr<BIO_METHOD, void (*)(BIO_METHOD*)> made{
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams"), BIO_meth_free};
    BIO_meth_set_write(made.get(), [](BIO* bio, const char* data, int size) {
      static_cast<DtlsClient*>(BIO_get_data(bio))
          ->send_(Bytes(reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)));
      return size;
    });
    BIO_meth_set_read(made.get(), [](BIO* bio, char* data, int size) {
      BIO_clear_retry_flags(bio);
      Bytes& incoming = static_cast<DtlsClient*>(BIO_get_data(bio))->incoming_;
      if (incoming.empty() || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
      }
      const auto count =
          std::min(incoming.size(), static_cast<std::size_t>(size));  // as recv: the rest is lost
      std::copy_n(incoming.begin(), count, data);
      incoming = {};
      return static_cast<int>(count);
    });
    BIO_meth_set_ctrl(made.get(), [](BIO*, int command, long, void*) -> long {
      switch (command) {
        case BIO_CTRL_FLUSH:
          return 1;
        case BIO_CTRL_DGRAM_QUERY_MTU:
        case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
          return kMtu;
        case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
          return kDatagramOverhead;
        default:
          return 0;
      }
    });
    return made;
  }();
  return method.get();
}

DtlsClient::DtlsClient(const DtlsIdentity& identity, const Fingerprint& expected, Send send)
    : expected_(expected), send_(std::move(send)), ssl_(SSL_new(identity.context())) {
  BIO* bio = BIO_new(datagrams());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);  // takes it
  SSL_set_mtu(ssl_.get(), kMtu);
  SSL_set_connect_state(ssl_.get());
}

Result<void> DtlsClient::received(Bytes datagram) {
  incoming_ = datagram;
  auto advanced = advance();
  incoming_ = {};
  return advanced;
}

Result<void> DtlsClient::tick() {
  if (keys_) return {};
  timeval left{};
  if (!DTLSv1_get_timeout(ssl_.get(), &left) || left.tv_sec > 0 || left.tv_usec > 0) return {};
  if (DTLSv1_handle_timeout(ssl_.get()) < 0) return openssl_error("DTLS: the server does not answer.");
  return {};
}

Result<void> DtlsClient::advance() {
  ERR_clear_error();
  if (!keys_) {
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return finish();
    const int reason = SSL_get_error(ssl_.get(), result);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return {};
    return openssl_error("DTLS: the handshake failed.");
  }
  // Nothing but alerts and retransmissions comes here; OpenSSL answers them while it reads.
  std::uint8_t ignored[2048];
  const int result = SSL_read(ssl_.get(), ignored, sizeof ignored);
  if (result <= 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN) closed_ = true;
  ERR_clear_error();
  return {};
}

Result<void> DtlsClient::finish() {
  const Certificate theirs{SSL_get1_peer_certificate(ssl_.get())};
  if (digest(theirs.get()) != expected_)
    return Error("DTLS: the server's certificate is not the one it announced.");
  const SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(ssl_.get());
  if (!profile) return Error("DTLS: the server agreed to no SRTP profile.");
  const bool gcm = profile->id == SRTP_AEAD_AES_128_GCM;
  const std::size_t key = 16, salt = gcm ? 12 : 14;  // RFC 7714, section 12; RFC 5764, section 4.1.2
  std::vector<std::uint8_t> material(2 * (key + salt));
  constexpr std::string_view kLabel = "EXTRACTOR-dtls_srtp";
  if (SSL_export_keying_material(ssl_.get(), material.data(), material.size(), kLabel.data(), kLabel.size(),
                                 nullptr, 0, 0) != 1)
    return openssl_error("DTLS: no keys could be derived.");
  // Client key, server key, client salt, server salt; we are the client.
  const auto at = [&](std::size_t offset) { return material.begin() + static_cast<std::ptrdiff_t>(offset); };
  SrtpKeys keys{gcm, {at(0), at(key)}, {at(key), at(2 * key)}};
  keys.ours.insert(keys.ours.end(), at(2 * key), at(2 * key + salt));
  keys.theirs.insert(keys.theirs.end(), at(2 * key + salt), material.end());
  keys_ = std::move(keys);
  return {};
}

}  // namespace campaign::load

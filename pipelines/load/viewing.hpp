// One viewer from joining to leaving: signalling, ICE, DTLS, SRTP and what arrives. One thread, with a main
// context as its default one. Never destroyed from a callback of its own parts: only from outside tick().
#pragma once

#include <libsoup/soup.h>

#include <optional>
#include <string>

#include "pipelines/load/decoder.hpp"
#include "pipelines/load/dtls.hpp"
#include "pipelines/load/ice.hpp"
#include "pipelines/load/signalling_client.hpp"
#include "pipelines/load/srtp.hpp"
#include "pipelines/load/switching.hpp"
#include "pipelines/load/viewing_result.hpp"

namespace campaign::load {

struct ViewingSettings {
  std::string url;  // of the WebSocket
  bool insecure = false;
  bool decodes = false;
};

class Viewing {
 public:
  Viewing(SoupSession* session, const DtlsIdentity& identity, ViewingSettings settings, std::uint32_t ssrc);
  Viewing(const Viewing&) = delete;

  void start(Time now);
  void tick(Time now);  // every 20 ms or so

  bool failed() const { return !failure_.empty(); }
  bool joined() const { return joined_.has_value(); }
  Time started() const { return started_; }
  bool welcomed() const { return welcomed_; }
  const Choice& choice() const { return choice_; }  // what is on offer at this moment
  const ReceptionCounters* live_counters()
      const;  // without what only ends them; null before the first packet

  void subscribe(const Pick& pick, Time now);
  bool is_switching() const { return switching_.is_waiting(); }

  // Where the server has sent the viewer, which ends the viewing; empty: nowhere.
  const std::string& moved_to() const { return moved_to_; }
  const std::vector<std::string>& other_servers() const { return other_servers_; }

  ViewingResult result(Time now) const;
  // Says goodbye; the socket is to be kept until it is closed.
  std::unique_ptr<SignallingClient> leave();

 private:
  void took(const ServerMessage& message);
  void take_offer(const std::string& sdp);
  Result<void> answer(const Offer& offer);
  void take_candidate(const std::string& candidate);
  void took_datagram(std::span<std::uint8_t> datagram);
  void took_dtls(Bytes datagram);
  void media_connected();
  void send_rtcp(const RtcpWriter& writer);
  void send_requests(Time now);
  void send_statistics(Time now);
  void fail(std::string why);

  SoupSession* session_;  // borrowed
  const DtlsIdentity& identity_;
  ViewingSettings settings_;
  std::uint32_t ssrc_;
  std::unique_ptr<Decoder> decoder_;
  std::optional<Reception> reception_;
  std::optional<SrtpSession> srtp_;
  std::unique_ptr<DtlsClient> dtls_;
  std::unique_ptr<IceAgent> ice_;
  std::unique_ptr<SignallingClient> signalling_;
  std::optional<Offer> offer_;
  std::vector<std::string> early_candidates_;

  Time started_{}, answered_{}, next_report_{}, next_feedback_{};
  std::optional<Time> offered_, joined_;
  bool welcomed_ = false;
  std::string peer_;
  Choice choice_;
  Switching switching_;
  std::string campaign_;  // whose pictures come
  std::string failure_, moved_to_;
  std::vector<std::string> other_servers_;
  std::uint64_t revision_ = 0, revisions_back_ = 0;
  std::uint64_t frames_told_ = 0, early_ = 0, unreadable_ = 0;
  bool dtls_started_ = false;
};

Time monotonic_now();

}  // namespace campaign::load

// See viewing.hpp.
#include "pipelines/load/viewing.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace campaign::load {
namespace {

using nlohmann::json;

constexpr Time kReportInterval = 1s;  // RFC 3550's minimum is 5 s; browsers report video about once a second
constexpr Time kFeedbackInterval = 50ms;    // as browsers send transport-wide feedback
constexpr Time kCandidatePatience = 300ms;  // for one of the family that signalling uses
constexpr std::size_t kMaxEarlyCandidates = 64;
constexpr std::string_view kCname = "campaign-load";

std::string dump(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

bool is_dtls(Bytes datagram) {
  return !datagram.empty() && datagram[0] >= 20 && datagram[0] <= 63;
}  // RFC 7983
bool is_media(Bytes datagram) { return !datagram.empty() && datagram[0] >= 128 && datagram[0] <= 191; }

}  // namespace

Time monotonic_now() { return Time(g_get_monotonic_time()); }

Viewing::Viewing(SoupSession* session, const DtlsIdentity& identity, ViewingSettings settings,
                 std::uint32_t ssrc)
    : session_(session), identity_(identity), settings_(std::move(settings)), ssrc_(ssrc) {}

void Viewing::start(Time now) {
  started_ = now;
  signalling_ = std::make_unique<SignallingClient>(
      session_, settings_.url, settings_.insecure,
      SignallingClient::Handlers{.open = [] {},
                                 .message = [this](const ServerMessage& message) { took(message); },
                                 .closed = [this](std::string why) { fail(std::move(why)); }});
}

void Viewing::fail(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

void Viewing::took(const ServerMessage& message) {
  if (failed()) return;
  if (const auto* welcome = std::get_if<Welcome>(&message)) {
    if (welcomed_) return;
    welcomed_ = true;
    peer_ = welcome->peer;
    choice_ = welcome->choice;
    campaign_ = choice_.campaign;
  } else if (const auto* choice = std::get_if<Choice>(&message)) {
    choice_ = *choice;
    switching_.on_offer(choice_);
  } else if (const auto* offer = std::get_if<OfferMessage>(&message)) {
    take_offer(offer->sdp);
  } else if (const auto* candidate = std::get_if<CandidateMessage>(&message)) {
    if (ice_)
      take_candidate(candidate->candidate);
    else if (early_candidates_.size() < kMaxEarlyCandidates)
      early_candidates_.push_back(candidate->candidate);
  } else if (const auto* quality = std::get_if<QualityMessage>(&message)) {
    const bool elsewhere = std::exchange(campaign_, quality->campaign) != quality->campaign;
    switching_.told(*quality, elsewhere, monotonic_now());
  } else if (const auto* error = std::get_if<ErrorMessage>(&message)) {
    if (!switching_.refused(*error)) fail("the server says: " + error->code + ": " + error->message);
  } else if (const auto* bye = std::get_if<ByeMessage>(&message)) {
    if (bye->reason == "moved") moved_to_ = bye->url;
    fail("the server says goodbye: " + bye->reason);
  } else if (const auto* servers = std::get_if<ServersMessage>(&message)) {
    other_servers_ = servers->urls;
  } else if (const auto* state = std::get_if<StateMessage>(&message)) {
    if (state->revision <= revision_) ++revisions_back_;
    revision_ = state->revision;
  }
}

void Viewing::take_offer(const std::string& sdp) {
  if (offer_) {
    fail("the server offered twice; a change of quality needs no negotiation");
    return;
  }
  offered_ = monotonic_now() - started_;
  auto offer = parse_offer(sdp);
  if (!offer) {
    fail(offer.error().for_user());
    return;
  }
  offer_ = std::move(*offer);
  if (const auto answered = answer(*offer_); !answered) fail(answered.error().detail());
}

Result<void> Viewing::answer(const Offer& offer) {
  GSocketAddress* server = signalling_->server_address();
  if (!server) return Error("The server's address is not known.");

  if (settings_.decodes) {
    auto decoder = Decoder::make(offer.codec);
    if (!decoder) return decoder.error();
    decoder_ = std::move(*decoder);
  }
  reception_.emplace(ReceptionSettings{.codec = offer.codec,
                                       .payload_type = offer.payload_type,
                                       .retransmission_type = offer.retransmission_type,
                                       .transport_sequence_id = offer.has_feedback("transport-cc")
                                                                    ? offer.transport_sequence_id
                                                                    : std::nullopt,
                                       .clock_rate = offer.clock_rate,
                                       .acknowledges = offer.has_feedback("nack"),
                                       .keep_units = settings_.decodes});
  if (decoder_) reception_->on_frame = [this](const Frame& frame) { decoder_->decode(frame.unit); };

  dtls_ = std::make_unique<DtlsClient>(identity_, offer.fingerprint,
                                       [this](Bytes datagram) { ice_->send(datagram); });
  auto ice = IceAgent::make(
      g_main_context_get_thread_default(), g_socket_address_get_family(server),
      {.candidate =
           [this](const std::string& candidate) {
             signalling_->send(dump({{"type", "ice"}, {"candidate", candidate}, {"sdpMLineIndex", 0}}));
           },
       .connected = [this] { media_connected(); },
       .failed = [this] { fail("ICE: no way to the server's media was found"); },
       .received = [this](std::span<std::uint8_t> datagram) { took_datagram(datagram); }});
  if (!ice) return ice.error();
  ice_ = std::move(*ice);
  if (const auto set = ice_->set_remote(offer.ice_ufrag, offer.ice_pwd); !set) return set.error();
  signalling_->send(dump({{"type", "answer"},
                          {"sdp", write_answer(offer, {.ice_ufrag = ice_->ufrag(),
                                                       .ice_pwd = ice_->pwd(),
                                                       .fingerprint = identity_.fingerprint()})}}));
  answered_ = monotonic_now();
  for (const std::string& candidate : offer.candidates) take_candidate(candidate);
  for (const std::string& candidate : early_candidates_) take_candidate(candidate);
  early_candidates_.clear();
  return {};
}

void Viewing::take_candidate(const std::string& candidate) {
  if (const auto taken = ice_->add_remote_candidate(candidate); !taken) fail(taken.error().detail());
}

void Viewing::media_connected() {
  if (std::exchange(dtls_started_, true)) return;
  if (const auto started = dtls_->start(); !started) fail(started.error().detail());
}

void Viewing::took_datagram(std::span<std::uint8_t> datagram) {
  if (failed()) return;
  if (is_dtls(datagram)) {
    took_dtls(datagram);
    return;
  }
  if (!is_media(datagram)) return;
  if (!srtp_) {
    ++early_;
    return;
  }
  const Time now = monotonic_now();
  if (is_rtcp(datagram)) {
    if (const auto plain = srtp_->unprotect_rtcp(datagram))
      reception_->take_rtcp(*plain, now);
    else
      ++unreadable_;
  } else if (const auto plain = srtp_->unprotect_rtp(datagram)) {
    if (reception_->take_rtp(*plain, now)) send_requests(now);
  } else {
    ++unreadable_;
  }
}

void Viewing::took_dtls(Bytes datagram) {
  dtls_started_ = true;  // the way is open, whatever ICE has told us yet
  if (const auto taken = dtls_->received(datagram); !taken) {
    fail(taken.error().detail());
  } else if (dtls_->closed()) {
    fail("the server ended the media connection");
  } else if (dtls_->keys() && !srtp_) {
    auto srtp = SrtpSession::make(*dtls_->keys());
    if (!srtp) {
      fail(srtp.error().detail());
      return;
    }
    srtp_ = std::move(*srtp);
    joined_ = monotonic_now() - started_;
  }
}

void Viewing::send_rtcp(const RtcpWriter& writer) {
  if (!srtp_ || writer.bytes().empty()) return;
  std::array<std::uint8_t, 1200 + SrtpSession::kTrailer> buffer;
  std::copy(writer.bytes().begin(), writer.bytes().end(), buffer.begin());
  if (const auto packet = srtp_->protect_rtcp(buffer, writer.bytes().size())) ice_->send(*packet);
}

void Viewing::send_requests(Time now) {
  RtcpWriter writer(ssrc_);
  reception_->write_requests(writer, now);
  send_rtcp(writer);
}

void Viewing::tick(Time now) {
  if (failed()) return;
  if (ice_ && !ice_->has_socket() && now - answered_ > kCandidatePatience)
    if (const auto taken = ice_->take_any_family(); !taken) fail(taken.error().detail());
  if (dtls_ && dtls_started_)
    if (const auto ticked = dtls_->tick(); !ticked) fail(ticked.error().detail());
  switching_.tick(now);
  if (!srtp_) return;
  if (reception_->tick(now)) send_requests(now);
  if (reception_->has_transport_feedback() && now >= next_feedback_) {
    next_feedback_ = now + kFeedbackInterval;
    for (RtcpWriter writer(ssrc_); reception_->write_feedback(writer); writer = RtcpWriter(ssrc_))
      send_rtcp(writer);
  }
  if (now >= next_report_) {
    next_report_ = now + kReportInterval;
    RtcpWriter writer(ssrc_);
    reception_->write_report(writer, now);
    writer.source_description(kCname);
    send_rtcp(writer);
    send_statistics(now);
  }
}

void Viewing::send_statistics(Time now) {
  const ReceptionCounters seen = reception_->counters(now);
  signalling_->send(dump({{"type", "stats"},
                          {"fps", double(seen.frames - frames_told_) / seconds(kReportInterval)},
                          {"frames", seen.frames},
                          {"freezes", seen.freezes},
                          {"lost", seen.lost}}));
  frames_told_ = seen.frames;
}

const ReceptionCounters* Viewing::live_counters() const {
  return reception_ ? &reception_->running() : nullptr;
}

void Viewing::subscribe(const Pick& pick, Time now) {
  switching_.ask(pick, now);
  signalling_->send(dump({{"type", "subscribe"}, {"campaign", pick.campaign}, {"quality", pick.quality}}));
}

ViewingResult Viewing::result(Time now) const {
  ViewingResult result;
  result.offered = offered_;
  result.joined = joined_;
  result.lasted = now - started_;
  result.early = early_;
  result.unreadable = unreadable_;
  if (reception_) result.media = reception_->counters(now);
  if (result.media.first_frame) result.first_frame = *result.media.first_frame - started_;
  result.peer = peer_;
  result.failure = failure_;
  result.revision = revision_;
  result.revisions_back = revisions_back_;
  result.server = settings_.url.substr(0, settings_.url.find('/', settings_.url.find("//") + 2));
  result.switches_asked = switching_.asked();
  result.switches_refused = switching_.refusals();
  result.switches = switching_.took();
  result.campaign_switches = switching_.of_campaign();
  if (decoder_) {
    result.decodes = true;
    result.decoded = decoder_->pictures();
    result.decode_errors = decoder_->errors();
    result.width = decoder_->width();
    result.height = decoder_->height();
  }
  return result;
}

std::unique_ptr<SignallingClient> Viewing::leave() {
  signalling_->close();
  return std::move(signalling_);
}

}  // namespace campaign::load

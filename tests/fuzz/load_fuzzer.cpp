// Feeds anything to what campaign-load reads: packets as a stream, offers, and server messages. The first
// byte says what the rest is. libFuzzer's entry, and the one of the seeded test that runs everywhere.
#include <cstdint>
#include <cstdlib>
#include <random>

#include "pipelines/load/media/reception.hpp"
#include "pipelines/load/server_message.hpp"
#include "pipelines/load/session_description.hpp"
#include "util/id.hpp"

namespace {

using namespace campaign::load;

void require(bool promise) {
  if (!promise) std::abort();
}

// Packets with two bytes of size before each, at times that their bytes choose.
void receive(Bytes data, Codec codec) {
  Reception reception({.codec = codec,
                       .payload_type = 96,
                       .retransmission_type = std::uint8_t(97),
                       .transport_sequence_id = std::uint8_t(5),
                       .acknowledges = true,
                       .keep_units = true});
  std::uint64_t shown = 0;
  reception.on_frame = [&](const Frame& frame) {
    require(frame.complete && frame.decodable);
    ++shown;
  };
  Time now = 1s;
  std::uint64_t offered = 0;
  while (data.size() >= 2) {
    const std::size_t size = std::min<std::size_t>(read_u16(data, 0) % 1500, data.size() - 2);
    const Bytes packet = data.subspan(2, size);
    data = data.subspan(2 + size);
    now += Time(size * 100);
    ++offered;
    if (is_rtcp(packet))
      reception.take_rtcp(packet, now);
    else
      reception.take_rtp(packet, now);
    RtcpWriter writer(1);
    if (reception.tick(now)) reception.write_requests(writer, now);
    reception.write_report(writer, now);
    while (reception.write_feedback(writer)) {
    }
    require(writer.bytes().size() <= 1200 && parse_rtcp(writer.bytes()).has_value());
  }
  const ReceptionCounters seen = reception.counters(now);
  require(seen.packets <= offered && seen.frames == shown && seen.key_frames <= seen.frames);
  require(seen.frames + seen.incomplete + seen.undecodable <= 2 * seen.packets);
  require(seen.lost <= 70'000 * seen.packets && seen.duplicates <= seen.packets &&
          seen.frozen >= Time::zero());
}

void offer(std::string_view text) {
  const auto parsed = parse_offer(text);
  if (!parsed) {
    require(!parsed.error().for_user().empty() && parsed.error().for_user().size() < 400);
    return;
  }
  require(parsed->payload_type < 128 && parsed->clock_rate > 0 && parsed->candidates.size() <= 64);
  // What comes back must be as well formed as what was taken: nothing of the offer's text can add a line.
  std::string answer = write_answer(*parsed, {"abcd", "0123456789012345678901", parsed->fingerprint});
  answer.replace(answer.find("setup:active"), 12, "setup:passive");
  const auto again = parse_offer(answer);
  require(again && again->payload_type == parsed->payload_type && again->codec == parsed->codec &&
          again->mid == parsed->mid && again->format == parsed->format &&
          again->transport_sequence_id == parsed->transport_sequence_id);
}

// Whatever is offered, what is picked of it is on offer and can be asked for.
void choose(const Choice& choice) {
  require(choice.campaigns.size() <= 1000 && choice.qualities.size() <= 1000);
  std::mt19937_64 random(choice.campaigns.size() + choice.qualities.size());
  if (const auto pick = choice.pick(random))
    require(campaign::is_valid_id(pick->campaign) && campaign::is_valid_id(pick->quality) &&
            choice.offers(*pick));
}

void message(std::string_view text) {
  const auto parsed = parse_server_message(text);
  if (!parsed) return;
  if (const auto* error = std::get_if<ErrorMessage>(&*parsed))
    for (const unsigned char c : error->message) require(c >= 0x20 && c != 0x7f);
  if (const auto* welcome = std::get_if<Welcome>(&*parsed)) choose(welcome->choice);
  if (const auto* choice = std::get_if<Choice>(&*parsed)) choose(*choice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes rest(data + 1, size - 1);
  const std::string_view text(reinterpret_cast<const char*>(rest.data()), rest.size());
  switch (data[0] % 4) {
    case 0:
      receive(rest, Codec::h264);
      break;
    case 1:
      receive(rest, Codec::vp8);
      break;
    case 2:
      offer(text);
      break;
    default:
      message(text);
  }
  return 0;
}

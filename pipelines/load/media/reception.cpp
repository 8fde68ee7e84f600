// See reception.hpp.
#include "pipelines/load/media/reception.hpp"

#include <algorithm>
#include <cmath>

namespace campaign::load {
namespace {

// A server starts viewers on a key frame by itself; only one that does not is asked.
constexpr Time kKeyFramePatience = 100ms;
constexpr Time kKeyFrameInterval = 500ms;
constexpr Time kAskAgain = 50ms;
constexpr std::size_t kMaxAsked = 64;

}  // namespace

Reception::Reception(ReceptionSettings settings)
    : settings_(settings), frames_(settings.codec, settings.keep_units), liveness_(settings.clock_rate) {}

bool Reception::take_rtp(Bytes bytes, Time now) {
  auto packet = parse_rtp(bytes);
  if (!packet) {
    ++counters_.malformed;
    return false;
  }
  ++counters_.packets;
  counters_.bytes += bytes.size();
  if (settings_.transport_sequence_id)
    if (const auto number = find_extension(*packet, *settings_.transport_sequence_id);
        number && number->size() >= 2)
      feedback_.arrived(read_u16(*number, 0), now);

  if (packet->payload_type == settings_.retransmission_type && settings_.retransmission_type) {
    if (packet->payload.empty()) return false;  // padding, sent to probe the bandwidth
    packet = unwrap_retransmission(*packet, settings_.payload_type);
    if (!packet) {
      ++counters_.malformed;
      return false;
    }
    if (!ssrc_) return false;  // of what was sent before we came
    ++counters_.retransmitted;
  } else {
    if (packet->payload_type != settings_.payload_type || (ssrc_ && *ssrc_ != packet->ssrc)) {
      ++counters_.strangers;
      return false;
    }
    ssrc_ = packet->ssrc;
    note_jitter(*packet, now);
  }
  if (!first_packet_) first_packet_ = now;

  const auto step = sequence_.take(packet->sequence);
  if (step.arrival == SequenceTracker::Arrival::duplicate) return false;
  reorder_.push(step.extended, *packet, now,
                [&](const RtpPacket& next, bool gap_before) { deliver(next, gap_before, now); });
  return (reorder_.is_waiting() && settings_.acknowledges &&
          (!asked_again_ || now - *asked_again_ >= kAskAgain)) ||
         wants_key_frame(now);
}

void Reception::take_rtcp(Bytes bytes, Time now) {
  const auto received = parse_rtcp(bytes);
  if (!received) {
    ++counters_.malformed;
    return;
  }
  if (!received->sender_report || (ssrc_ && received->sender_report->ssrc != *ssrc_)) return;
  ++counters_.reports;
  last_sender_report_ = static_cast<std::uint32_t>(received->sender_report->ntp >> 16);
  sender_report_at_ = now;
}

void Reception::deliver(const RtpPacket& packet, bool gap_before, Time now) {
  if (gap_before) needs_key_frame_ = true;
  if (packet.payload.empty()) return;  // padding, to probe the bandwidth
  if (!frames_.take(packet, gap_before, [&](const Frame& frame) { note_frame(frame, now); })) {
    ++counters_.malformed;
    needs_key_frame_ = true;
  }
}

void Reception::note_frame(const Frame& frame, Time now) {
  if (frame.goes_back) ++counters_.backward;
  if (!frame.decodable) {
    ++(frame.complete ? counters_.undecodable : counters_.incomplete);
    needs_key_frame_ = true;
    return;
  }
  ++counters_.frames;
  if (frame.key) {
    ++counters_.key_frames;
    needs_key_frame_ = false;
    key_frame_asked_.reset();
  }
  if (counters_.last_frame) {
    const Time pause = now - *counters_.last_frame;
    counters_.longest_pause = std::max(counters_.longest_pause, pause);
    if (pause > kFreeze) {
      ++counters_.freezes;
      counters_.frozen += pause;
    }
  } else {
    counters_.first_frame = now;
  }
  counters_.last_frame = now;
  liveness_.shown(frame.timestamp, now);
  if (on_frame) on_frame(frame);
}

void Reception::note_jitter(const RtpPacket& packet, Time now) {
  const double transit = seconds(now) * settings_.clock_rate - packet.timestamp;
  // A wrap-around of the timestamp, or a jump, is no jitter.
  if (transit_ && std::abs(transit - *transit_) < settings_.clock_rate)
    jitter_ += (std::abs(transit - *transit_) - jitter_) / 16;
  transit_ = transit;
}

bool Reception::wants_key_frame(Time now) const {
  if (!needs_key_frame_ || !first_packet_) return false;
  if (key_frame_asked_) return now - *key_frame_asked_ >= kKeyFrameInterval;
  return counters_.last_frame || now - *first_packet_ >= kKeyFramePatience;
}

bool Reception::tick(Time now) {
  liveness_.tick(now);
  reorder_.expire(now, [&](const RtpPacket& next, bool gap_before) { deliver(next, gap_before, now); });
  return wants_key_frame(now) || (settings_.acknowledges && reorder_.is_waiting());
}

void Reception::write_requests(RtcpWriter& writer, Time now) {
  if (!ssrc_) return;
  if (settings_.acknowledges && reorder_.is_waiting() &&
      (!asked_again_ || now - *asked_again_ >= kAskAgain)) {
    asked_again_ = now;
    writer.negative_acknowledgement(*ssrc_, reorder_.missing(kMaxAsked));
  }
  if (wants_key_frame(now)) {
    key_frame_asked_ = now;
    ++counters_.key_frame_requests;
    writer.picture_loss(*ssrc_);
  }
}

void Reception::write_report(RtcpWriter& writer, Time now) {
  if (!ssrc_) {
    writer.receiver_report(std::nullopt);
    return;
  }
  ReceptionReport report;
  report.ssrc = *ssrc_;
  const auto expected = sequence_.expected() - expected_before_;
  const auto received = sequence_.received() - received_before_;
  expected_before_ = sequence_.expected();
  received_before_ = sequence_.received();
  if (expected > received)
    report.fraction_lost =
        static_cast<std::uint8_t>(std::min<std::uint64_t>(255, 256 * (expected - received) / expected));
  report.lost = static_cast<std::int64_t>(sequence_.lost());
  report.highest_sequence = static_cast<std::uint32_t>(sequence_.highest());
  report.jitter = static_cast<std::uint32_t>(jitter_);
  report.last_sender_report = last_sender_report_;
  if (last_sender_report_)
    report.since_sender_report = static_cast<std::uint32_t>(seconds(now - sender_report_at_) * 65536);
  writer.receiver_report(report);
}

bool Reception::write_feedback(RtcpWriter& writer) {
  const auto body = ssrc_ ? feedback_.next() : std::nullopt;
  if (!body) return false;
  writer.transport_feedback(*ssrc_, *body);
  return true;
}

ReceptionCounters Reception::counters(Time now) const {
  ReceptionCounters counters = counters_;
  counters.gaps = sequence_.gaps();
  counters.lost = sequence_.lost();
  counters.late = sequence_.late();
  counters.duplicates = sequence_.duplicates();
  counters.stops = liveness_.stops();
  counters.returns = liveness_.returns();
  counters.longest_return = liveness_.longest_return();
  if (counters.last_frame) {
    const Time pause = now - *counters.last_frame;
    counters.longest_pause = std::max(counters.longest_pause, pause);
    if (pause > kFreeze) {
      ++counters.freezes;
      counters.frozen += pause;
    }
  }
  return counters;
}

}  // namespace campaign::load

// What one viewer receives: decrypted RTP and RTCP in, frames and counters out, and the RTCP to answer with.
// Plain C++; time is an argument; one thread.
#pragma once

#include <functional>

#include "pipelines/load/media/frame_assembler.hpp"
#include "pipelines/load/media/liveness.hpp"
#include "pipelines/load/media/reorder_buffer.hpp"
#include "pipelines/load/media/rtcp.hpp"
#include "pipelines/load/media/sequence.hpp"
#include "pipelines/load/media/transport_feedback.hpp"

namespace campaign::load {

// A pause between two frames that a viewer sees as a freeze.
inline constexpr Time kFreeze = 250ms;

struct ReceptionSettings {
  Codec codec = Codec::h264;
  std::uint8_t payload_type = 96;
  std::optional<std::uint8_t> retransmission_type;
  std::optional<std::uint8_t> transport_sequence_id;  // header extension; none: no feedback
  std::uint32_t clock_rate = 90'000;
  bool acknowledges = false;  // NACK was negotiated
  bool keep_units = false;
};

struct ReceptionCounters {
  std::uint64_t packets = 0, bytes = 0;  // RTP, header and payload, of every kind
  std::uint64_t gaps = 0;                // jumps in the sequence, also those filled later
  std::uint64_t lost = 0;                // never arrived
  std::uint64_t late = 0, duplicates = 0, retransmitted = 0;
  std::uint64_t malformed = 0;           // packets that are no RTP, no RTCP, or no payload of the codec
  std::uint64_t strangers = 0;           // of another payload type or source
  std::uint64_t frames = 0;              // complete, and after a complete key frame without a hole
  std::uint64_t key_frames = 0;          // of these
  std::uint64_t incomplete = 0;          // frames with a hole
  std::uint64_t undecodable = 0;         // complete, but what they refer to is not
  std::uint64_t backward = 0;            // timestamps not after the one before
  std::uint64_t freezes = 0;             // pauses over kFreeze between frames
  Time frozen{};                         // their time, in full
  Time longest_pause{};                  // between two frames
  std::uint64_t stops = 0, returns = 0;  // of this process, and how often the live picture was back after one
  Time longest_return{};                 // from the end of a stop
  std::uint64_t key_frame_requests = 0;
  std::uint64_t reports = 0;  // sender reports heard
  std::optional<Time> first_frame, last_frame;
};

class Reception {
 public:
  explicit Reception(ReceptionSettings settings);

  std::function<void(const Frame&)> on_frame;  // decodable ones

  // Returns true when something should be asked for at once: call write_requests().
  bool take_rtp(Bytes packet, Time now);
  void take_rtcp(Bytes packet, Time now);

  // Gives up on what is missing for too long. True as for take_rtp().
  bool tick(Time now);
  // Fill what there is to say; nothing was added when the writer's bytes stay empty.
  void write_requests(RtcpWriter& writer, Time now);  // NACK and PLI, each limited in rate
  void write_report(RtcpWriter& writer, Time now);    // once a second
  bool write_feedback(RtcpWriter& writer);            // arrival times; true: there may be more
  bool has_transport_feedback() const { return settings_.transport_sequence_id.has_value(); }

  ReceptionCounters counters(Time now) const;  // all of it, with a pause that still lasts
  // What is counted as it happens, for a glance: without gaps, lost, late and duplicates.
  const ReceptionCounters& running() const { return counters_; }

 private:
  void deliver(const RtpPacket& packet, bool gap_before, Time now);
  void note_frame(const Frame& frame, Time now);
  void note_jitter(const RtpPacket& packet, Time now);
  bool wants_key_frame(Time now) const;

  ReceptionSettings settings_;
  ReceptionCounters counters_;
  SequenceTracker sequence_;
  ReorderBuffer reorder_;
  FrameAssembler frames_;
  TransportFeedback feedback_;
  Liveness liveness_;
  std::optional<std::uint32_t> ssrc_;

  bool needs_key_frame_ = true;
  std::optional<Time> first_packet_, key_frame_asked_, asked_again_;

  double jitter_ = 0;  // in units of the RTP clock; RFC 3550, appendix A.8
  std::optional<double> transit_;
  std::uint64_t expected_before_ = 0, received_before_ = 0;
  std::uint32_t last_sender_report_ = 0;
  Time sender_report_at_{};
};

}  // namespace campaign::load

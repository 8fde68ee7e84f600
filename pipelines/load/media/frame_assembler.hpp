// Puts packets that come in order together to frames, and says which of them a decoder could show: complete
// ones that follow a complete key frame without a hole. Plain C++, one thread.
#pragma once

#include <utility>
#include <vector>

#include "pipelines/load/media/payload.hpp"
#include "pipelines/load/media/rtp_packet.hpp"

namespace campaign::load {

struct Frame {
  std::uint32_t timestamp = 0;
  bool key = false;
  bool complete = false;
  bool decodable = false;
  bool goes_back = false;  // its timestamp is not after the frame before
  Bytes unit;              // for a decoder, when units are kept
};

class FrameAssembler {
 public:
  FrameAssembler(Codec codec, bool keep_units) : codec_(codec), keep_units_(keep_units) {}

  // on_frame(const Frame&): at most two, an unfinished one and this packet's. False: the payload was
  // malformed.
  template <class OnFrame>
  bool take(const RtpPacket& packet, bool gap_before, OnFrame&& on_frame) {
    if (gap_before) {
      broken_ = true;
      chain_ = false;
    }
    if (open_ && packet.timestamp != frame_.timestamp) {  // its last packet never came
      broken_ = true;
      close(on_frame);
    }
    const bool first = !open_;
    if (first) open(packet.timestamp);
    const auto traits = read_payload(codec_, packet.payload, keep_units_ ? &unit_ : nullptr);
    if (first) broken_ = gap_before && !(traits && traits->starts_key_frame);
    if (!traits) broken_ = true;
    if (traits && traits->key) frame_.key = true;
    if (packet.marker) close(on_frame);
    return traits.has_value();
  }

 private:
  void open(std::uint32_t timestamp) {
    open_ = true;
    unit_.clear();
    frame_ = {};
    frame_.timestamp = timestamp;
    frame_.goes_back = has_last_ && static_cast<std::int32_t>(timestamp - last_timestamp_) <= 0;
    has_last_ = true;
    last_timestamp_ = timestamp;
  }

  template <class OnFrame>
  void close(OnFrame& on_frame) {
    open_ = false;
    frame_.complete = !broken_;
    chain_ = frame_.complete && (frame_.key || chain_);
    frame_.decodable = chain_;
    frame_.unit = unit_;
    on_frame(std::as_const(frame_));
  }

  Codec codec_;
  bool keep_units_;
  bool open_ = false, broken_ = false, chain_ = false;
  bool has_last_ = false;
  std::uint32_t last_timestamp_ = 0;
  Frame frame_;
  std::vector<std::uint8_t> unit_;
};

}  // namespace campaign::load

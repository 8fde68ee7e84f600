// What a viewer of campaign-load counts, on packets and times that the tests choose.
#include "pipelines/load/media/reception.hpp"

#include <gtest/gtest.h>

#include "packets.hpp"

namespace campaign::load::test {
namespace {

class Stream : public ::testing::Test {
 protected:
  Stream() : Stream(ReceptionSettings{.retransmission_type = 97, .acknowledges = true, .keep_units = true}) {}
  explicit Stream(ReceptionSettings settings) : reception_(settings) {
    reception_.on_frame = [this](const Frame& frame) {
      units_.emplace_back(frame.unit.begin(), frame.unit.end());
    };
  }

  void send(const Packet& payload, bool marker) {
    const Packet packet = rtp({.sequence = sequence_++, .timestamp = timestamp_, .marker = marker}, payload);
    if (!losing_) asks_ = reception_.take_rtp(packet, now_);
    lost_ = packet;
    if (marker) timestamp_ += 3000;
  }
  void key_frame() {
    send(kParameterSets, false);
    send(kIdrStart, false);
    send(kIdrEnd, true);
    now_ += 33ms;
  }
  void frame() {
    send(kSlice, true);
    now_ += 33ms;
  }
  void lose_frame() {
    losing_ = true;
    frame();
    losing_ = false;
  }
  ReceptionCounters counters() { return reception_.counters(now_); }

  Reception reception_;
  Time now_ = 1s;
  std::uint16_t sequence_ = 65533;
  std::uint32_t timestamp_ = 0xffffff00;
  bool losing_ = false, asks_ = false;
  Packet lost_;
  std::vector<Packet> units_;
};

TEST_F(Stream, CountsFramesAcrossTheWrapOfEverything) {
  key_frame();
  for (int i = 0; i < 9; ++i) frame();
  const auto seen = counters();
  EXPECT_EQ(seen.frames, 10u);
  EXPECT_EQ(seen.key_frames, 1u);
  EXPECT_EQ(seen.packets, 12u);
  EXPECT_EQ(seen.lost + seen.gaps + seen.backward + seen.freezes + seen.incomplete + seen.undecodable, 0u);
  EXPECT_EQ(seen.first_frame, 1s);
  EXPECT_EQ(seen.last_frame, 1s + 9 * 33ms);
  EXPECT_EQ(seen.longest_pause, 33ms);
  EXPECT_EQ(units_.size(), 10u);
  EXPECT_EQ(units_[0].size(), 23u);
}

TEST_F(Stream, WithoutAKeyFrameShowsNothingAndAsksForOne) {
  frame();
  EXPECT_FALSE(asks_);  // the server may be about to send one
  for (int i = 0; i < 4; ++i) frame();
  EXPECT_TRUE(asks_);
  RtcpWriter writer(1);
  reception_.write_requests(writer, now_);
  EXPECT_EQ(writer.bytes().size(), 12u);
  EXPECT_EQ(counters().key_frame_requests, 1u);
  RtcpWriter again(1);
  reception_.write_requests(again, now_);
  EXPECT_TRUE(again.bytes().empty());  // not at once
  EXPECT_EQ(counters().frames, 0u);
  EXPECT_EQ(counters().undecodable, 5u);
  key_frame();
  frame();
  EXPECT_EQ(counters().frames, 2u);
  EXPECT_FALSE(reception_.tick(now_ + 10s));
}

TEST_F(Stream, ALostPacketIsAskedForAndItsReturnCostsNoFrame) {
  key_frame();
  lose_frame();
  const Packet lost = lost_;
  frame();
  EXPECT_TRUE(asks_);
  RtcpWriter writer(1);
  reception_.write_requests(writer, now_);
  ASSERT_EQ(writer.bytes().size(), 16u);
  EXPECT_EQ(read_u16(writer.bytes(), 12), std::uint16_t(sequence_ - 2));
  EXPECT_EQ(counters().lost, 1u);
  Packet payload = {std::uint8_t((sequence_ - 2) >> 8 & 0xff), std::uint8_t((sequence_ - 2) & 0xff)};
  payload.insert(payload.end(), kSlice.begin(), kSlice.end());
  reception_.take_rtp(
      rtp({.sequence = 1, .timestamp = timestamp_ - 6000, .marker = true, .payload_type = 97, .ssrc = 7},
          payload),
      now_);
  const auto seen = counters();
  EXPECT_EQ(seen.frames, 3u);
  EXPECT_EQ(seen.lost, 0u);
  EXPECT_EQ(seen.gaps, 1u);
  EXPECT_EQ(seen.retransmitted, 1u);
  EXPECT_EQ(seen.backward, 0u);
}

TEST_F(Stream, WhatStaysLostBreaksTheChainUntilAKeyFrame) {
  key_frame();
  lose_frame();
  for (int i = 0; i < 8; ++i) frame();
  auto seen = counters();
  EXPECT_EQ(seen.frames, 1u);
  EXPECT_EQ(seen.lost, 1u);
  EXPECT_EQ(seen.incomplete, 1u);  // the one behind the hole, whose own first packet may be missing
  EXPECT_GT(seen.undecodable, 4u);
  EXPECT_TRUE(reception_.tick(now_));  // wants a key frame
  key_frame();
  seen = counters();
  EXPECT_EQ(seen.frames, 2u);
  EXPECT_EQ(seen.freezes, 1u);
  EXPECT_GT(seen.frozen, kFreeze);
}

TEST_F(Stream, APauseOverAQuarterOfASecondIsAFreezeAlsoAtTheEnd) {
  key_frame();
  now_ += 216ms;  // and 33 ms after the frame before
  frame();
  EXPECT_EQ(counters().freezes, 0u);
  now_ += 218ms;
  frame();
  EXPECT_EQ(counters().freezes, 1u);
  EXPECT_EQ(counters().frozen, 251ms);
  now_ += 1s;
  EXPECT_EQ(counters().freezes, 2u);
  EXPECT_EQ(counters().longest_pause, 1033ms);
}

TEST_F(Stream, TimestampsThatDoNotGrowAreCounted) {
  key_frame();
  frame();
  timestamp_ -= 3000;
  frame();
  timestamp_ -= 9000;
  frame();
  EXPECT_EQ(counters().backward, 2u);
}

TEST_F(Stream, AFrameWithoutItsLastPacketIsIncomplete) {
  key_frame();
  send(kSlice, false);
  timestamp_ += 3000;
  frame();
  EXPECT_EQ(counters().incomplete, 1u);
  EXPECT_EQ(counters().frames, 1u);
}

TEST_F(Stream, GarbageAndStrangersAreCountedAndHarmless) {
  key_frame();
  reception_.take_rtp(Packet{1, 2, 3}, now_);
  reception_.take_rtp(rtp({.ssrc = 99}, kSlice), now_);
  reception_.take_rtp(rtp({.payload_type = 33}, kSlice), now_);
  reception_.take_rtcp(Packet{0x80, 200, 0, 1, 0, 0, 0, 0}, now_);
  frame();
  EXPECT_EQ(counters().malformed, 2u);
  EXPECT_EQ(counters().strangers, 2u);
  EXPECT_EQ(counters().frames, 2u);
}

TEST_F(Stream, ReportsLossAndTheSendersClock) {
  key_frame();
  Packet report = {0x80, 200, 0, 6};
  put(report, 0x1234, 4);
  put(report, 0x11112222, 4);
  put(report, 0x33334444, 4);
  report.insert(report.end(), 12, 0);
  reception_.take_rtcp(report, now_);
  lose_frame();
  frame();
  now_ += 500ms - 66ms;
  RtcpWriter writer(1);
  reception_.write_report(writer, now_);
  const Bytes bytes = writer.bytes();
  ASSERT_EQ(bytes.size(), 32u);
  EXPECT_EQ(bytes[12], 256 / 5);
  EXPECT_EQ(read_u24(bytes, 13), 1u);
  EXPECT_EQ(read_u32(bytes, 24), 0x22223333u);
  EXPECT_EQ(read_u32(bytes, 28), 32768u);
}

}  // namespace
}  // namespace campaign::load::test

// What campaign-load reads from packets.
#include "packets.hpp"

#include <gtest/gtest.h>

#include "pipelines/load/media/rtcp.hpp"
#include "pipelines/load/media/rtp_packet.hpp"
#include "pipelines/load/media/sequence.hpp"

namespace campaign::load::test {
namespace {

TEST(RtpPacket, IsReadWithItsHeaderExtensions) {
  const Packet bytes =
      rtp({.sequence = 65535, .timestamp = 7, .marker = true, .extensions = {0x51, 0xab, 0xcd, 0}}, {1, 2});
  const auto packet = parse_rtp(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->sequence, 65535);
  EXPECT_EQ(packet->timestamp, 7u);
  EXPECT_EQ(packet->ssrc, 0x1234u);
  EXPECT_TRUE(packet->marker);
  EXPECT_EQ(packet->payload.size(), 2u);
  const auto number = find_extension(*packet, 5);
  ASSERT_TRUE(number);
  EXPECT_EQ(read_u16(*number, 0), 0xabcd);
  EXPECT_FALSE(find_extension(*packet, 6));
}

TEST(RtpPacket, LosesItsPaddingAndKeepsItsPayload) {
  Packet bytes = rtp({}, {1, 2, 3, 0, 0, 3});
  bytes[0] |= 0x20;
  const auto packet = parse_rtp(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->payload.size(), 3u);
}

TEST(RtpPacket, IsRefusedWhereverItIsCutShort) {
  Packet whole = rtp({.extensions = {0x51, 0xab, 0xcd, 0}}, {1, 2, 3, 4, 2});
  whole[0] |= 0x20 | 2;  // two contributors are claimed, and padding
  whole.insert(whole.begin() + 12, 8, 0);
  ASSERT_TRUE(parse_rtp(whole));
  for (std::size_t size = 0; size < 28; ++size) EXPECT_FALSE(parse_rtp(Bytes(whole).first(size))) << size;
  whole.back() = 200;  // more padding than payload
  EXPECT_FALSE(parse_rtp(whole));
}

TEST(Retransmission, CarriesThePacketThatWasMissing) {
  const Packet bytes =
      rtp({.sequence = 4, .timestamp = 90, .payload_type = 97, .ssrc = 9}, {0x12, 0x34, 0x41, 7});
  const auto packet = unwrap_retransmission(*parse_rtp(bytes), 96);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->sequence, 0x1234);
  EXPECT_EQ(packet->payload_type, 96);
  EXPECT_EQ(packet->payload.size(), 2u);
  EXPECT_FALSE(unwrap_retransmission(*parse_rtp(rtp({}, {1})), 96));
}

TEST(H264Payload, BecomesAByteStreamAndShowsItsKeyFrame) {
  Packet unit;
  auto traits = read_payload(Codec::h264, kParameterSets, &unit);
  ASSERT_TRUE(traits);
  EXPECT_TRUE(traits->starts_key_frame);
  EXPECT_FALSE(traits->key);
  traits = read_payload(Codec::h264, kIdrStart, &unit);
  ASSERT_TRUE(traits);
  EXPECT_TRUE(traits->key);
  ASSERT_TRUE(read_payload(Codec::h264, kIdrEnd, &unit));
  EXPECT_EQ(unit,
            (Packet{0, 0, 0, 1, 0x67, 0x42, 0xe0, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65, 1, 2, 3, 4, 5}));
  traits = read_payload(Codec::h264, kSlice, nullptr);
  ASSERT_TRUE(traits);
  EXPECT_FALSE(traits->key);
}

TEST(H264Payload, IsRefusedWhenMalformed) {
  const Packet bad[] = {{},         {0x80, 1},           {0},     {24},           {24, 0},
                        {24, 0, 0}, {24, 0, 5, 0x67},    {0x7c},  {0x7c, 0x85},   {0x7c, 0x80, 1},
                        {25, 1, 2}, {29, 0x85, 0, 0, 1}, {31, 1}, {0x7c, 0x98, 1}};
  for (const Packet& payload : bad) {
    Packet unit;
    EXPECT_FALSE(read_payload(Codec::h264, payload, &unit)) << ::testing::PrintToString(payload);
  }
}

TEST(Vp8Payload, ShowsItsKeyFrameBehindEveryDescriptor) {
  const struct {
    Packet payload;
    bool key;
    std::size_t header;
  } cases[] = {
      {{0x10, 0x00, 5}, true, 1},                          // key frame, plain descriptor
      {{0x10, 0x01, 5}, false, 1},                         // inter frame
      {{0x00, 0x00, 5}, false, 1},                         // a later packet of a frame
      {{0x11, 0x00, 5}, false, 1},                         // another partition
      {{0x90, 0x80, 0x05, 0x00, 5}, true, 3},              // picture id of one byte
      {{0x90, 0x80, 0x85, 0x01, 0x00, 5}, true, 4},        // of two
      {{0x90, 0xe0, 0x85, 0x01, 1, 2, 0x00, 5}, true, 6},  // with layers
  };
  for (const auto& each : cases) {
    Packet unit;
    const auto traits = read_payload(Codec::vp8, each.payload, &unit);
    ASSERT_TRUE(traits);
    EXPECT_EQ(traits->key, each.key) << ::testing::PrintToString(each.payload);
    EXPECT_EQ(unit.size(), each.payload.size() - each.header);
  }
  for (const Packet& payload : {Packet{}, Packet{0x10}, Packet{0x90}, Packet{0x90, 0x80},
                                Packet{0x90, 0x80, 0x85}, Packet{0x90, 0xff, 0x85, 1, 1, 2}})
    EXPECT_FALSE(read_payload(Codec::vp8, payload, nullptr)) << ::testing::PrintToString(payload);
}

TEST(Sequence, TellsGapsLossesLatecomersAndDuplicatesApartAcrossTheWrap) {
  using Arrival = SequenceTracker::Arrival;
  SequenceTracker tracker;
  EXPECT_EQ(tracker.take(65534).arrival, Arrival::in_order);
  EXPECT_EQ(tracker.take(65535).arrival, Arrival::in_order);
  EXPECT_EQ(tracker.take(2).arrival, Arrival::after_gap);  // 0 and 1 are missing
  EXPECT_EQ(tracker.lost(), 2u);
  EXPECT_EQ(tracker.take(1).arrival, Arrival::late);
  EXPECT_EQ(tracker.take(1).arrival, Arrival::duplicate);
  EXPECT_EQ(tracker.take(2).arrival, Arrival::duplicate);
  EXPECT_EQ(tracker.take(3).arrival, Arrival::in_order);
  EXPECT_EQ(tracker.take(3).extended, 65536 + 3);
  EXPECT_EQ(tracker.expected(), 6u);
  EXPECT_EQ(tracker.received(), 5u);
  EXPECT_EQ(tracker.lost(), 1u);
  EXPECT_EQ(tracker.gaps(), 1u);
  EXPECT_EQ(tracker.duplicates(), 3u);
}

TEST(Rtcp, SaysWhatTheStandardSays) {
  RtcpWriter writer(0x01020304);
  ReceptionReport report;
  report.ssrc = 0x1234;
  report.fraction_lost = 128;
  report.lost = -1;
  report.highest_sequence = 70'000;
  writer.receiver_report(report);
  writer.source_description("load");
  writer.picture_loss(0x1234);
  const std::uint16_t lost[] = {65535, 0, 15, 16, 40};
  writer.negative_acknowledgement(0x1234, lost);
  const Packet expected = {0x81, 201,  0,    7,    1,    2,    3,    4,   0, 0, 0x12, 0x34, 128, 0xff,
                           0xff, 0xff, 0,    1,    0x11, 0x70, 0,    0,   0, 0, 0,    0,    0,   0,
                           0,    0,    0,    0,    0x81, 202,  0,    3,   1, 2, 3,    4,    1,   4,
                           'l',  'o',  'a',  'd',  0,    0,    0x81, 206, 0, 2, 1,    2,    3,   4,
                           0,    0,    0x12, 0x34, 0x81, 205,  0,    5,   1, 2, 3,    4,    0,   0,
                           0x12, 0x34, 0xff, 0xff, 0x80, 0x01, 0,    16,  0, 0, 0,    40,   0,   0};
  EXPECT_EQ(Packet(writer.bytes().begin(), writer.bytes().end()), expected);
  EXPECT_TRUE(parse_rtcp(writer.bytes()));
  EXPECT_TRUE(is_rtcp(writer.bytes()));
}

TEST(Rtcp, SenderReportsAndGoodbyesAreHeard) {
  Packet bytes = {0x80, 200, 0, 6};
  put(bytes, 0x1234, 4);
  put(bytes, 0x11112222, 4);
  put(bytes, 0x33334444, 4);
  put(bytes, 99, 4);
  bytes.insert(bytes.end(), 8, 0);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_rtcp(Bytes(bytes).first(size))) << size;
  const Packet bye = {0x81, 203, 0, 1, 0, 0, 0x12, 0x34};
  bytes.insert(bytes.end(), bye.begin(), bye.end());
  const auto received = parse_rtcp(bytes);
  ASSERT_TRUE(received && received->sender_report);
  EXPECT_EQ(received->sender_report->ntp, 0x1111222233334444u);
  EXPECT_EQ(received->sender_report->rtp_timestamp, 99u);
  EXPECT_TRUE(received->goodbye);
}

TEST(Rtcp, AWriterNeverOverflows) {
  RtcpWriter writer(1);
  for (int i = 0; i < 1000; ++i) {
    writer.receiver_report(ReceptionReport{});
    writer.source_description(std::string(300, 'x'));
  }
  EXPECT_LE(writer.bytes().size(), 1200u);
  EXPECT_TRUE(parse_rtcp(writer.bytes()));
}

}  // namespace
}  // namespace campaign::load::test

// A viewer's packets as they leave when they are protected: numbered anew, in RED, with repairs behind
// frames.
#include "viewer/protection.hpp"

#include <gst/check/gstharness.h>
#include <gst/rtp/rtp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "viewer/adaptive.hpp"
#include "viewer/rtp_format.hpp"

namespace campaign::viewer {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Packet {
  explicit Packet(GstBuffer* buffer)
      : bytes(gst_buffer_get_size(buffer)),
        repair(GST_BUFFER_FLAG_IS_SET(buffer, GST_RTP_BUFFER_FLAG_REDUNDANT)),
        delta(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT)),
        pts(GST_BUFFER_PTS(buffer)) {
    gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  }
  unsigned type() const { return bytes[1] & 0x7f; }
  bool marker() const { return bytes[1] & 0x80; }
  std::uint16_t number() const { return std::uint16_t(bytes[2] << 8 | bytes[3]); }
  std::size_t header() const { return bytes[0] & 0x10 ? 20 : 12; }
  Bytes payload() const { return {bytes.begin() + std::ptrdiff_t(header()), bytes.end()}; }

  Bytes bytes;
  bool repair, delta;
  GstClockTime pts;
};

class Protecting : public ::testing::Test {
 protected:
  void start(unsigned percentage, bool protect_it = true) {
    auto protection = make_protection(percentage);
    webrtcbin_ = sink(gst_bin_new(nullptr));
    if (protect_it) protect(protection.get(), webrtcbin_.get(), 97);
    payloader_ = make_payloader(Codec::h264, 7, kMtu - kRepairHeaders);
    bin_ = sink(gst_bin_new(nullptr));
    gst_bin_add_many(GST_BIN(bin_.get()), payloader_.get(), protection.get(), nullptr);
    gst_element_link(payloader_.get(), protection.get());
    for (const auto& [element, name] :
         {std::pair(payloader_.get(), "sink"), std::pair(protection.get(), "src")}) {
      const auto pad = adopt(gst_element_get_static_pad(element, name));
      gst_element_add_pad(bin_.get(), gst_ghost_pad_new(name, pad.get()));
    }
    harness_.reset(gst_harness_new_with_element(bin_.get(), "sink", "src"));
    gst_harness_set_src_caps(harness_.get(), unit_caps(Codec::h264).release());
  }

  std::vector<Packet> send_frame(std::size_t size, bool delta) {
    auto frame = adopt(gst_buffer_new_allocate(nullptr, size, nullptr));
    for (std::size_t i = 0; i < size; ++i) gst_buffer_memset(frame.get(), i, guint8(1 + i % 251), 1);
    const guint8 unit[] = {0, 0, 0, 1, guint8(delta ? 0x41 : 0x65)};  // one slice
    gst_buffer_fill(frame.get(), 0, unit, sizeof unit);
    if (delta) GST_BUFFER_FLAG_SET(frame.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    GST_BUFFER_PTS(frame.get()) = time_ += 33 * GST_MSECOND;
    EXPECT_EQ(gst_harness_push(harness_.get(), frame.release()), GST_FLOW_OK);
    std::vector<Packet> packets;
    while (GstBuffer* packet = gst_harness_try_pull(harness_.get())) {
      packets.emplace_back(packet);
      gst_buffer_unref(packet);
    }
    return packets;
  }

  struct Teardown {
    void operator()(GstHarness* harness) const { gst_harness_teardown(harness); }
  };

 private:
  Ref<GstElement> webrtcbin_, payloader_, bin_;
  std::unique_ptr<GstHarness, Teardown> harness_;
  GstClockTime time_ = 0;
};

TEST_F(Protecting, RepairsFollowTheFrameAndTakeNumbersOfItsStream) {
  start(50);
  std::optional<std::uint16_t> last;
  for (const bool delta : {false, true, true}) {
    const auto packets = send_frame(4600, delta);
    ASSERT_EQ(packets.size(), 6u);  // 4 and 2
    for (std::size_t i = 0; i < packets.size(); ++i) {
      const Packet& packet = packets[i];
      EXPECT_EQ(packet.number(), last ? std::uint16_t(*last + 1) : packet.number());
      last = packet.number();
      EXPECT_EQ(packet.type(), kRedType);
      EXPECT_EQ(packet.repair, i >= 4);
      EXPECT_EQ(packet.payload()[0], i >= 4 ? kUlpfecType : kPayloadType);
      EXPECT_EQ(packet.marker(), i == 3);
      // A repair is as much of a key frame as the packet before it, for what paces them.
      EXPECT_EQ(packet.delta, i >= 4 ? packets[3].delta : packet.delta);
      EXPECT_EQ(packet.pts, packets[0].pts);
      EXPECT_LE(packet.bytes.size(), kMtu);
    }
  }
}

// As many repairs as packets are copies: each says of one packet what it was before it was wrapped, with zero
// for the number that is written on the way out.
TEST_F(Protecting, ARepairIsOfThePacketsAsTheReceiverUnwrapsThem) {
  start(100);
  const auto packets = send_frame(2000, false);
  ASSERT_EQ(packets.size(), 4u);
  for (std::size_t i = 0; i < 2; ++i) {
    const Bytes& media = packets[i].bytes;
    const Bytes repair = packets[2 + i].payload();
    Bytes unwrapped(media.begin() + 12, media.begin() + std::ptrdiff_t(packets[i].header()));
    const Bytes wrapped = packets[i].payload();
    unwrapped.insert(unwrapped.end(), wrapped.begin() + 1, wrapped.end());
    EXPECT_EQ(Bytes(repair.begin() + 1 + 14, repair.end()), unwrapped);
    EXPECT_EQ(repair[1] & 0x3f, media[0] & 0x3f);
    EXPECT_EQ(repair[2], (media[1] & 0x80) | kPayloadType);
    EXPECT_TRUE(std::equal(&repair[3], &repair[5], &media[2]));  // the number
    EXPECT_TRUE(std::equal(&repair[5], &repair[9], &media[4]));  // the timestamp
    EXPECT_EQ(repair[9] << 8 | repair[10], int(unwrapped.size()));
    const Bytes zero{0, 0};
    EXPECT_TRUE(std::equal(zero.begin(), zero.end(), unwrapped.begin() + 5));
  }
}

TEST_F(Protecting, UntilTheViewerHasAgreedPacketsGoAsTheyAre) {
  start(50, false);
  const auto packets = send_frame(4600, false);
  ASSERT_EQ(packets.size(), 4u);
  for (const Packet& packet : packets) EXPECT_EQ(packet.type(), kPayloadType);
}

std::string ladder_of(GstElement* element) {
  char* text = nullptr;
  g_object_get(element, "ladder", &text, nullptr);
  return CharPtr(text).get();
}

TEST(Repairs, NeedRoomBesideEachRungForWhoCanReadThem) {
  Adaptive adaptive(Ladder(), 50);
  const auto element = sink(adaptive.make());
  ASSERT_TRUE(element);
  EXPECT_EQ(ladder_of(element.get()), Ladder().with_more(50).to_json());
  adaptive.send_no_repairs();
  EXPECT_EQ(ladder_of(element.get()), Ladder().to_json());
  adaptive.let_go();
}

}  // namespace
}  // namespace campaign::viewer

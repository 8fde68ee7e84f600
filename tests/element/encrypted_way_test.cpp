// Packets from rtpsession to the socket, with the encryption that srtpenc was to do.
#include "viewer/encrypted_way.hpp"

#include <gst/check/gstharness.h>
#include <gst/rtp/rtp.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "pipelines/load/srtp.hpp"
#include "util/gst_ptr.hpp"

namespace campaign::viewer {
namespace {

// The harness's source ! session ! socket ! the harness's sink, and a srtpenc with a key.
class EncryptedWay : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<std::uint8_t> key(30);
    std::iota(key.begin(), key.end(), std::uint8_t(1));
    // Before the plugin is loaded: libsrtp starts but once, and the plugin does not mind.
    auto receiver = load::SrtpSession::make({.gcm = false, .ours = key, .theirs = key});
    ASSERT_TRUE(receiver);
    receiver_.emplace(std::move(*receiver));
    GstElement *session = gst_element_factory_make("identity", nullptr),
               *socket = gst_element_factory_make("identity", nullptr), *bin = gst_bin_new(nullptr);
    gst_bin_add_many(GST_BIN(bin), session, socket, nullptr);
    gst_element_link(session, socket);
    from_ = adopt(gst_element_get_static_pad(session, "src"));
    to_ = adopt(gst_element_get_static_pad(socket, "sink"));
    auto in = adopt(gst_element_get_static_pad(session, "sink")),
         out = adopt(gst_element_get_static_pad(socket, "src"));
    gst_element_add_pad(bin, gst_ghost_pad_new("sink", in.get()));
    gst_element_add_pad(bin, gst_ghost_pad_new("src", out.get()));
    harness_ = gst_harness_new_with_element(bin, "sink", "src");
    gst_object_unref(bin);

    srtpenc_ = sink(gst_element_factory_make("srtpenc", nullptr));
    ASSERT_TRUE(srtpenc_);
    auto buffer = adopt(gst_buffer_new_memdup(key.data(), key.size()));
    g_object_set(srtpenc_.get(), "key", buffer.get(), nullptr);
  }
  void TearDown() override { gst_harness_teardown(harness_); }

  bool encrypt() { return encrypt_way(from_.get(), srtpenc_.get(), to_.get()); }

  GstBuffer* make_packet(guint16 number) {
    GstBuffer* packet = gst_rtp_buffer_new_allocate(500, 0, 0);
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    gst_rtp_buffer_map(packet, GST_MAP_READWRITE, &rtp);
    gst_rtp_buffer_set_ssrc(&rtp, 77);
    gst_rtp_buffer_set_seq(&rtp, number);
    gst_rtp_buffer_unmap(&rtp);
    GST_BUFFER_PTS(packet) = number * GST_MSECOND;
    return packet;
  }
  // The number of the next packet that went out, decrypted; -1: it is not what a receiver takes.
  int received() {
    const auto sent = adopt(gst_harness_pull(harness_));
    std::vector<std::uint8_t> bytes(gst_buffer_get_size(sent.get()));
    gst_buffer_extract(sent.get(), 0, bytes.data(), bytes.size());
    const auto plain = receiver_->unprotect_rtp(bytes);
    if (!plain || plain->size() != 512) return -1;
    const int number = (*plain)[2] << 8 | (*plain)[3];
    return GST_BUFFER_PTS(sent.get()) == guint(number) * GST_MSECOND ? number : -1;
  }

  Ref<GstPad> from_, to_;
  Ref<GstElement> srtpenc_;
  GstHarness* harness_ = nullptr;
  std::optional<load::SrtpSession> receiver_;
};

TEST_F(EncryptedWay, PacketsAndListsArriveEncryptedWithTheKey) {
  gst_harness_set_src_caps_str(harness_, "application/x-rtp");
  ASSERT_TRUE(encrypt());
  ASSERT_EQ(gst_harness_push(harness_, make_packet(1)), GST_FLOW_OK);
  GstBufferList* list = gst_buffer_list_new();
  for (guint16 number = 2; number < 5; ++number) gst_buffer_list_add(list, make_packet(number));
  ASSERT_EQ(gst_pad_push_list(harness_->srcpad, list), GST_FLOW_OK);
  for (int number = 1; number < 5; ++number) EXPECT_EQ(received(), number);
}

TEST_F(EncryptedWay, WhatIsNoRtpIsDropped) {
  gst_harness_set_src_caps_str(harness_, "application/x-rtp");
  ASSERT_TRUE(encrypt());
  EXPECT_EQ(gst_harness_push(harness_, gst_buffer_new_allocate(nullptr, 5, nullptr)), GST_FLOW_OK);
  EXPECT_EQ(gst_harness_buffers_received(harness_), 0u);
}

TEST_F(EncryptedWay, WhatTheSocketAnswersIsTold) {
  gst_harness_set_src_caps_str(harness_, "application/x-rtp");
  ASSERT_TRUE(encrypt());
  gst_pad_set_active(harness_->sinkpad, FALSE);
  EXPECT_EQ(gst_harness_push(harness_, make_packet(1)), GST_FLOW_FLUSHING);
}

TEST_F(EncryptedWay, AnotherEncryptionStaysSrtpencs) {
  gst_harness_set_src_caps_str(harness_, "application/x-rtp");
  gst_util_set_object_arg(G_OBJECT(srtpenc_.get()), "rtp-auth", "hmac-sha1-32");
  EXPECT_FALSE(encrypt());
  gst_util_set_object_arg(G_OBJECT(srtpenc_.get()), "rtp-auth", "hmac-sha1-80");
  gst_util_set_object_arg(G_OBJECT(srtpenc_.get()), "rtp-cipher", "aes-256-icm");
  EXPECT_FALSE(encrypt());
  gst_util_set_object_arg(G_OBJECT(srtpenc_.get()), "rtp-cipher", "aes-128-icm");
  EXPECT_TRUE(encrypt());
}

TEST_F(EncryptedWay, NothingChangesBeforeTheSocketTakesBuffers) { EXPECT_FALSE(encrypt()); }

TEST_F(EncryptedWay, ThereIsNoneWithoutAKey) {
  gst_harness_set_src_caps_str(harness_, "application/x-rtp");
  g_object_set(srtpenc_.get(), "key", nullptr, nullptr);
  EXPECT_FALSE(encrypt());
}

}  // namespace
}  // namespace campaign::viewer

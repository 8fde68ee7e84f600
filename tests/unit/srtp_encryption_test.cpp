// What we encrypt is what libsrtp decrypts, and nothing is encrypted with a key stream that was used before.
#include "viewer/srtp_encryption.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "pipelines/load/srtp.hpp"

namespace campaign::viewer {
namespace {

using Packet = std::vector<std::uint8_t>;

class Srtp : public ::testing::Test {
 protected:
  Srtp() {
    std::array<std::uint8_t, SrtpEncryption::kKeySize + SrtpEncryption::kSaltSize> master;
    std::iota(master.begin(), master.end(), std::uint8_t(7));
    load::SrtpKeys keys{};
    keys.theirs.assign(master.begin(), master.end());
    keys.ours = keys.theirs;
    auto receiver = load::SrtpSession::make(keys);
    EXPECT_TRUE(receiver);
    if (receiver) receiver_.emplace(std::move(*receiver));
    sender_ = SrtpEncryption::make(master);
    EXPECT_TRUE(sender_);
  }

  static Packet make_packet(std::uint16_t number, std::uint32_t ssrc, std::size_t payload,
                            bool extension = true) {
    const std::size_t header = extension ? 20 : 12;
    Packet packet(header + payload);
    const std::uint8_t extended[] = {0xbe, 0xde, 0, 1, 0x31, 0, 9, 0};
    packet[0] = extension ? 0x90 : 0x80;
    packet[1] = 96;
    packet[2] = std::uint8_t(number >> 8);
    packet[3] = std::uint8_t(number);
    for (std::size_t i = 0; i < 4; ++i) packet[8 + i] = std::uint8_t(ssrc >> (24 - 8 * i));
    for (std::size_t i = 12; i < header; ++i) packet[i] = extended[i - 12];
    for (std::size_t i = 0; i < payload; ++i) packet[header + i] = std::uint8_t(i * 31 + number);
    return packet;
  }
  // What the receiver has of it; empty: it is not sent, or not authentic.
  Packet through(const Packet& packet) {
    Packet sent = packet;
    sent.resize(packet.size() + SrtpEncryption::kTagSize);
    if (!sender_->protect(sent)) return {};
    last_sent_ = sent;
    const auto received = receiver_->unprotect_rtp(sent);
    return received ? Packet(received->begin(), received->end()) : Packet();
  }

  std::optional<load::SrtpSession> receiver_;
  std::optional<SrtpEncryption> sender_;
  Packet last_sent_;
};

TEST_F(Srtp, WhatIsSentIsReadByLibsrtp) {
  for (const std::size_t payload : {0, 1, 15, 16, 17, 1000, 1180}) {
    const auto number = std::uint16_t(100 + payload);
    const auto packet = make_packet(number, 0xcafe0001, payload, payload % 2 == 0);
    EXPECT_EQ(through(packet), packet) << payload;
  }
}

TEST_F(Srtp, NothingOfThePayloadCanBeRead) {
  const auto packet = make_packet(1, 1, 1000);
  ASSERT_EQ(through(packet), packet);
  Packet sent = packet;
  sent.resize(packet.size() + SrtpEncryption::kTagSize);
  auto again = SrtpEncryption::make(std::array<std::uint8_t, 30>{1});
  ASSERT_TRUE(again && again->protect(sent));
  EXPECT_TRUE(std::equal(packet.begin(), packet.begin() + 20, sent.begin()));
  EXPECT_EQ(std::search(sent.begin() + 20, sent.end(), packet.begin() + 20, packet.begin() + 28), sent.end());
}

TEST_F(Srtp, NumbersComeAroundInEachStreamByItself) {
  for (int i = 0; i < 140'000; i += 70) {
    const auto packet = make_packet(std::uint16_t(65'000 + i), 1, 20);
    ASSERT_EQ(through(packet), packet) << i;
    if (i % 700 != 0) continue;
    const auto repeat = make_packet(std::uint16_t(i / 700), 2, 20);
    ASSERT_EQ(through(repeat), repeat) << i;
  }
}

TEST_F(Srtp, AGapIsNoWayAround) {
  for (const int number : {65'530, 10, 30'000, 60'000, 5}) {
    const auto packet = make_packet(std::uint16_t(number), 1, 100);
    EXPECT_EQ(through(packet), packet) << number;
  }
}

TEST_F(Srtp, NoNumberIsUsedTwice) {
  ASSERT_FALSE(through(make_packet(10, 1, 100)).empty());
  ASSERT_FALSE(through(make_packet(12, 1, 100)).empty());
  EXPECT_TRUE(through(make_packet(12, 1, 50)).empty());
  EXPECT_TRUE(through(make_packet(11, 1, 50)).empty());
  EXPECT_FALSE(through(make_packet(13, 1, 100)).empty());
}

TEST_F(Srtp, AChangedPacketIsNotTaken) {
  ASSERT_FALSE(through(make_packet(1, 1, 100)).empty());
  Packet sent = make_packet(2, 1, 100);
  sent.resize(sent.size() + SrtpEncryption::kTagSize);
  ASSERT_TRUE(sender_->protect(sent));
  sent[40] ^= 1;
  EXPECT_FALSE(receiver_->unprotect_rtp(sent));
}

TEST_F(Srtp, WhatIsNoRtpIsNotSent) {
  Packet shorter(11 + SrtpEncryption::kTagSize, 0x80), other_version = make_packet(1, 1, 100),
                                                       longer_header = make_packet(1, 1, 4);
  other_version[0] = 0x10;
  longer_header[15] = 200;  // words of extension
  EXPECT_FALSE(sender_->protect(shorter));
  EXPECT_FALSE(sender_->protect(std::span(shorter).first(3)));
  EXPECT_TRUE(through(other_version).empty());
  EXPECT_TRUE(through(longer_header).empty());
}

}  // namespace
}  // namespace campaign::viewer

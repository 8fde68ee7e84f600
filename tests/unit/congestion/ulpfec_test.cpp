// Repairs give back what was lost, read here as RFC 5109 has a receiver read them.
#include "congestion/ulpfec.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace campaign::congestion {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes media(std::uint16_t number, std::size_t size, std::mt19937& random, bool marker = false) {
  Bytes packet(size);
  std::ranges::generate(packet, [&] { return std::uint8_t(random()); });
  packet[0] = 0x90;  // version 2, with an extension
  packet[1] = std::uint8_t(marker ? 0x80 | 96 : 96);
  packet[2] = std::uint8_t(number >> 8);
  packet[3] = std::uint8_t(number);
  std::ranges::copy(Bytes{1, 2, 3, 4}, packet.begin() + 8);  // its source
  return packet;
}

void add(Ulpfec& fec, const Bytes& packet) { std::ranges::copy(packet, fec.add(packet.size()).begin()); }

std::uint16_t read16(const Bytes& from, std::size_t at) {
  return std::uint16_t(from[at] << 8 | from[at + 1]);
}

// The numbers that a repair is of.
std::vector<std::uint16_t> protects(const Bytes& repair) {
  std::vector<std::uint16_t> numbers;
  const std::size_t mask = repair[0] & 0x40 ? 48 : 16;
  for (std::size_t bit = 0; bit < mask; ++bit)
    if (repair[12 + bit / 8] & 0x80 >> bit % 8) numbers.push_back(std::uint16_t(read16(repair, 2) + bit));
  return numbers;
}

// The one packet that is not among those received, or nothing when there are more (RFC 5109, 9).
Bytes recover(const Bytes& repair, const std::map<std::uint16_t, Bytes>& received) {
  const std::size_t start = 12 + (repair[0] & 0x40 ? 6 : 2);
  Bytes head(repair.begin(), repair.begin() + 10), sum(repair.begin() + std::ptrdiff_t(start), repair.end());
  EXPECT_EQ(sum.size(), read16(repair, 10));
  std::vector<std::uint16_t> missing;
  for (const std::uint16_t number : protects(repair)) {
    const auto found = received.find(number);
    if (found == received.end()) {
      missing.push_back(number);
      continue;
    }
    const Bytes& packet = found->second;
    const auto length = std::uint16_t(packet.size() - 12);
    head[0] ^= packet[0];
    head[1] ^= packet[1];
    for (int i = 4; i < 8; ++i) head[std::size_t(i)] ^= packet[std::size_t(i)];
    head[8] ^= std::uint8_t(length >> 8);
    head[9] ^= std::uint8_t(length);
    for (std::size_t i = 12; i < packet.size(); ++i) sum[i - 12] ^= packet[i];
  }
  if (missing.size() != 1) return {};
  Bytes packet{std::uint8_t(0x80 | (head[0] & 0x3f)),
               head[1],
               std::uint8_t(missing[0] >> 8),
               std::uint8_t(missing[0]),
               head[4],
               head[5],
               head[6],
               head[7],
               1,
               2,
               3,
               4};
  sum.resize(read16(head, 8));
  packet.insert(packet.end(), sum.begin(), sum.end());
  return packet;
}

struct Group {
  std::map<std::uint16_t, Bytes> packets;
  std::vector<Bytes> repairs;
};

Group send(Ulpfec& fec, std::uint16_t first, std::size_t count, std::mt19937& random) {
  Group group;
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = std::uint16_t(first + i);
    const Bytes packet = media(number, 20 + random() % 1180, random, i + 1 == count);
    add(fec, packet);
    group.packets[number] = packet;
  }
  for (std::size_t i = 0, due = fec.finish(); i < due; ++i) {
    const auto repair = fec.repair(i);
    group.repairs.emplace_back(repair.begin(), repair.end());
  }
  return group;
}

TEST(Ulpfec, GivesBackAnyOnePacketOfEachRepair) {
  std::mt19937 random(1);
  for (const std::size_t count : {1u, 2u, 5u, 16u, 17u, 40u, 48u}) {
    for (const unsigned percentage : {10u, 30u, 50u, 100u}) {
      Ulpfec fec(percentage);
      const Group group = send(fec, 65'530, count, random);  // and the numbers wrap
      ASSERT_EQ(group.repairs.size(), count * percentage / 100);
      std::size_t given_back = 0;
      for (const Bytes& repair : group.repairs) {
        for (const std::uint16_t lost : protects(repair)) {
          auto received = group.packets;
          received.erase(lost);
          ASSERT_EQ(recover(repair, received), group.packets.at(lost))
              << count << " packets, number " << lost;
          ++given_back;
        }
      }
      EXPECT_EQ(given_back, group.repairs.empty() ? 0 : count);  // each packet is in one repair
    }
  }
}

TEST(Ulpfec, RepairsLossesInARow) {
  std::mt19937 random(2);
  Ulpfec fec(25);
  const Group group = send(fec, 100, 12, random);
  ASSERT_EQ(group.repairs.size(), 3u);
  auto received = group.packets;
  for (std::uint16_t lost = 104; lost < 107; ++lost) received.erase(lost);
  for (const Bytes& repair : group.repairs) {
    const Bytes packet = recover(repair, received);
    ASSERT_FALSE(packet.empty());
    EXPECT_EQ(packet, group.packets.at(read16(packet, 2)));
  }
}

TEST(Ulpfec, SmallFramesShareARepair) {
  std::mt19937 random(3);
  Ulpfec fec(20);
  std::map<std::uint16_t, Bytes> sent;
  for (std::uint16_t frame = 0; frame < 4; ++frame) {
    const Group group = send(fec, frame, 1, random);
    EXPECT_TRUE(group.repairs.empty());
    sent.insert(group.packets.begin(), group.packets.end());
  }
  const Group group = send(fec, 4, 1, random);
  ASSERT_EQ(group.repairs.size(), 1u);
  EXPECT_EQ(protects(group.repairs[0]), (std::vector<std::uint16_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(recover(group.repairs[0], {{0, sent[0]}, {1, sent[1]}, {3, sent[3]}, {4, group.packets.at(4)}}),
            sent[2]);
}

TEST(Ulpfec, SendsTheShareThatItWasAskedFor) {
  std::mt19937 random(4);
  for (const unsigned percentage : {0u, 1u, 7u, 33u, 99u}) {
    Ulpfec fec(percentage);
    std::size_t packets = 0, repairs = 0;
    std::uint16_t number = 0;
    while (packets < 10'000) {
      const std::size_t count = 1 + random() % 6;
      repairs += send(fec, number, count, random).repairs.size();
      number = std::uint16_t(number + count);
      packets += count;
    }
    EXPECT_NEAR(double(repairs), double(packets) * percentage / 100, 2) << percentage << " %";
  }
}

}  // namespace
}  // namespace campaign::congestion

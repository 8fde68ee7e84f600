#include "congestion/ulpfec.hpp"

#include <algorithm>

#include "util/network_order.hpp"

namespace campaign::congestion {
namespace {

constexpr std::size_t kFecHeader = 10;                // RFC 5109, 7.3
constexpr std::size_t kShortMask = 2, kLongMask = 6;  // bytes; RFC 5109, 7.4
constexpr std::uint8_t kLongMaskBit = 0x40;           // L
constexpr std::uint8_t kRecovered = 0x3f;             // P, X and CC of the first byte

void add_to(std::span<std::uint8_t> sum, std::span<const std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) sum[i] ^= bytes[i];
}

}  // namespace

std::span<std::uint8_t> Ulpfec::add(std::size_t size) {
  if (due_ > 0 || full()) due_ = count_ = 0;
  if (count_ == packets_.size()) packets_.emplace_back();
  auto& packet = packets_[count_++];
  packet.resize(std::max(size, kRtpHeader));
  credit_ += percentage_;
  return packet;
}

std::size_t Ulpfec::finish() {
  due_ = std::min<std::size_t>(credit_ / 100, count_);
  credit_ = std::min(credit_ - unsigned(due_) * 100, 99u);
  return due_;
}

// Packets of one repair lie as far apart as there are repairs, so that losses in a row are of different ones.
std::span<const std::uint8_t> Ulpfec::repair(std::size_t index) {
  std::size_t longest = 0, lengths = 0, last = index;
  std::uint64_t mask = 0;
  for (std::size_t i = index; i < count_; i += due_) {
    longest = std::max(longest, packets_[i].size() - kRtpHeader);
    lengths ^= packets_[i].size() - kRtpHeader;
    mask |= std::uint64_t(1) << (63 - (i - index));
    last = i;
  }
  const std::size_t mask_size = last - index < 8 * kShortMask ? kShortMask : kLongMask;
  repair_.assign(kFecHeader + 2 + mask_size + longest, 0);
  const auto header = std::span(repair_).first(kFecHeader);
  const auto sum = std::span(repair_).last(longest);
  for (std::size_t i = index; i < count_; i += due_) {
    const std::span<const std::uint8_t> media = packets_[i];
    header[0] ^= media[0];
    header[1] ^= media[1];
    add_to(header.subspan(4, 4), media.subspan(4, 4));  // the timestamp
    add_to(sum, media.subspan(kRtpHeader));
  }
  std::copy_n(packets_[index].begin() + 2, 2, header.begin() + 2);  // the number that the mask starts from
  header[0] = std::uint8_t((header[0] & kRecovered) | (mask_size == kLongMask ? kLongMaskBit : 0));
  write16(&header[8], std::uint16_t(lengths));
  write16(&repair_[kFecHeader], std::uint16_t(longest));
  for (std::size_t i = 0; i < mask_size; ++i)
    repair_[kFecHeader + 2 + i] = std::uint8_t(mask >> (56 - 8 * i));
  return repair_;
}

}  // namespace campaign::congestion

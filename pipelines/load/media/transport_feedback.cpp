// See transport_feedback.hpp.
#include "pipelines/load/media/transport_feedback.hpp"

#include <algorithm>

namespace campaign::load {
namespace {

constexpr Time kDeltaUnit = 250us;
constexpr Time kReferenceUnit = 64ms;
constexpr std::int64_t kMaxStatuses = 400;    // their deltas and chunks stay below one datagram
constexpr std::size_t kMaxArrivals = 10'000;  // not yet told; more than any sender here has in flight
enum Symbol : unsigned { kMissing = 0, kSmall = 1, kLarge = 2 };
constexpr std::size_t kVector = 7;  // two-bit symbols in a chunk

void put_u16(std::vector<std::uint8_t>& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_chunks(std::vector<std::uint8_t>& out, std::span<const Symbol> symbols) {
  while (!symbols.empty()) {
    const auto other =
        std::find_if(symbols.begin(), symbols.end(), [&](Symbol s) { return s != symbols[0]; });
    const auto run = static_cast<std::size_t>(other - symbols.begin());
    if (run >= kVector || run == symbols.size()) {
      put_u16(out, symbols[0] << 13 | static_cast<unsigned>(run));  // 13 bits hold kMaxStatuses
      symbols = symbols.subspan(run);
    } else {
      unsigned chunk = 0xc000;
      const std::size_t taken = std::min(kVector, symbols.size());
      for (std::size_t i = 0; i < taken; ++i) chunk |= symbols[i] << (2 * (kVector - 1 - i));
      put_u16(out, chunk);
      symbols = symbols.subspan(taken);
    }
  }
}

}  // namespace

void TransportFeedback::arrived(std::uint16_t sequence, Time now) {
  if (!started_) {
    started_ = true;
    highest_ = base_ = sequence;
  }
  const std::int64_t extended =
      highest_ + static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(highest_));
  highest_ = std::max(highest_, extended);
  if (extended < base_ || arrivals_.size() >= kMaxArrivals) return;  // was told as missing
  const auto at = std::lower_bound(arrivals_.begin(), arrivals_.end(), extended,
                                   [](const Arrival& a, std::int64_t s) { return a.sequence < s; });
  if (at == arrivals_.end() || at->sequence != extended) arrivals_.insert(at, {extended, now});
}

std::optional<std::vector<std::uint8_t>> TransportFeedback::next() {
  if (arrivals_.empty()) return std::nullopt;
  // What is missing before the first arrival by more than a message holds is not worth telling.
  base_ = std::max(base_, arrivals_.front().sequence - kMaxStatuses / 2);
  const auto reference = arrivals_.front().at / kReferenceUnit;
  Time previous = reference * kReferenceUnit;
  std::vector<Symbol> symbols;
  std::vector<std::uint8_t> deltas;
  std::size_t told = 0;
  for (const Arrival& arrival : arrivals_) {
    if (arrival.sequence - base_ >= kMaxStatuses) break;
    const auto delta = (arrival.at - previous) / kDeltaUnit;
    if (delta < INT16_MIN || delta > INT16_MAX)
      break;  // too far apart: the next message has its own reference
    previous += delta * kDeltaUnit;
    symbols.resize(static_cast<std::size_t>(arrival.sequence - base_), kMissing);
    if (delta >= 0 && delta <= UINT8_MAX) {
      symbols.push_back(kSmall);
      deltas.push_back(static_cast<std::uint8_t>(delta));
    } else {
      symbols.push_back(kLarge);
      put_u16(deltas, static_cast<std::uint16_t>(delta));
    }
    ++told;
  }

  std::vector<std::uint8_t> body;
  body.reserve(8 + symbols.size() + deltas.size());
  put_u16(body, static_cast<std::uint16_t>(base_));
  put_u16(body, static_cast<unsigned>(symbols.size()));
  const auto wrapped = static_cast<std::uint32_t>(reference) & 0xffffff;
  body.push_back(static_cast<std::uint8_t>(wrapped >> 16));
  put_u16(body, wrapped & 0xffff);
  body.push_back(count_++);
  put_chunks(body, symbols);
  body.insert(body.end(), deltas.begin(), deltas.end());

  base_ += static_cast<std::int64_t>(symbols.size());
  arrivals_.erase(arrivals_.begin(), arrivals_.begin() + static_cast<std::ptrdiff_t>(told));
  return body;
}

}  // namespace campaign::load

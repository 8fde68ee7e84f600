// Writes campaign particle updates (see update.hpp): one call an update, at whatever rate the caller chose.
// No allocation once it has written a key update of the largest count. One thread at a time.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "particles/pack/update.hpp"
#include "util/result.hpp"

struct ZSTD_CCtx_s;

namespace campaign::particles::pack {

struct EncoderOptions {
  uint32_t position_bits = 13;  // 8 to 16: the largest error is the box's extent / 2^(bits + 1)
  uint32_t key_interval = 60;   // updates from one key update to the next; 1 and above
  uint32_t colour_period = 4;   // updates until every colour was sent, 1 to 64
  double margin = 0.1;          // of the box beyond the particles of a key update, 0 to 1, of their extent
  uint32_t colour_bits = 5;     // of each channel, 1 to 8: the bytes are rounded to so many
  // 1 to 19, zstd's levels, or 0 for a setting of this encoder's own, which is smaller and faster than the
  // levels up to 12; those from 15 on save 3 to 7 % more and take 20 to 150 times as long.
  uint32_t compression_level = 0;
};

// The most bytes that an update of so many particles can have.
size_t largest_update(uint32_t count);

// Particle i of all arrays is the one with the id first_id + i. All arrays have the same length.
struct Snapshot {
  uint64_t tick = 0;
  int64_t stream_time = 0;  // nanoseconds
  uint32_t first_id = 0;
  std::span<const float> x, y, z;  // units; held within +-1e6, and 0 for what is not a number
  std::span<const Rgb8> colours;
  std::span<const uint8_t> newborn;  // other than 0: born since the last snapshot
};

class Encoder {
 public:
  static Result<Encoder> create(const EncoderOptions& options = {});
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  // The bytes of one update, until the next call. A key update comes at its interval, when one was asked for,
  // when a particle left the box,
  // when the ids are others than before, and when the tick did not grow.
  Result<std::span<const std::byte>> encode(const Snapshot& now);

  // The next update is a key update: a consumer has come, or has lost one.
  void request_key() { key_wanted_ = true; }

  // Updates from one key update to the next, from the next update on; 1 and above.
  void set_key_interval(uint32_t updates) { options_.key_interval = std::max(1u, updates); }

  // Of the last update.
  const Header& header() const { return header_; }

 private:
  explicit Encoder(const EncoderOptions& options);
  void remember(const Snapshot& now, const Box& tight);
  bool needs_key(const Snapshot& now, const Box& tight) const;
  Box with_margin(const Box& tight) const;
  void reserve(uint32_t count);
  Result<size_t> compress();
  std::byte* put_births(const Snapshot& now, std::byte* to);
  std::byte* put_positions(const Snapshot& now, int axis, std::byte* to);
  std::byte* put_colours(const Snapshot& now, std::byte* to);

  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  EncoderOptions options_;
  std::unique_ptr<ZSTD_CCtx_s, Free> zstd_;
  Header header_;  // of the last update; its count is 0 before the first
  uint32_t since_key_ = 0;
  bool key_wanted_ = true;
  struct Places {
    std::vector<uint16_t> last, before;  // quantised
  };
  std::array<Places, 3> places_;  // by axis
  std::vector<Rgb8> colours_;     // as the decoder knows them
  // Around all particles of late, so that a box has room for what comes again: of the last updates, at most
  // kMemory, and of the kMemory before them.
  Box seen_, seen_before_;
  uint32_t seen_for_ = 0;  // updates in seen_
  std::vector<std::byte> planes_, update_;
};

}  // namespace campaign::particles::pack

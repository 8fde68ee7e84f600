// Reads campaign particle updates (see update.hpp). Takes any bytes: what does not fit is refused with its
// reason, and leaves the decoder as it was. Memory is bounded by the most particles it is made for. One
// thread at a time.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "particles/pack/update.hpp"
#include "util/result.hpp"

struct ZSTD_DCtx_s;

namespace campaign::particles::pack {

class Decoder {
 public:
  explicit Decoder(uint32_t most_particles = kMostParticles);
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  // One update, no more and no less. What it returns refers to the decoder, until the next call.
  Result<Update, Refusal> decode(std::span<const std::byte> bytes);

 private:
  Result<void, Refusal> follows(const Header& header) const;
  Result<void, Refusal> unpack(const Header& header, std::span<const std::byte> payload);
  Result<void, Refusal> check_planes(const Header& header) const;
  void move(const Header& header, int axis, const std::byte* low);
  void paint(const Header& header, const std::byte* red);

  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  uint32_t most_particles_;
  std::unique_ptr<ZSTD_DCtx_s, Free> zstd_;
  std::optional<Header> last_;  // the update that the next one may be a difference to
  struct Axis {
    std::vector<uint16_t> last, before;  // quantised
    std::vector<float> position;         // units
  };
  std::array<Axis, 3> axes_;
  std::vector<Rgb8> colours_;
  std::vector<uint8_t> newborn_;
  std::vector<std::byte> planes_;
};

}  // namespace campaign::particles::pack

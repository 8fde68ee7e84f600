#include "particles/pack/encoder.hpp"

#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "particles/pack/header.hpp"

namespace campaign::particles::pack {
namespace {

constexpr uint32_t kMostLevel = 19;  // zstd's own beyond it want more memory than an update is worth
constexpr float kHold = 1e6f;        // units: particles farther out are drawn in to here
constexpr uint32_t kMemory = 150;    // updates
constexpr double kLeastSide = 1e-3;  // of a box, units
// A float's resolution, so that the box's sides differ however far from the origin it lies.
constexpr double kLeastShare = 1e-5;

float held(float x) { return x == x ? std::clamp(x, -kHold, kHold) : 0.0f; }

std::span<const float> axis_of(const Snapshot& now, int axis) {
  return axis == 0 ? now.x : axis == 1 ? now.y : now.z;
}

Box box_around(const Snapshot& now) {
  Box box;
  for (int axis = 0; axis < 3; ++axis) {
    float least = kHold, greatest = -kHold;
    for (float x : axis_of(now, axis)) {
      least = std::min(least, held(x));
      greatest = std::max(greatest, held(x));
    }
    box.least[axis] = least, box.greatest[axis] = greatest;
  }
  return box;
}

Box around_both(Box box, const Box& other) {
  for (int axis = 0; axis < 3; ++axis) {
    box.least[axis] = std::min(box.least[axis], other.least[axis]);
    box.greatest[axis] = std::max(box.greatest[axis], other.greatest[axis]);
  }
  return box;
}

// Evenly over 0 to 255, both ends included.
uint8_t rounded(uint8_t x, uint32_t bits) {
  const uint32_t most = (1u << bits) - 1;
  return static_cast<uint8_t>(((x * most + 127) / 255 * 255 + most / 2) / most);
}
Rgb8 rounded(Rgb8 c, uint32_t bits) { return {rounded(c.r, bits), rounded(c.g, bits), rounded(c.b, bits)}; }

bool holds(const Box& box, const Box& inner) {
  for (int axis = 0; axis < 3; ++axis) {
    if (inner.least[axis] < box.least[axis] || inner.greatest[axis] > box.greatest[axis]) return false;
  }
  return true;
}

}  // namespace

size_t largest_update(uint32_t count) {
  constexpr size_t kFlushes = 16 * 16;  // bytes: each flush may end a block early, with a head of its own
  return kHeaderSize + ZSTD_compressBound(Header{.count = count}.size_of_planes(count)) + kFlushes;
}

void Encoder::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

Encoder::Encoder(const EncoderOptions& options) : options_(options), zstd_(ZSTD_createCCtx()) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

Result<Encoder> Encoder::create(const EncoderOptions& options) {
  auto out_of = [](std::string_view what, std::string_view range, auto got) {
    return Error::invalid(what, range, std::to_string(got));
  };
  if (options.position_bits < kLeastBits || options.position_bits > kMostBits) {
    return out_of("position bits", "8 to 16", options.position_bits);
  }
  if (options.key_interval < 1) return out_of("the key interval", "at least 1", options.key_interval);
  if (options.colour_period < 1 || options.colour_period > kMostColourPeriod) {
    return out_of("the colour period", "1 to 64", options.colour_period);
  }
  if (!(options.margin >= 0 && options.margin <= 1)) return out_of("the margin", "0 to 1", options.margin);
  if (options.colour_bits < 1 || options.colour_bits > 8) {
    return out_of("the colour bits", "1 to 8", options.colour_bits);
  }
  if (options.compression_level > kMostLevel) {
    return out_of("the compression level", "0 to 19", options.compression_level);
  }
  Encoder encoder(options);
  auto set = [&](ZSTD_cParameter parameter, int value) {
    return encoder.zstd_ && !ZSTD_isError(ZSTD_CCtx_setParameter(encoder.zstd_.get(), parameter, value));
  };
  const auto level = static_cast<int>(options.compression_level);
  bool ready = set(ZSTD_c_checksumFlag, 1) && (level == 0 || set(ZSTD_c_compressionLevel, level));
  // Nearly all of what can be saved is in the bytes' frequencies; short matches cost more than they save.
  constexpr std::pair<ZSTD_cParameter, int> kParameters[] = {
      {ZSTD_c_strategy, ZSTD_fast}, {ZSTD_c_minMatch, 7}, {ZSTD_c_hashLog, 6}};
  if (level == 0) {
    for (auto [parameter, value] : kParameters) ready = ready && set(parameter, value);
  }
  if (!ready) return Error("There is no memory to compress particle updates in.", "ZSTD_createCCtx");
  return encoder;
}

void Encoder::remember(const Snapshot& now, const Box& tight) {
  const bool others = now.x.size() != header_.count || now.first_id != header_.first_id;
  if (others) seen_ = seen_before_ = tight, seen_for_ = 0;
  if (++seen_for_ > kMemory) seen_before_ = std::exchange(seen_, tight), seen_for_ = 1;
  seen_ = around_both(seen_, tight);
}

bool Encoder::needs_key(const Snapshot& now, const Box& tight) const {
  return key_wanted_ || now.x.size() != header_.count || now.first_id != header_.first_id ||
         now.tick <= header_.tick || since_key_ + 1 >= options_.key_interval || !holds(header_.box, tight);
}

Box Encoder::with_margin(const Box& tight) const {
  Box box;
  for (int axis = 0; axis < 3; ++axis) {
    const double least = tight.least[axis], greatest = tight.greatest[axis];
    const double floor = std::max(kLeastSide, kLeastShare * std::max(std::abs(least), std::abs(greatest)));
    const double more = std::max((greatest - least) * options_.margin, floor);
    box.least[axis] = std::max(static_cast<float>(least - more), -kFarthest);
    box.greatest[axis] = std::min(static_cast<float>(greatest + more), kFarthest);
  }
  return box;
}

void Encoder::reserve(uint32_t count) {
  if (places_[0].last.size() == count) return;
  for (auto& places : places_) {
    places.last.resize(count);
    places.before.resize(count);
  }
  colours_.resize(count);
  const uint64_t most = header_.size_of_planes(count);
  if (planes_.size() >= most) return;
  planes_.resize(most);
  update_.resize(largest_update(count));
}

std::byte* Encoder::put_births(const Snapshot& now, std::byte* to) {
  const size_t size = (size_t{header_.count} + 7) / 8;
  std::fill_n(to, size, std::byte{0});
  for (uint32_t i = 0; i < header_.count; ++i) {
    if (now.newborn[i]) to[i / 8] |= std::byte{1} << (i % 8);
  }
  return to + size;
}

std::byte* Encoder::put_positions(const Snapshot& now, int axis, std::byte* to) {
  const auto from = axis_of(now, axis);
  const uint32_t bits = header_.position_bits;
  const double least = header_.box.least[axis], per_step = 1 / header_.step(axis);
  auto* last = places_[axis].last.data();
  auto* before = places_[axis].before.data();
  std::byte *low = to, *high = to + header_.count;
  for (uint32_t i = 0; i < header_.count; ++i) {
    const auto place = static_cast<uint32_t>(
        std::clamp((held(from[i]) - least) * per_step + 0.5, 0.0, static_cast<double>((1u << bits) - 1)));
    const bool outright = header_.key || now.newborn[i];
    const uint32_t value = outright ? place : fold(place - (2u * last[i] - before[i]), bits);
    before[i] = outright ? static_cast<uint16_t>(place) : last[i];
    last[i] = static_cast<uint16_t>(place);
    low[i] = static_cast<std::byte>(value);
    high[i] = static_cast<std::byte>(value >> 8);
  }
  return high + header_.count;
}

std::byte* Encoder::put_colours(const Snapshot& now, std::byte* to) {
  uint32_t sent = 0;
  for (uint32_t i = 0; i < header_.count; ++i) sent += has_colour(header_, i, now.newborn[i]);
  std::byte *red = to, *green = red + sent, *blue = green + sent;
  for (uint32_t i = 0; i < header_.count; ++i) {
    const bool newborn = now.newborn[i];
    if (!has_colour(header_, i, newborn)) continue;
    const Rgb8 base = header_.key || newborn ? Rgb8{} : colours_[i];
    const Rgb8 is = rounded(now.colours[i], options_.colour_bits);
    *red++ = static_cast<std::byte>(is.r - base.r);
    *green++ = static_cast<std::byte>(is.g - base.g);
    *blue++ = static_cast<std::byte>(is.b - base.b);
    colours_[i] = is;
  }
  return blue;
}

Result<std::span<const std::byte>> Encoder::encode(const Snapshot& now) {
  const size_t count = now.x.size();
  if (count < 1 || count > kMostParticles) {
    return Error::invalid("the number of particles in an update", "1 to 1048576", std::to_string(count));
  }
  if (now.y.size() != count || now.z.size() != count || now.colours.size() != count ||
      now.newborn.size() != count) {
    return Error::invalid("the arrays of a snapshot", "of one length", "of different ones");
  }
  if (uint64_t{now.first_id} + count > uint64_t{1} << 32) {
    return Error::invalid("the first id", "at most 2^32 less the count", std::to_string(now.first_id));
  }
  const Box tight = box_around(now);
  remember(now, tight);
  Header header = header_;
  header.key = needs_key(now, tight);
  header.tick = now.tick;
  header.stream_time = now.stream_time;
  header.base_tick = header.key ? now.tick : header_.tick;
  if (header.key) {
    header.position_bits = static_cast<uint8_t>(options_.position_bits);
    header.colour_period = static_cast<uint8_t>(options_.colour_period);
    header.key_tick = now.tick;
    header.first_id = now.first_id;
    header.count = static_cast<uint32_t>(count);
    header.box = with_margin(around_both(seen_, seen_before_));
    since_key_ = 0;
  } else {
    ++since_key_;
  }
  header.colour_phase = since_key_ % header.colour_period;
  header_ = header;
  key_wanted_ = true;  // unless all of the below goes well
  reserve(header_.count);

  std::byte* end = put_births(now, planes_.data());
  for (int axis = 0; axis < 3; ++axis) end = put_positions(now, axis, end);
  end = put_colours(now, end);
  header_.planes_size = static_cast<uint32_t>(end - planes_.data());

  const auto size = compress();
  if (!size) return size.error();
  header_.payload_size = static_cast<uint32_t>(*size);
  write_header(header_, std::span<std::byte, kHeaderSize>(update_.data(), kHeaderSize));
  key_wanted_ = false;
  return std::span<const std::byte>(update_.data(), kHeaderSize + *size);
}

// Each plane in blocks of its own, so that each has its own table of frequencies.
Result<size_t> Encoder::compress() {
  const uint32_t births = (header_.count + 7) / 8;
  const uint32_t colours = (header_.planes_size - static_cast<uint32_t>(header_.size_of_planes(0))) / 3;
  ZSTD_outBuffer to{update_.data() + kHeaderSize, update_.size() - kHeaderSize, 0};
  ZSTD_inBuffer from{planes_.data(), 0, 0};
  size_t left = ZSTD_CCtx_reset(zstd_.get(), ZSTD_reset_session_only);
  if (!ZSTD_isError(left)) left = ZSTD_CCtx_setPledgedSrcSize(zstd_.get(), header_.planes_size);
  constexpr int kPlanes = 10;
  for (int plane = 0; plane < kPlanes && !ZSTD_isError(left); ++plane) {
    from.size += plane == 0 ? births : plane <= 6 ? header_.count : colours;
    left = ZSTD_compressStream2(zstd_.get(), &to, &from, plane + 1 < kPlanes ? ZSTD_e_flush : ZSTD_e_end);
    if (!ZSTD_isError(left) && left != 0) {
      return Error("A particle update became larger than zstd says it can.", "ZSTD_compressStream2");
    }
  }
  if (ZSTD_isError(left)) {
    return Error("A particle update could not be compressed; free some memory.", ZSTD_getErrorName(left));
  }
  return to.pos;
}

}  // namespace campaign::particles::pack

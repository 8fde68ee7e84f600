// The particle update format: what comes back, when key updates come, and what is refused by which name.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "particles/pack/decoder.hpp"
#include "particles/pack/encoder.hpp"
#include "tests/support/planes.hpp"

#ifndef __SANITIZE_ADDRESS__  // whose own malloc this would replace
namespace {
std::atomic<size_t> allocations{0};
}
extern "C" void* __libc_malloc(size_t);
extern "C" void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
#endif

namespace campaign::particles::pack {
namespace {

// Particles on curved ways, some of which begin anew elsewhere now and then.
class Swarm {
 public:
  explicit Swarm(uint32_t count, unsigned seed = 1) : random_(seed), way_(count) {
    for (auto* axis : {&x, &y, &z}) axis->resize(count);
    colours.resize(count);
    newborn.resize(count);
    for (auto& way : way_) begin(way);
  }
  void move() {
    for (size_t i = 0; i < way_.size(); ++i) {
      newborn[i] = tick > 0 && i / 4 % 50 == tick % 50;
      if (newborn[i]) begin(way_[i]);
      const Way& w = way_[i];
      const auto angle = static_cast<float>(w.phase + w.speed * static_cast<double>(tick));
      x[i] = w.radius * std::cos(angle), y[i] = w.height, z[i] = w.radius * std::sin(angle);
      colours[i] = {static_cast<uint8_t>(tick + i), static_cast<uint8_t>(i), 200};
    }
  }
  Snapshot snapshot() {
    move();
    const auto now = tick++;
    return {now, static_cast<int64_t>(now) * 33'333'333, 0, x, y, z, colours, newborn};
  }
  std::vector<float> x, y, z;
  std::vector<Rgb8> colours;
  std::vector<uint8_t> newborn;
  uint64_t tick = 0;

 private:
  struct Way {
    float radius, height;
    double phase, speed;
  };
  void begin(Way& way) {
    auto unit = [&] { return static_cast<float>(random_()) / 4294967296.0f; };
    way = {1 + unit(), unit() * 2 - 1, unit() * 6.28, unit() * 0.1};
  }
  std::mt19937 random_;
  std::vector<Way> way_;
};

Encoder encoder(const EncoderOptions& options = {}) {
  auto made = Encoder::create(options);
  EXPECT_TRUE(made) << made.error().for_user();
  return std::move(*made);
}

Bytes encode(Encoder& encoder, const Snapshot& now) {
  auto update = encoder.encode(now);
  EXPECT_TRUE(update) << update.error().for_user();
  return copy(*update);
}

std::string_view refusal(Decoder& decoder, std::span<const std::byte> bytes) {
  auto update = decoder.decode(bytes);
  if (update) return "taken";
  EXPECT_FALSE(update.error().detail.empty());
  return name_of(update.error().reason);
}

void expect_close(const Update& update, const Swarm& truth) {
  ASSERT_EQ(update.x.size(), truth.x.size());
  for (int axis = 0; axis < 3; ++axis) {
    const auto& is = axis == 0 ? truth.x : axis == 1 ? truth.y : truth.z;
    const auto seen = axis == 0 ? update.x : axis == 1 ? update.y : update.z;
    for (size_t i = 0; i < is.size(); ++i) {
      ASSERT_NEAR(seen[i], is[i], update.header.step(axis) / 2 + 1e-6)
          << "particle " << i << ", axis " << axis;
    }
  }
  EXPECT_TRUE(std::equal(truth.newborn.begin(), truth.newborn.end(), update.newborn.begin()));
}

TEST(Pack, PositionsComeBackWithinHalfAStep) {
  for (uint32_t bits : {8u, 11u, 13u, 16u}) {
    for (uint32_t count : {1u, 7u, 8u, 2003u}) {
      Swarm swarm(count);
      auto out = encoder({.position_bits = bits, .key_interval = 20});
      Decoder in;
      for (int i = 0; i < 50; ++i) {
        auto update = in.decode(encode(out, swarm.snapshot()));
        ASSERT_TRUE(update) << update.error().detail;
        ASSERT_NO_FATAL_FAILURE(expect_close(*update, swarm)) << bits << " bits, update " << i;
        EXPECT_EQ(update->header.stream_time, i * 33'333'333);
        EXPECT_LT(update->header.step(0), 4.1 * 1.3 / ((1 << bits) - 1));
      }
    }
  }
}

TEST(Pack, ColoursComeInTurnAndThoseOfTheNewbornAtOnce) {
  Swarm swarm(2003);
  auto out = encoder({.colour_period = 3, .colour_bits = 8});
  Decoder in;
  std::vector<uint64_t> told(2003);
  for (uint64_t i = 0; i < 50; ++i) {
    auto update = in.decode(encode(out, swarm.snapshot()));
    ASSERT_TRUE(update);
    for (uint32_t p = 0; p < 2003; ++p) {
      if (update->colours[p] == swarm.colours[p]) told[p] = i;
      if (swarm.newborn[p]) told[p] = update->colours[p] == swarm.colours[p] ? i : 1000;
      ASSERT_TRUE(told[p] <= i && i - told[p] <= 2) << "the colour of particle " << p << " is late";
    }
  }
}

TEST(Pack, ColoursAreRoundedToTheirBits) {
  Swarm swarm(256);
  for (uint32_t bits : {1u, 5u, 8u}) {
    auto out = encoder({.colour_bits = bits});
    Decoder in;
    swarm.tick = 0;
    auto update = in.decode(encode(out, swarm.snapshot()));
    ASSERT_TRUE(update);
    for (uint32_t p = 0; p < 256; ++p) {
      EXPECT_NEAR(update->colours[p].r, swarm.colours[p].r, 127.5 / ((1 << bits) - 1) + 0.5)
          << bits << " bits";
    }
    EXPECT_EQ(update->colours[0].r, 0);
    EXPECT_EQ(update->colours[255].r, 255);
  }
}

TEST(Pack, KeyUpdatesComeWhenTheyMust) {
  Swarm swarm(100);
  auto out = encoder({.key_interval = 10});
  auto is_key = [&](const Snapshot& now) {
    (void)encode(out, now);
    return out.header().key;
  };
  EXPECT_TRUE(is_key(swarm.snapshot())) << "the first";
  for (int i = 1; i < 10; ++i) EXPECT_FALSE(is_key(swarm.snapshot())) << i;
  EXPECT_TRUE(is_key(swarm.snapshot())) << "at the interval";
  EXPECT_FALSE(is_key(swarm.snapshot()));
  out.request_key();
  EXPECT_TRUE(is_key(swarm.snapshot())) << "on demand";
  EXPECT_FALSE(is_key(swarm.snapshot()));

  auto now = swarm.snapshot();
  swarm.y[42] = 5;
  EXPECT_TRUE(is_key(now)) << "when one leaves the box";
  EXPECT_GE(out.header().box.greatest[1], 5);
  EXPECT_FALSE(is_key(swarm.snapshot()));
  now = swarm.snapshot();
  now.first_id = 7;
  EXPECT_TRUE(is_key(now)) << "of other particles";
  now = swarm.snapshot();
  EXPECT_TRUE(is_key(now));
  EXPECT_TRUE(is_key(now)) << "when the tick does not grow";
  now.tick -= 5;
  EXPECT_TRUE(is_key(now)) << "when it goes back";
  Swarm more(101);
  more.tick = 1000;
  EXPECT_TRUE(is_key(more.snapshot())) << "of more particles";
}

TEST(Pack, TheBoxStaysBetweenKeyUpdates) {
  Swarm swarm(500);
  auto out = encoder();
  (void)encode(out, swarm.snapshot());
  const Box box = out.header().box;
  for (int i = 1; i < 60; ++i) {
    (void)encode(out, swarm.snapshot());
    ASSERT_FALSE(out.header().key);
    EXPECT_EQ(out.header().box, box);
  }
}

TEST(Pack, TheSameSnapshotsGiveTheSameBytes) {
  auto all = [] {
    Swarm swarm(777);
    auto out = encoder();
    Bytes bytes;
    for (int i = 0; i < 70; ++i) {
      const Bytes update = encode(out, swarm.snapshot());
      bytes.insert(bytes.end(), update.begin(), update.end());
    }
    return bytes;
  };
  EXPECT_EQ(all(), all());
}

TEST(Pack, PositionsThatAreNoNumbersOrFarAwayAreHeld) {
  Swarm swarm(10);
  auto out = encoder();
  Decoder in;
  auto now = swarm.snapshot();
  swarm.x = {std::nanf(""),
             std::numeric_limits<float>::infinity(),
             -std::numeric_limits<float>::infinity(),
             3e38f,
             -3e38f,
             0,
             0,
             0,
             0,
             0};
  swarm.y.assign(10, 999'999.5f);  // all in one plane, far away
  auto update = in.decode(encode(out, now));
  ASSERT_TRUE(update) << update.error().detail;
  const float half = static_cast<float>(update->header.step(0) / 2 + 1);
  EXPECT_NEAR(update->x[0], 0, half);
  EXPECT_NEAR(update->x[1], 1e6f, half);
  EXPECT_NEAR(update->x[2], -1e6f, half);
  EXPECT_NEAR(update->x[3], 1e6f, half);
  EXPECT_NEAR(update->x[4], -1e6f, half);
  for (float y : update->y) EXPECT_NEAR(y, 999'999.5f, 0.1f);
}

TEST(Pack, TheWidestBoxIsStillTaken) {
  Swarm swarm(2);
  auto out = encoder({.margin = 1});
  Decoder in;
  auto now = swarm.snapshot();
  swarm.x = {-3e38f, 3e38f};
  EXPECT_EQ(refusal(in, encode(out, now)), "taken");
}

TEST(Pack, ADifferenceWithoutItsBaseIsRefusedByName) {
  Swarm swarm(300);
  auto out = encoder({.key_interval = 10});
  std::vector<Bytes> updates;
  for (int i = 0; i < 21; ++i) updates.push_back(encode(out, swarm.snapshot()));

  Decoder late;
  EXPECT_EQ(refusal(late, updates[3]), "needs-key-update");
  EXPECT_EQ(refusal(late, updates[10]), "taken");
  EXPECT_EQ(refusal(late, updates[11]), "taken");
  EXPECT_EQ(refusal(late, updates[13]), "needs-key-update") << "after a gap";
  EXPECT_EQ(refusal(late, updates[11]), "needs-key-update") << "twice";
  EXPECT_EQ(refusal(late, updates[2]), "needs-key-update") << "of another key update";
  EXPECT_EQ(refusal(late, updates[12]), "taken") << "what was refused must change nothing";
  EXPECT_EQ(refusal(late, updates[20]), "taken");

  auto other = encoder();
  swarm.tick = 20;
  (void)encode(other, swarm.snapshot());
  Swarm wide(300, 2);
  wide.tick = 20;
  auto now = wide.snapshot();
  wide.x[0] = 9;
  auto stranger = encoder();
  (void)encode(stranger, now);
  EXPECT_EQ(refusal(late, encode(stranger, wide.snapshot())), "bad-header") << "of another stream's box";
}

TEST(Pack, EveryHeaderFieldIsChecked) {
  Swarm swarm(300);
  auto out = encoder();
  const Bytes good = encode(out, swarm.snapshot());
  const Bytes planes = planes_of(good);
  const Header header = *read_header(good);
  Decoder in;
  ASSERT_EQ(refusal(in, assemble(header, planes)), "taken");

  auto with_byte = [&](size_t at, int value) {
    Bytes bytes = good;
    bytes[at] = static_cast<std::byte>(value);
    return refusal(in, bytes);
  };
  EXPECT_EQ(with_byte(0, 'c'), "not-an-update");
  EXPECT_EQ(with_byte(4, 2), "unknown-version");
  EXPECT_EQ(with_byte(5, 3), "bad-header") << "flags";
  for (size_t size = 0; size < kHeaderSize; ++size) {
    EXPECT_EQ(refusal(in, std::span(good).first(size)), "too-short");
  }
  EXPECT_EQ(refusal(in, std::span(good).first(good.size() - 1)), "too-short");

  auto with = [&](auto change) {
    Header changed = header;
    change(changed);
    return refusal(in, assemble(changed, planes));
  };
  EXPECT_EQ(with([](Header& h) { h.position_bits = 7; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.position_bits = 17; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.colour_period = 0; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.colour_period = 65; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.colour_phase = h.colour_period; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.base_tick = 1; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.key_tick = 1; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.key = false; }), "bad-header") << "a difference to itself";
  EXPECT_EQ(with([](Header& h) { h.first_id = 0xFFFFFFFF; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.count = 0; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.count = 299; }), "bad-header");
  EXPECT_EQ(with([](Header& h) { h.count = kMostParticles + 1; }), "bad-header");
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  for (float side : {nan, infinity, 3e6f, header.box.least[2], header.box.least[2] - 1}) {
    EXPECT_EQ(with([&](Header& h) { h.box.greatest[2] = side; }), "bad-header") << side;
  }
  EXPECT_EQ(with([&](Header& h) { h.box.least[0] = nan; }), "bad-header");
  EXPECT_EQ(with([&](Header& h) { h.box.least[0] = -infinity; }), "bad-header");

  Decoder small(299);
  EXPECT_EQ(refusal(small, good), "too-large");
}

TEST(Pack, PayloadsThatLieAreRefused) {
  Swarm swarm(300);
  auto out = encoder();
  const Bytes good = encode(out, swarm.snapshot());
  const Header header = *read_header(good);
  Bytes planes = planes_of(good);
  Decoder in;

  Bytes longer = good;
  longer.push_back(std::byte{0});
  EXPECT_EQ(refusal(in, longer), "bad-payload");

  for (size_t at = kHeaderSize; at < good.size(); ++at) {  // zstd's checksum sees every damage
    Bytes damaged = good;
    damaged[at] ^= std::byte{0x10};
    const auto what = refusal(in, damaged);
    EXPECT_TRUE(what == "bad-payload" || what == "taken") << what;
    if (what == "taken") {
      ASSERT_EQ(planes_of(damaged), planes) << "damage at " << at << " went unseen";
    }
  }

  Header lying = header;  // a bomb: 64 MiB of zeros in a few KB, and the header the truth about the count
  Bytes bomb = assemble(header, Bytes(size_t{64} << 20));
  lying.payload_size = static_cast<uint32_t>(bomb.size() - kHeaderSize);
  write_header(lying, std::span<std::byte, kHeaderSize>(bomb.data(), kHeaderSize));
  EXPECT_EQ(refusal(in, bomb), "bad-payload");

  Bytes twice = assemble(header, planes);  // a second, empty frame behind the first
  const Bytes empty = assemble(header, Bytes{});
  twice.insert(twice.end(), empty.begin() + kHeaderSize, empty.end());
  lying.payload_size = static_cast<uint32_t>(twice.size() - kHeaderSize);
  write_header(lying, std::span<std::byte, kHeaderSize>(twice.data(), kHeaderSize));
  EXPECT_EQ(refusal(in, twice), "bad-payload");

  Bytes spare = planes;
  spare[300 / 8] |= std::byte{0x80};
  EXPECT_EQ(refusal(in, assemble(header, spare)), "bad-planes");
  Bytes large = planes;
  large[(300 + 7) / 8 + 300] = std::byte{0x20};  // 2^13 in a plane of 13 bits
  EXPECT_EQ(refusal(in, assemble(header, large)), "bad-planes");

  ASSERT_EQ(refusal(in, good), "taken");
  const Bytes difference = encode(out, swarm.snapshot());
  Bytes more = planes_of(difference);
  more.resize(more.size() + 3);
  EXPECT_EQ(refusal(in, assemble(*read_header(difference), more)), "bad-planes") << "one colour too many";
  EXPECT_EQ(refusal(in, difference), "taken");
}

TEST(Pack, SnapshotsAndOptionsThatDoNotFitAreRefused) {
  auto out = encoder();
  Swarm swarm(10);
  auto now = swarm.snapshot();
  now.y = now.y.first(9);
  EXPECT_FALSE(out.encode(now));
  now = swarm.snapshot();
  now.colours = {};
  EXPECT_FALSE(out.encode(now));
  now = swarm.snapshot();
  now.first_id = 0xFFFFFFFF;
  EXPECT_FALSE(out.encode(now));
  EXPECT_FALSE(out.encode({}));
  EXPECT_FALSE(Encoder::create({.position_bits = 7}));
  EXPECT_FALSE(Encoder::create({.position_bits = 17}));
  EXPECT_FALSE(Encoder::create({.key_interval = 0}));
  EXPECT_FALSE(Encoder::create({.colour_period = 0}));
  EXPECT_FALSE(Encoder::create({.colour_period = 65}));
  EXPECT_FALSE(Encoder::create({.colour_bits = 0}));
  EXPECT_FALSE(Encoder::create({.colour_bits = 9}));
  EXPECT_FALSE(Encoder::create({.margin = std::nan("")}));
}

#ifndef __SANITIZE_ADDRESS__
TEST(Pack, NothingIsAllocatedOnceItRuns) {
  Swarm swarm(20'000);
  auto out = encoder({.key_interval = 10});
  Decoder in;
  auto once = [&] {
    const auto now = swarm.snapshot();
    const size_t before = allocations;
    auto update = out.encode(now);
    EXPECT_TRUE(update && in.decode(*update));
    return allocations - before;
  };
  EXPECT_GT(once(), 0u) << "the counter does not count";
  for (int i = 0; i < 20; ++i) (void)once();
  size_t after = 0;
  for (int i = 0; i < 500; ++i) after += once();
  EXPECT_EQ(after, 0u);
}
#endif

}  // namespace
}  // namespace campaign::particles::pack

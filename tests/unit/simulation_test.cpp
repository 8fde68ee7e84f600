// Both executors draw the same world: the same frames for the same seed, whatever the threads, the way there,
// and the device.
#include "particles/simulation.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/presets.hpp"
#include "particles/vulkan_engine.hpp"
#include "tests/support/llvmpipe.hpp"
#include "tests/support/psnr.hpp"

namespace campaign::particles {
namespace {

constexpr uint32_t kParticles = 20'001;  // not a multiple of anything
const std::atomic<bool> kNever = false;

// The bytes of a picture that are seen: rows without their padding.
struct Picture {
  Picture(const FrameLayout& l, const std::byte* data) : layout(l) {
    const uint32_t columns = (l.width + 1) / 2, rows = (l.height + 1) / 2;
    auto plane = [&](int i, uint32_t width, uint32_t height) {
      for (uint32_t y = 0; y < height; ++y) {
        const std::byte* row = data + l.offset[i] + size_t{y} * l.stride[i];
        bytes.insert(bytes.end(), row, row + width);
      }
    };
    const bool rgb = l.format == PixelFormat::rgba || l.format == PixelFormat::bgra;
    plane(0, rgb ? l.width * 4 : l.width, l.height);
    if (l.format == PixelFormat::nv12) plane(1, columns * 2, rows);
    if (l.format == PixelFormat::i420) plane(1, columns, rows), plane(2, columns, rows);
  }
  bool operator==(const Picture& other) const { return bytes == other.bytes; }

  FrameLayout layout;
  std::vector<std::byte> bytes;
};

class Drawing {
 public:
  Drawing(std::unique_ptr<Engine> engine, const char* scene, FrameLayout layout, uint32_t seed = 3,
          uint32_t particles = kParticles)
      : layout_(layout), simulation_(std::move(engine), *find_scene(scene), seed, particles) {
    auto set = simulation_.set_picture(layout);
    EXPECT_TRUE(set) << set.error().for_user();
    auto memory = simulation_.engine().frame_maker()();
    EXPECT_TRUE(memory);
    memory_ = std::move(*memory);
  }
  Simulation& simulation() { return simulation_; }

  Picture draw(int64_t frame) {
    std::memset(memory_->data(), 0, layout_.size);
    auto drawn = simulation_.draw(frame, {0, 30, 1}, *memory_, kNever);
    EXPECT_TRUE(drawn && *drawn);
    return {layout_, memory_->data()};
  }
  Picture draw_all(int64_t last) {
    for (int64_t frame = 0; frame < last; ++frame) (void)draw(frame);
    return draw(last);
  }

 private:
  FrameLayout layout_;
  Simulation simulation_;
  std::unique_ptr<FrameMemory> memory_;
};

int brightest(const Picture& picture) {
  int most = 0;
  for (size_t i = 0; i < size_t{picture.layout.width} * picture.layout.height; ++i) {
    most = std::max(most, std::to_integer<int>(picture.bytes[i]));
  }
  return most;
}

// All particles in one point, never moving: far beyond what a pixel can hold.
const char* const kHeap = R"({"emitters":[{"size":[0,0,0],"slow":"#ff0000","fast":"#ff0000","brightness":4}],
                              "look":{"glow":0,"background":"#000000"}})";

const FrameLayout kSmall = FrameLayout::packed(PixelFormat::nv12, 320, 180);

TEST(Simulation, TheSameSeedGivesTheSameFrames) {
  EXPECT_EQ(Drawing(make_cpu_engine(), "galaxy", kSmall).draw_all(5),
            Drawing(make_cpu_engine(), "galaxy", kSmall).draw_all(5));
  EXPECT_EQ(Drawing(test::llvmpipe_engine(), "galaxy", kSmall).draw_all(5),
            Drawing(test::llvmpipe_engine(), "galaxy", kSmall).draw_all(5));
}

TEST(Simulation, AnotherSeedGivesOtherFrames) {
  EXPECT_FALSE(Drawing(make_cpu_engine(), "galaxy", kSmall, 1).draw(0) ==
               Drawing(make_cpu_engine(), "galaxy", kSmall, 2).draw(0));
}

TEST(Simulation, ThePictureShowsSomethingAndMoves) {
  Drawing drawing(make_cpu_engine(), "galaxy", kSmall);
  Picture first = drawing.draw(0);
  EXPECT_GT(brightest(first), 120);
  EXPECT_FALSE(first == drawing.draw(1));
}

TEST(Simulation, FramesDoNotDependOnTheNumberOfThreads) {
  Picture one = Drawing(make_cpu_engine(1), "benchmark", kSmall).draw_all(20);
  for (unsigned threads : {2u, 7u}) {
    EXPECT_EQ(one, Drawing(make_cpu_engine(threads), "benchmark", kSmall).draw_all(20)) << threads;
  }
}

TEST(Simulation, ASeekShowsWhatPlayingThereWouldHave) {
  // Frame 330 is later than the longest life of the scene, so the seek does not start at the beginning.
  for (bool on_cpu : {true, false}) {
    auto make = [&] { return on_cpu ? make_cpu_engine() : test::llvmpipe_engine(); };
    Picture played = Drawing(make(), "galaxy", kSmall).draw_all(330);
    Drawing seeking(make(), "galaxy", kSmall);
    (void)seeking.draw(0);
    seeking.simulation().jump();
    EXPECT_EQ(played, seeking.draw(330)) << (on_cpu ? "cpu" : "vulkan");
  }
}

TEST(Simulation, BothExecutorsDrawTheSamePicture) {
  for (auto format : {PixelFormat::nv12, PixelFormat::i420, PixelFormat::rgba, PixelFormat::bgra}) {
    for (auto [width, height] : {std::pair{320u, 180u}, {321u, 181u}, {17u, 9u}, {1u, 1u}}) {
      auto layout = FrameLayout::packed(format, width, height);
      double agreement = test::psnr(Drawing(make_cpu_engine(), "benchmark", layout).draw_all(10).bytes,
                                    Drawing(test::llvmpipe_engine(), "benchmark", layout).draw_all(10).bytes);
      EXPECT_GE(agreement, 45) << static_cast<int>(format) << " " << width << "x" << height;
    }
  }
}

// Each in memory of its own, at an address that is aligned to nothing, and from its last row to its first.
TEST(Simulation, PlanesMayLieAnywhereAndEitherWayUp) {
  for (auto format : {PixelFormat::nv12, PixelFormat::i420, PixelFormat::rgba}) {
    const auto layout = FrameLayout::packed(format, 65, 37);
    Drawing own(make_cpu_engine(), "galaxy", layout);
    const Picture expected = own.draw(0);
    Simulation simulation(make_cpu_engine(), *find_scene("galaxy"), 3, kParticles);
    ASSERT_TRUE(simulation.set_picture(layout));
    ASSERT_TRUE(simulation.engine().draws_anywhere());
    std::vector<std::vector<std::byte>> memory(3);
    FramePlanes planes;
    for (size_t i = 0; i < memory.size(); ++i) {
      const size_t rows = i == 0 ? layout.height : (layout.height + 1) / 2, stride = layout.stride[i] + 3;
      memory[i].resize(rows * stride + 1);
      planes.data[i] = memory[i].data() + (rows - 1) * stride + 1;
      planes.stride[i] = -static_cast<ptrdiff_t>(stride);
    }
    BorrowedFrame frame(planes);
    auto drawn = simulation.draw(0, {0, 30, 1}, frame, kNever);
    ASSERT_TRUE(drawn && *drawn);
    std::vector<std::byte> upright(layout.size);
    for (size_t i = 0; i < memory.size(); ++i) {
      const size_t rows = i == 0 ? layout.height : (layout.height + 1) / 2;
      for (size_t y = 0; y < rows; ++y) {
        std::memcpy(upright.data() + layout.offset[i] + y * layout.stride[i],
                    planes.data[i] + static_cast<ptrdiff_t>(y) * planes.stride[i], layout.stride[i]);
      }
    }
    EXPECT_EQ(expected, Picture(layout, upright.data())) << static_cast<int>(format);
  }
}

TEST(Simulation, ADeviceDrawsIntoMemoryOfItsOwnOnly) {
  Drawing drawing(test::llvmpipe_engine(), "galaxy", kSmall);
  const Picture first = drawing.draw(0);
  std::vector<std::byte> memory(kSmall.size);
  BorrowedFrame frame({.data = {memory.data(), memory.data() + kSmall.offset[1]}, .stride = {320, 320}});
  EXPECT_FALSE(drawing.simulation().engine().draws_anywhere());
  EXPECT_FALSE(drawing.simulation().draw(1, {0, 30, 1}, frame, kNever));
  drawing.simulation().jump();
  EXPECT_EQ(first, drawing.draw(0));
}

TEST(Simulation, DevicesWithout64BitAtomicsDrawTheSameBits) {
  EXPECT_EQ(
      Drawing(test::llvmpipe_engine(), "galaxy", kSmall).draw_all(3),
      Drawing(test::llvmpipe_engine({.int64_atomics = false, .slices = 0}), "galaxy", kSmall).draw_all(3));
}

TEST(Simulation, SlicesWithAccumulatorsOfTheirOwnDrawTheSameBits) {
  for (const char* scene : {"galaxy", kHeap}) {
    const Picture one = Drawing(test::llvmpipe_engine({.slices = 0}), scene, kSmall).draw_all(3);
    for (uint32_t slices : {1u, 2u, 3u, 8u}) {
      EXPECT_EQ(one, Drawing(test::llvmpipe_engine({.slices = slices}), scene, kSmall).draw_all(3))
          << scene << " in " << slices;
    }
  }
}

// More of them than the driver is given in one dispatch, as its loops end after so many rounds.
TEST(Simulation, ALongSliceIsDrawnInRounds) {
  constexpr uint32_t kMany = 1'100'000;
  auto draw = [](uint32_t slices) {
    Drawing drawing(test::llvmpipe_engine({.slices = slices}), "galaxy", kSmall, 3, kMany);
    return drawing.draw(0);
  };
  EXPECT_EQ(draw(0), draw(1));
}

TEST(Simulation, AFullPixelIsWhiteOnBothExecutors) {
  auto layout = FrameLayout::packed(PixelFormat::rgba, 64, 64);
  for (bool on_cpu : {true, false}) {
    auto picture = Drawing(on_cpu ? make_cpu_engine() : test::llvmpipe_engine(), kHeap, layout).draw(0);
    int white = 0;
    for (size_t i = 0; i < picture.bytes.size(); i += 4) {
      int red = std::to_integer<int>(picture.bytes[i]), green = std::to_integer<int>(picture.bytes[i + 1]);
      if (red > 250 && green > 250) ++white;
      EXPECT_TRUE(green < 8 || green > 250) << "a carry leaked between channels";
    }
    EXPECT_GE(white, 1) << (on_cpu ? "cpu" : "vulkan");
  }
}

TEST(Simulation, MoreParticlesLeaveTheOthersWhereTheyAre) {
  for (bool on_cpu : {true, false}) {
    Drawing grown(on_cpu ? make_cpu_engine() : test::llvmpipe_engine(), "galaxy", kSmall);
    Drawing plain(on_cpu ? make_cpu_engine() : test::llvmpipe_engine(), "galaxy", kSmall);
    (void)grown.draw_all(3);
    (void)plain.draw_all(3);
    grown.simulation().world().set_particles(kParticles * 4);
    (void)grown.draw(4);
    grown.simulation().world().set_particles(kParticles);
    (void)plain.draw(4);
    EXPECT_EQ(grown.draw(5), plain.draw(5)) << (on_cpu ? "cpu" : "vulkan");
  }
}

// An engine that counts the steps it is asked for, to tell what a way through time costs, and that sets
// `cancelled` in the last of so many, as another thread does.
class CountingEngine : public Engine {
 public:
  explicit CountingEngine(int& steps) : engine_(make_cpu_engine()), steps_(steps) {}
  CountingEngine(int& steps, int last, std::atomic<bool>& cancelled) : CountingEngine(steps) {
    last_ = last;
    cancelled_ = &cancelled;
  }
  const std::string& device_name() const override { return engine_->device_name(); }
  uint32_t most_particles() const override { return engine_->most_particles(); }
  const void* device() const override { return engine_->device(); }
  std::shared_ptr<const ParticleMemory> share() override { return engine_->share(); }
  bool wait_for_room(uint32_t particles, std::chrono::nanoseconds patience) override {
    return engine_->wait_for_room(particles, patience);
  }
  Result<void> set_picture(const FrameLayout& layout) override { return engine_->set_picture(layout); }
  MakeFrame frame_maker() const override { return engine_->frame_maker(); }
  Result<void> run(const Work& work) override {
    if (work.step && ++steps_ == last_) *cancelled_ = true;
    return engine_->run(work);
  }
  Result<void> read(uint32_t count, const StateOut& to) override { return engine_->read(count, to); }
  Result<void> read_light(std::span<uint32_t> to) override { return engine_->read_light(to); }
  Result<void> read(const ParticleMemory& memory, uint32_t count, const StateOut& to) override {
    return engine_->read(memory, count, to);
  }

 private:
  std::unique_ptr<Engine> engine_;
  int& steps_;
  int last_ = -1;
  std::atomic<bool>* cancelled_ = nullptr;
};

// A world that another thread tells to give up in step number `last`, whichever picture is on its way.
class GivenUp {
 public:
  explicit GivenUp(int last)
      : simulation_(std::make_unique<CountingEngine>(steps_, last, cancelled_), *find_scene("galaxy"), 1,
                    kParticles) {
    EXPECT_TRUE(simulation_.set_picture(kSmall));
    memory_ = std::move(*simulation_.engine().frame_maker()());
  }
  // Whether it was drawn.
  bool draw(int64_t frame, const Simulation::Rate& rate) {
    auto drawn = simulation_.draw(frame, rate, *memory_, cancelled_);
    EXPECT_TRUE(drawn);
    return drawn && *drawn;
  }

  int steps() const { return steps_; }
  Simulation& simulation() { return simulation_; }

 private:
  int steps_ = 0;
  std::atomic<bool> cancelled_ = false;
  Simulation simulation_;
  std::unique_ptr<FrameMemory> memory_;
};

TEST(Simulation, ALongCatchUpCanBeCancelled) {
  GivenUp world(3);
  EXPECT_FALSE(world.draw(100'000, {0, 30, 1}));
  EXPECT_EQ(world.steps(), 3);
}

// Past more pictures than can be counted one by one.
TEST(Simulation, ACatchUpAtTheHighestRateBeginsAtOnce) {
  GivenUp world(3);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(world.draw(int64_t{60} * INT32_MAX, {0, INT32_MAX, 1}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Simulation, SkippingFramesGoesOnFromTheLastOne) {
  int steps = 0;
  Drawing drawing(std::make_unique<CountingEngine>(steps), "galaxy", kSmall);
  (void)drawing.draw_all(30);
  steps = 0;
  drawing.simulation().skip();
  Picture skipped = drawing.draw(60);
  EXPECT_EQ(steps, 20);  // one second in steps of 50 ms, not 60 of the frames' own
  EXPECT_GT(brightest(skipped), 120);
  steps = 0;
  (void)drawing.draw(61);
  EXPECT_EQ(steps, 1);
}

TEST(Simulation, SkippingHoursCostsOneLongestLifeAtMost) {
  int steps = 0;
  Drawing drawing(std::make_unique<CountingEngine>(steps), "galaxy", kSmall);
  (void)drawing.draw_all(2);
  Picture before = drawing.draw(3);
  steps = 0;
  drawing.simulation().skip();
  Picture after = drawing.draw(30 * 3600 * 5);
  EXPECT_LE(steps, 10 * 20 + 1);  // the scene's longest life is 10 s
  EXPECT_GT(brightest(after), 120);
  EXPECT_FALSE(before == after);
}

TEST(Simulation, SkippingLeavesAWorldThatStandsStillAsItIs) {
  Drawing drawing(make_cpu_engine(), "galaxy", kSmall);
  (void)drawing.draw_all(20);
  drawing.simulation().world().set_time_scale(0);
  Picture before = drawing.draw(21);
  drawing.simulation().skip();
  EXPECT_EQ(before, drawing.draw(30 * 600));
}

TEST(Simulation, ALongSkipCanBeCancelled) {
  GivenUp world(4);
  ASSERT_TRUE(world.draw(0, {0, 30, 1}));
  world.simulation().skip();
  EXPECT_FALSE(world.draw(3000, {0, 30, 1}));
  EXPECT_LE(world.steps(), 1 + 20);  // the second that it was in
}

TEST(Simulation, PicturesThatAreHoursApartCostOneLongestLifeEachAndMayBeSoughtTo) {
  int steps = 0;
  const Simulation::Rate rate{0, 1, 5 * 3600};
  Simulation playing(std::make_unique<CountingEngine>(steps), *find_scene("galaxy"), 1, kParticles);
  Simulation seeking(make_cpu_engine(), *find_scene("galaxy"), 1, kParticles);
  ASSERT_TRUE(playing.set_picture(kSmall));
  ASSERT_TRUE(seeking.set_picture(kSmall));
  auto played = playing.engine().frame_maker()(), sought = seeking.engine().frame_maker()();
  for (int64_t frame = 0; frame < 3; ++frame) {
    steps = 0;
    auto drawn = playing.draw(frame, rate, **played, kNever);
    ASSERT_TRUE(drawn && *drawn);
    EXPECT_LE(steps, 10 * 20 + 1) << frame;
  }
  const std::atomic<bool> cancelled = true;
  auto drawn = playing.draw(3, rate, **played, cancelled);
  ASSERT_TRUE(drawn);
  EXPECT_FALSE(*drawn);
  drawn = seeking.draw(2, rate, **sought, kNever);
  ASSERT_TRUE(drawn && *drawn);
  EXPECT_EQ(std::memcmp((*played)->data(), (*sought)->data(), 320 * 180), 0);
}

TEST(Simulation, LowFrameRatesAreStable) {
  Simulation simulation(make_cpu_engine(), *find_scene("benchmark"), 1, kParticles);
  ASSERT_TRUE(simulation.set_picture(kSmall));
  auto memory = simulation.engine().frame_maker()();
  for (int64_t frame = 0; frame < 10; ++frame) {
    auto drawn = simulation.draw(frame, {0, 1, 2}, **memory, kNever);  // one frame every two seconds
    ASSERT_TRUE(drawn && *drawn);
  }
  int most = 0;
  for (uint32_t i = 0; i < 320 * 180; ++i) most = std::max(most, std::to_integer<int>((*memory)->data()[i]));
  EXPECT_GT(most, 60);
}

TEST(Engine, AnUnknownDeviceListsTheKnownOnes) {
  auto engine = Engine::open("no such gpu");
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().for_user().find("llvmpipe"), std::string::npos) << engine.error().for_user();
  EXPECT_FALSE(Engine::open("99"));
}

TEST(Engine, APictureThatIsTooLargeIsRefused) {
  auto huge = FrameLayout::packed(PixelFormat::nv12, 32768, 32768);
  EXPECT_FALSE(test::llvmpipe_engine()->set_picture(huge));
  EXPECT_FALSE(make_cpu_engine()->set_picture(huge));
}

}  // namespace
}  // namespace campaign::particles

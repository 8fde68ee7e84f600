// One simulation, many pictures: snapshots of a world, drawn by renderers of their own on both executors.
#include "particles/renderer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/presets.hpp"
#include "particles/simulation.hpp"
#include "particles/state_ring.hpp"
#include "particles/vulkan_engine.hpp"
#include "tests/support/llvmpipe.hpp"
#include "tests/support/psnr.hpp"

namespace campaign::particles {
namespace {

constexpr uint32_t kParticles = 40'003;  // not a multiple of anything
constexpr Simulation::Rate kRate{0, 30, 1};
const std::atomic<bool> kNever = false;
using Bytes = std::vector<std::byte>;
using SharedSnapshot = std::shared_ptr<const Snapshot>;

std::unique_ptr<Engine> make_engine(bool on_cpu, unsigned threads = 2) {
  return on_cpu ? make_cpu_engine(threads) : test::llvmpipe_engine();
}

SharedSnapshot snapshot_at(Simulation& simulation, int64_t frame) {
  auto snapshot = simulation.snapshot(frame, kRate, kNever);
  EXPECT_TRUE(snapshot) << snapshot.error().for_user();
  EXPECT_TRUE(*snapshot);
  return *snapshot;
}

std::unique_ptr<Renderer> renderer_for(const Snapshot& snapshot, const FrameLayout& layout,
                                       unsigned threads = 1) {
  auto renderer = Renderer::open(snapshot, threads);
  EXPECT_TRUE(renderer) << renderer.error().for_user();
  EXPECT_TRUE((*renderer)->set_picture(layout));
  return std::move(*renderer);
}

Bytes picture(Renderer& renderer, const Snapshot& snapshot, const FrameLayout& layout, uint32_t count = 0) {
  auto memory = renderer.frame_maker()();
  EXPECT_TRUE(memory);
  std::memset((*memory)->data(), 0, layout.size);
  auto drawn = renderer.draw(snapshot, count, **memory);
  EXPECT_TRUE(drawn) << drawn.error().for_user();
  return Bytes((*memory)->data(), (*memory)->data() + layout.size);
}

Bytes picture(const Snapshot& snapshot, const FrameLayout& layout, uint32_t count = 0, unsigned threads = 1) {
  return picture(*renderer_for(snapshot, layout, threads), snapshot, layout, count);
}

// The same moment by the fused path: moved and drawn in one pass.
Bytes fused(bool on_cpu, const char* scene, const FrameLayout& layout, int64_t last,
            uint32_t particles = kParticles) {
  Simulation simulation(make_engine(on_cpu), *find_scene(scene), 3, particles);
  EXPECT_TRUE(simulation.set_picture(layout));
  auto memory = simulation.engine().frame_maker()();
  EXPECT_TRUE(memory);
  std::memset((*memory)->data(), 0, layout.size);
  for (int64_t frame = 0; frame <= last; ++frame) {
    auto drawn = simulation.draw(frame, kRate, **memory, kNever);
    EXPECT_TRUE(drawn && *drawn);
  }
  return Bytes((*memory)->data(), (*memory)->data() + layout.size);
}

const FrameLayout kSmall = FrameLayout::packed(PixelFormat::nv12, 320, 180);

class RendererTest : public testing::TestWithParam<bool> {
 protected:
  bool on_cpu() const { return GetParam(); }
  Simulation world(const char* scene = "benchmark", uint32_t particles = kParticles) const {
    return Simulation(make_engine(on_cpu()), *find_scene(scene), 3, particles);
  }
};
INSTANTIATE_TEST_SUITE_P(Executor, RendererTest, testing::Bool(),
                         [](const auto& executor) { return executor.param ? "Cpu" : "Vulkan"; });

TEST_P(RendererTest, DrawsWhatTheFusedPathDraws) {
  for (const char* scene : {"benchmark", "galaxy"}) {
    for (auto format : {PixelFormat::nv12, PixelFormat::i420, PixelFormat::rgba, PixelFormat::bgra}) {
      auto layout = FrameLayout::packed(format, 321, 181);
      auto simulation = world(scene);
      SharedSnapshot last;
      // Each is held while the next step runs, so that every step goes to other memory.
      for (int64_t frame = 0; frame <= 12; ++frame) last = snapshot_at(simulation, frame);
      EXPECT_EQ(picture(*last, layout), fused(on_cpu(), scene, layout, 12)) << scene;
    }
  }
}

TEST_P(RendererTest, ThePictureDoesNotDependOnTheRenderersThreads) {
  auto simulation = world();
  auto snapshot = snapshot_at(simulation, 10);
  Bytes one = picture(*snapshot, kSmall);
  for (unsigned threads : {2u, 7u}) EXPECT_EQ(one, picture(*snapshot, kSmall, 0, threads)) << threads;
}

TEST_P(RendererTest, TheFirstOfManyAreTheWorldWithFewer) {
  constexpr uint32_t kFewer = kParticles / 4;
  auto simulation = world("galaxy");
  SharedSnapshot last;
  for (int64_t frame = 0; frame <= 8; ++frame) last = snapshot_at(simulation, frame);
  EXPECT_EQ(picture(*last, kSmall, kFewer), fused(on_cpu(), "galaxy", kSmall, 8, kFewer));
  EXPECT_EQ(picture(*last, kSmall, kParticles * 2), picture(*last, kSmall));
}

// Renderers of one world on the processor, each with a picture of its own, which draw every state of it.
class Ladder {
 public:
  struct Rung {
    uint32_t particles, width, height;
    PixelFormat format = PixelFormat::nv12;
    unsigned threads = 1;
    FrameLayout layout() const { return FrameLayout::packed(format, width, height); }
  };
  explicit Ladder(std::vector<Rung> rungs) : rungs_(std::move(rungs)), renderers_(rungs_.size()) {}

  // Draws the next frame of those rungs below `end`, and holds its state until the next one is there.
  void draw(size_t end) {
    snapshot_ = snapshot_at(simulation_, frame_++);
    pictures_.assign(rungs_.size(), {});
    for (size_t i = 0; i < end; ++i) {
      const auto layout = rungs_[i].layout();
      if (!renderers_[i]) renderers_[i] = renderer_for(*snapshot_, layout, rungs_[i].threads);
      pictures_[i] = picture(*renderers_[i], *snapshot_, layout, rungs_[i].particles);
    }
  }
  // Whether the last picture is what the fused path draws.
  bool is_right(size_t rung) const {
    return pictures_[rung] ==
           fused(true, "galaxy", rungs_[rung].layout(), frame_ - 1, rungs_[rung].particles);
  }
  uint64_t shared(size_t rung) const { return renderers_[rung]->shared_draws(); }

 private:
  std::vector<Rung> rungs_;
  Simulation simulation_{make_cpu_engine(2), *find_scene("galaxy"), 3, kParticles};
  std::vector<std::unique_ptr<Renderer>> renderers_;
  std::vector<Bytes> pictures_;
  SharedSnapshot snapshot_;
  int64_t frame_ = 0;
};

TEST(SharedLight, MakesThePicturesOfALadderTheSameToTheBit) {
  Ladder ladder({{kParticles, 960, 540, PixelFormat::i420},
                 {20'001, 640, 360, PixelFormat::nv12, 7},
                 {7'000, 320, 180, PixelFormat::rgba},
                 {20'001, 320, 180}});
  for (int frame = 0; frame < 6; ++frame) ladder.draw(4);
  for (size_t rung = 0; rung < 4; ++rung) {
    EXPECT_EQ(ladder.shared(rung), 5u) << "all but the first, before which nobody had drawn";
    EXPECT_TRUE(ladder.is_right(rung)) << rung;
  }
}

TEST(SharedLight, IsNotForPicturesThatDoNotFitIt) {
  Ladder ladder({{kParticles, 960, 540}, {20'000, 640, 360}, {20'000, 640, 480}, {20'000, 321, 181}});
  for (int frame = 0; frame < 4; ++frame) ladder.draw(4);
  for (size_t rung = 0; rung < 4; ++rung) {
    EXPECT_EQ(ladder.shared(rung), rung < 2 ? 3u : 0u) << rung;
    EXPECT_TRUE(ladder.is_right(rung)) << rung;
  }
}

TEST(SharedLight, FollowsThoseWhoDraw) {
  Ladder ladder({{kParticles, 640, 360}, {20'000, 320, 180}, {10'000, 320, 180}});
  for (int frame = 0; frame < 3; ++frame) ladder.draw(1);
  EXPECT_EQ(ladder.shared(0), 0u) << "alone";
  for (int frame = 0; frame < 3; ++frame) ladder.draw(3);
  EXPECT_EQ(ladder.shared(2), 2u) << "the first state was made before this one drew";
  EXPECT_TRUE(ladder.is_right(2));
  for (int frame = 0; frame < 40; ++frame) ladder.draw(1);
  const uint64_t before = ladder.shared(0);
  ladder.draw(1);
  EXPECT_EQ(ladder.shared(0), before) << "alone again";
  EXPECT_TRUE(ladder.is_right(0));
}

// The mean brightness of each 4 x 4 pixels.
std::vector<double> cells_of(const Bytes& bytes, const FrameLayout& layout) {
  constexpr uint32_t kCell = 4;
  std::vector<double> means(layout.width / kCell * (layout.height / kCell));
  for (uint32_t y = 0; y < layout.height; ++y) {
    for (uint32_t x = 0; x < layout.width; ++x) {
      means[y / kCell * (layout.width / kCell) + x / kCell] +=
          std::to_integer<int>(bytes[y * layout.stride[0] + x]) / double(kCell * kCell);
    }
  }
  return means;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

TEST_P(RendererTest, APrefixIsAFairSample) {
  constexpr uint32_t kMany = 400'000;
  // Small enough that a tenth still puts many particles on a pixel: the tone curve is not linear.
  auto layout = FrameLayout::packed(PixelFormat::nv12, 64, 36);
  auto simulation = world("galaxy", kMany);
  SharedSnapshot last;
  for (int64_t frame = 0; frame <= 30; ++frame) last = snapshot_at(simulation, frame);
  auto all = cells_of(picture(*last, layout), layout);
  auto tenth = cells_of(picture(*last, layout, kMany / 10), layout);
  EXPECT_LT(largest_difference(all, tenth), 8);
  // What an unfair sample would give: another moment of the same world is further off.
  for (int64_t frame = 31; frame <= 60; ++frame) last = snapshot_at(simulation, frame);
  EXPECT_GT(largest_difference(all, cells_of(picture(*last, layout), layout)), 16);
}

TEST_P(RendererTest, SnapshotsStayWhileTheWorldGoesOn) {
  auto simulation = world();
  auto kept = snapshot_at(simulation, 3);
  Bytes before = picture(*kept, kSmall);
  for (int64_t frame = 4; frame < 30; ++frame) (void)snapshot_at(simulation, frame);
  EXPECT_EQ(before, picture(*kept, kSmall));
  EXPECT_NE(before, picture(*snapshot_at(simulation, 30), kSmall));
}

TEST_P(RendererTest, SnapshotsAndRenderersOutliveTheEngine) {
  SharedSnapshot kept;
  Bytes before;
  {
    auto simulation = world();
    kept = snapshot_at(simulation, 3);
    before = picture(*kept, kSmall);
  }
  EXPECT_EQ(before, picture(*kept, kSmall));
}

TEST_P(RendererTest, TheWorldMayGrowAndShrinkUnderASnapshot) {
  auto simulation = world("galaxy");
  auto kept = snapshot_at(simulation, 3);
  Bytes before = picture(*kept, kSmall);
  simulation.world().set_particles(kParticles * 3);
  auto grown = snapshot_at(simulation, 4);
  EXPECT_EQ(grown->viewpoint.particles, kParticles * 3);
  // Those that were there went on as if nothing had happened.
  auto other = world("galaxy");
  (void)snapshot_at(other, 3);
  EXPECT_EQ(picture(*grown, kSmall, kParticles), picture(*snapshot_at(other, 4), kSmall));
  simulation.world().set_particles(1000);
  EXPECT_EQ(snapshot_at(simulation, 5)->viewpoint.particles, 1000u);
  EXPECT_EQ(before, picture(*kept, kSmall));
}

TEST_P(RendererTest, ASeekUnderASnapshotShowsWhatPlayingThereWouldHave) {
  auto simulation = world("galaxy");
  auto first = snapshot_at(simulation, 0);
  simulation.jump();
  auto there = snapshot_at(simulation, 330);
  EXPECT_EQ(picture(*there, kSmall), fused(on_cpu(), "galaxy", kSmall, 330));
}

TEST_P(RendererTest, ManyDrawAtOnceWhileTheWorldGoesOn) {
  constexpr int kFrames = 12;
  const uint32_t counts[] = {kParticles / 10, kParticles / 4, kParticles / 2, 0};
  const FrameLayout layouts[] = {
      FrameLayout::packed(PixelFormat::nv12, 64, 36), FrameLayout::packed(PixelFormat::i420, 96, 54),
      FrameLayout::packed(PixelFormat::bgra, 128, 72), FrameLayout::packed(PixelFormat::nv12, 192, 108)};
  auto simulation = world("galaxy");
  std::vector<Bytes> expected[4], seen[4];
  std::unique_ptr<Renderer> renderers[4], references[4];
  for (int64_t frame = 0; frame < kFrames; ++frame) {
    auto snapshot = snapshot_at(simulation, frame);
    for (int i = 0; i < 4; ++i) {
      if (!references[i]) references[i] = renderer_for(*snapshot, layouts[i]);
      if (!renderers[i]) renderers[i] = renderer_for(*snapshot, layouts[i]);
      expected[i].push_back(picture(*references[i], *snapshot, layouts[i], counts[i]));
    }
  }
  simulation.jump();
  std::vector<std::jthread> drawing;
  for (int64_t frame = 0; frame < kFrames; ++frame) {
    auto snapshot = snapshot_at(simulation, frame);
    drawing.clear();  // joins, with the next state already there
    for (int i = 0; i < 4; ++i) {
      drawing.emplace_back(
          [&, i, snapshot] { seen[i].push_back(picture(*renderers[i], *snapshot, layouts[i], counts[i])); });
    }
  }
  drawing.clear();
  for (int i = 0; i < 4; ++i) {
    for (int frame = 0; frame < kFrames; ++frame) {
      EXPECT_EQ(seen[i][frame], expected[i][frame]) << "renderer " << i << ", frame " << frame;
    }
  }
}

TEST_P(RendererTest, TheMemoryForStatesIsBounded) {
  auto simulation = world("galaxy", 1000);
  const unsigned most = most_states(1000 * 6 * sizeof(float));
  std::vector<SharedSnapshot> held;
  for (unsigned i = 0; i < most; ++i) held.push_back(snapshot_at(simulation, i));
  // Impatient: gives up, and the world has not moved.
  EXPECT_FALSE(simulation.wait_for_room(kNever, 1'000'000));
  const std::atomic<bool> cancelled = true;
  EXPECT_FALSE(*simulation.snapshot(most, kRate, cancelled));
  // Patient: waits for a renderer that lets go.
  std::jthread slow([one = std::move(held[2])]() mutable {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    one.reset();
  });
  Bytes there = picture(*snapshot_at(simulation, most), kSmall);
  EXPECT_EQ(there, fused(on_cpu(), "galaxy", kSmall, most, 1000));
}

TEST_P(RendererTest, AWorldThatStandsStillSharesOneState) {
  auto simulation = world("galaxy");
  auto first = snapshot_at(simulation, 0);
  simulation.world().set_time_scale(0);
  auto second = snapshot_at(simulation, 1), third = snapshot_at(simulation, 2);
  EXPECT_EQ(second->memory.get(), third->memory.get());
  EXPECT_EQ(picture(*second, kSmall), picture(*third, kSmall));
}

TEST_P(RendererTest, AStateThatNobodyHoldsIsMovedInPlace) {
  auto simulation = world("galaxy");
  const ParticleMemory* first = snapshot_at(simulation, 0)->memory.get();
  EXPECT_EQ(first, snapshot_at(simulation, 1)->memory.get());
}

TEST(Renderer, BothExecutorsDrawTheSamePicture) {
  auto draw = [](bool on_cpu) {
    Simulation simulation(make_engine(on_cpu), *find_scene("benchmark"), 3, kParticles);
    return picture(*snapshot_at(simulation, 10), kSmall);
  };
  EXPECT_GE(test::psnr(draw(true), draw(false)), 45);
}

TEST(Renderer, TheSnapshotOfAnotherDeviceIsRefusedAndSaysWhatToDo) {
  Simulation cpu(make_engine(true), *find_scene("galaxy"), 3, 1000);
  Simulation gpu(make_engine(false), *find_scene("galaxy"), 3, 1000);
  auto on_cpu = snapshot_at(cpu, 0), on_gpu = snapshot_at(gpu, 0);
  for (auto [mine, other] : {std::pair{on_cpu, on_gpu}, {on_gpu, on_cpu}}) {
    auto renderer = renderer_for(*mine, kSmall);
    EXPECT_TRUE(renderer->suits(*mine));
    EXPECT_FALSE(renderer->suits(*other));
    auto memory = renderer->frame_maker()();
    auto drawn = renderer->draw(*other, 0, **memory);
    ASSERT_FALSE(drawn);
    EXPECT_NE(drawn.error().for_user().find("on the device that moves them"), std::string::npos);
  }
}

}  // namespace
}  // namespace campaign::particles

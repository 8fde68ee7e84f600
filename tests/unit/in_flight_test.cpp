// Steps that are still under way on a device when the next one is asked for. A program of its own, because it
// counts its thread's allocations; it also runs under Vulkan's validation layers, where one wrong word ends
// it (see meson.build).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "particles/presets.hpp"
#include "particles/renderer.hpp"
#include "particles/simulation.hpp"
#include "particles/vulkan_engine.hpp"
#include "tests/support/llvmpipe.hpp"
#include "vk/frame_ring.hpp"

namespace campaign::particles {
namespace {

constexpr uint32_t kParticles = 20'001;  // not a multiple of anything
constexpr Nanoseconds kFrame = 33'333'333;
constexpr Simulation::Rate kRate{0, 30, 1};
const std::atomic<bool> kNever = false;
const FrameLayout kSmall = FrameLayout::packed(PixelFormat::nv12, 320, 180);
const FrameLayout kSmaller = FrameLayout::packed(PixelFormat::rgba, 96, 54);

using Bytes = std::vector<std::byte>;

std::unique_ptr<Engine> vulkan(const FrameLayout& layout = kSmall) {
  auto engine = test::llvmpipe_engine();
  EXPECT_TRUE(engine->set_picture(layout));
  return engine;
}

std::unique_ptr<FrameMemory> frame_of(Engine& engine, const FrameLayout& layout) {
  auto frame = engine.frame_maker()();
  EXPECT_TRUE(frame);
  std::memset((*frame)->data(), 0, layout.size);
  return std::move(*frame);
}

// A world that is moved by an engine, step by step.
class Walk {
 public:
  explicit Walk(const char* scene = "benchmark") : world(*find_scene(scene), 5, kParticles) {
    world.restart(0);
  }

  void step() {
    auto step = world.advance(kFrame * steps_++);
    ASSERT_TRUE(step);
    auto done = engine->run({.step = &*step});
    ASSERT_TRUE(done) << done.error().for_user();
  }
  // Moves and draws, and leaves what was drawn in the accumulators.
  void splat() {
    auto step = world.advance(kFrame * steps_++);
    const ViewParams view = world.view(kSmall.width, kSmall.height, world.particles());
    auto done = engine->run({.step = &*step, .view = &view, .splat = true});
    ASSERT_TRUE(done) << done.error().for_user();
  }
  // Of the next step, or of the same moment again.
  Bytes draw(bool moving = true) {
    auto step = moving ? world.advance(kFrame * steps_++) : std::nullopt;
    const ViewParams view = world.view(kSmall.width, kSmall.height, world.particles());
    auto frame = frame_of(*engine, kSmall);
    auto done =
        engine->run({.step = step ? &*step : nullptr, .view = &view, .splat = true, .frame = frame.get()});
    EXPECT_TRUE(done) << done.error().for_user();
    return Bytes(frame->data(), frame->data() + kSmall.size);
  }
  // Reads a particle, for which everything that was asked before must be done.
  void wait() {
    float x = 0;
    ASSERT_TRUE(engine->read(1, {.px = {&x, 1}, .py = {}, .pz = {}, .vx = {}, .vy = {}, .vz = {}}));
  }
  std::vector<float> heights() {
    std::vector<float> y(world.particles());
    EXPECT_TRUE(engine->read(world.particles(), {.px = {}, .py = y, .pz = {}, .vx = {}, .vy = {}, .vz = {}}));
    return y;
  }

  World world;
  std::unique_ptr<Engine> engine = vulkan();

 private:
  int steps_ = 0;
};

TEST(InFlight, ManyStepsLeaveTheSameBitsAsWaitingForEach) {
  auto after = [](bool waiting) {
    Walk walk;
    std::shared_ptr<const ParticleMemory> held[2];
    for (int i = 0; i < 50; ++i) {
      walk.step();
      if (waiting) walk.wait();
      // Now and then to other memory, and to larger, and under another scene's forces.
      if (i % 5 == 2) held[i % 2] = walk.engine->share();
      if (i == 20) walk.world.set_particles(kParticles * 2);
      if (i == 30) held[0].reset(), held[1].reset();
      if (i == 35) walk.world.set_scene(*find_scene("galaxy"));
    }
    Bytes picture = walk.draw();
    return std::pair{picture, walk.heights()};
  };
  const auto waited = after(true), in_flight = after(false);
  EXPECT_EQ(waited.first, in_flight.first);
  EXPECT_EQ(waited.second, in_flight.second);
  EXPECT_NE(waited.first, Bytes(kSmall.size)) << "nothing was drawn";
}

TEST(InFlight, AWorldThatStandsStillKeepsItsPicture) {
  Walk walk("galaxy");
  for (int i = 0; i < 10; ++i) walk.step();
  const Bytes first = walk.draw();
  // Once round the ring and more: none of the frames has the colours of an older step.
  for (int i = 0; i < 4; ++i) EXPECT_EQ(walk.draw(false), first) << i;
  EXPECT_NE(walk.draw(), first);
}

TEST(InFlight, AnEngineMayGoAtAnyTime) {
  for (int steps : {1, 2, 3, 4, 7}) {
    Walk walk;
    for (int i = 0; i < steps; ++i) walk.step();
    walk.splat();
  }
}

TEST(InFlight, MemoryThatIsTooSmallGoesWhenTheDeviceIsDoneWithIt) {
  Walk walk;
  std::shared_ptr<const ParticleMemory> held;
  for (uint32_t times = 1; times <= 8; ++times) {
    walk.world.set_particles(kParticles * times);
    walk.step();
    walk.step();
    // The next step goes to memory that was made for fewer.
    if (times % 3 == 0) held = walk.engine->share();
  }
  EXPECT_EQ(walk.heights().size(), kParticles * 8);
}

TEST(InFlight, ThePictureAndTheForcesMayChange) {
  Walk walk;
  walk.splat();
  ASSERT_TRUE(walk.engine->set_picture(kSmaller));
  ASSERT_TRUE(walk.engine->set_picture(kSmall));
  walk.splat();
  walk.world.set_scene(*find_scene("galaxy"));
  walk.splat();
  const Bytes changed = walk.draw();

  Walk other;
  for (int i = 0; i < 2; ++i) other.step(), other.wait();
  other.world.set_scene(*find_scene("galaxy"));
  other.step();
  other.wait();
  EXPECT_EQ(changed, other.draw());
}

TEST(InFlight, AStateIsSharedBeforeItIsThereAndOutlivesItsEngine) {
  Simulation simulation(vulkan(), *find_scene("galaxy"), 3, kParticles);
  std::vector<std::shared_ptr<const Snapshot>> early;
  std::unique_ptr<Renderer> renderer;
  auto draw = [&](const Snapshot& snapshot) {
    if (!renderer) renderer = std::move(*Renderer::open(snapshot, 1));
    EXPECT_TRUE(renderer->set_picture(kSmaller));
    auto frame = renderer->frame_maker()();
    std::memset((*frame)->data(), 0, kSmaller.size);
    EXPECT_TRUE(renderer->draw(snapshot, 0, **frame));
    return Bytes((*frame)->data(), (*frame)->data() + kSmaller.size);
  };
  std::vector<Bytes> pictures;
  {
    Simulation other(vulkan(), *find_scene("galaxy"), 3, kParticles);
    for (int64_t i = 0; i < 6; ++i) early.push_back(*other.snapshot(i, kRate, kNever));
    pictures.push_back(draw(*early.back()));
    for (int64_t i = 6; i < 9; ++i) early.push_back(*other.snapshot(i, kRate, kNever));
  }
  pictures.push_back(draw(*early.back()));

  for (int64_t i = 0; i < 9; ++i) {
    auto snapshot = *simulation.snapshot(i, kRate, kNever);
    float x = 0;  // waits
    ASSERT_TRUE(simulation.engine().read(*snapshot->memory, 1,
                                         {.px = {&x, 1}, .py = {}, .pz = {}, .vx = {}, .vy = {}, .vz = {}}));
    if (i == 5 || i == 8) {
      EXPECT_EQ(pictures[i == 8], draw(*snapshot)) << i;
    }
  }
}

TEST(FrameRing, GivesThreeFramesInTurnEachWithItsOwnMemory) {
  auto device = test::llvmpipe();
  auto program = vk::Program::create(device, {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER});
  ASSERT_TRUE(program);
  const vk::FrameRing::Upload uploads[] = {{256}};
  auto ring = vk::FrameRing::create(**program, uploads);
  ASSERT_TRUE(ring);
  auto to = vk::Buffer::create(device, 256 * 7, vk::BufferUse::readback, "copies");
  ASSERT_TRUE(to);
  std::set<std::byte*> memories;
  for (unsigned i = 0; i < 7; ++i) {
    auto frame = (*ring)->next();
    ASSERT_TRUE(frame);
    const vk::Buffer& upload = (*frame)->uploads[0];
    memories.insert(upload.data());
    std::memset(upload.data(), static_cast<int>(i + 1), upload.size());
    const vk::Submission::Range range{upload.get()};
    auto& submission = *(*frame)->submission;
    ASSERT_TRUE(submission.begin({&range, 1}));
    submission.copy(upload, 0, *to, 256 * i, 256);
    submission.show_to_processor();
    ASSERT_TRUE(submission.submit());
  }
  ASSERT_TRUE((*ring)->wait());
  EXPECT_EQ(memories.size(), vk::FrameRing::kFrames);
  for (unsigned i = 0; i < 256 * 7; ++i) {
    ASSERT_EQ(std::to_integer<unsigned>(to->data()[i]), i / 256 + 1) << "a frame was written in flight";
  }
}

// What is named in VK_INSTANCE_LAYERS and is not there is only a warning of the loader's.
TEST(Layers, AreThereWhenAskedFor) {
  const char* wanted = std::getenv("VK_INSTANCE_LAYERS");
  if (!wanted) return;
  uint32_t count = 0;
  ASSERT_EQ(vkEnumerateInstanceLayerProperties(&count, nullptr), VK_SUCCESS);
  std::vector<VkLayerProperties> layers(count);
  ASSERT_EQ(vkEnumerateInstanceLayerProperties(&count, layers.data()), VK_SUCCESS);
  EXPECT_TRUE(std::ranges::any_of(layers, [&](const auto& l) { return !std::strcmp(l.layerName, wanted); }))
      << "install vulkan-validationlayers";
}

}  // namespace
}  // namespace campaign::particles

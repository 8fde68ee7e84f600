// The two executors under each force alone: where the same seed's particles are after 100 steps. The kernel
// is one source, but square roots and fused multiplications are each processor's own, so that positions drift
// apart by rounding; a wrong sign or a missing term is off by orders of magnitude more.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "particles/cpu/cpu_engine.hpp"
#include "particles/scene_json.hpp"
#include "particles/vulkan_engine.hpp"
#include "particles/world.hpp"
#include "tests/support/llvmpipe.hpp"

namespace campaign::particles {
namespace {

constexpr uint32_t kParticles = 20'001;  // not a multiple of anything
constexpr double kTolerance = 1e-4;      // units; the worst seen was 1.2e-5, of positions up to 4
constexpr Nanoseconds kFrame = 33'333'333;

struct State {
  std::vector<float> px, py, pz, vx, vy, vz;
  explicit State(uint32_t count) : px(count), py(count), pz(count), vx(count), vy(count), vz(count) {}
  StateOut out() { return {px, py, pz, vx, vy, vz}; }
};

State after(std::unique_ptr<Engine> engine, const Scene& scene, int steps) {
  World world(scene, 5, kParticles);
  world.restart(0);
  for (int i = 0; i <= steps; ++i) {
    auto step = world.advance(i * kFrame);
    EXPECT_TRUE(step);
    auto done = engine->run({.step = &*step});
    EXPECT_TRUE(done) << done.error().for_user();
  }
  State state(kParticles);
  auto read = engine->read(kParticles, state.out());
  EXPECT_TRUE(read) << read.error().for_user();
  return state;
}

struct Force {
  const char* name;
  const char* json;   // the scene's fields beside the emitter
  double strays = 0;  // part of the particles that may be anywhere: those that met an edge
};

// Turbulence is looked up in a table without interpolation: a particle that rounding puts on the other side
// of a cell's edge gets another push, and from there another way.
const Force kForces[] = {
    {"Nothing", R"("drag": 0)"},
    {"Gravity", R"("gravity": [0.1, -0.3, 0.05])"},
    {"Drag", R"("drag": 0.8)"},
    {"Turbulence", R"("turbulence": { "strength": 0.5, "size": 3, "drift": [0.1, 0.02, 0.05] })", 0.001},
    {"LinearAttractor",
     R"("attractors": [{ "position": [0.8, 0.2, 0], "strength": 0.6, "softening": 0.2, "falloff": "linear" }])"},
    {"SquareAttractor",
     R"("attractors": [{ "position": [-0.8, 0, 0.3], "strength": 0.4, "softening": 0.2, "falloff": "square" }])"},
    {"Spin",
     R"("attractors": [{ "position": [0, 0.3, 0], "strength": 0.1, "softening": 0.2, "spin": 0.3 }])"},
    {"Repelling", R"("attractors": [{ "position": [0.1, 0, 0], "strength": -0.5, "softening": 0.2 }])"},
    {"Spheres",
     R"("spheres": [{ "position": [0, -0.6, 0], "radius": 0.5 }, { "position": [0.5, 0.5, 0], "radius": 0.4 }])"},
    {"Planes",
     R"("gravity": [0, -0.5, 0], "planes": [{ "normal": [0, 1, 0], "distance": -0.5 }, { "normal": [1, 0, 0], "distance": -1 }])"},
};

class Agreement : public testing::TestWithParam<Force> {};

TEST_P(Agreement, OfPositionsAfter100Steps) {
  const Force& force = GetParam();
  auto scene = parse_scene(std::string(R"({ "emitters": [{ "shape": "ball", "size": [1.2, 1, 0],
      "life": { "min": 6, "max": 10 }, "jitter": 0.3 }], )") +
                           force.json + " }");
  ASSERT_TRUE(scene) << scene.error().for_user();
  const State cpu = after(make_cpu_engine(), *scene, 100), gpu = after(test::llvmpipe_engine(), *scene, 100);
  const State start = after(make_cpu_engine(), *scene, 0);

  std::vector<double> apart(kParticles);
  double moved = 0;
  for (uint32_t i = 0; i < kParticles; ++i) {
    apart[i] = std::max({std::abs(double{cpu.px[i]} - gpu.px[i]), std::abs(double{cpu.py[i]} - gpu.py[i]),
                         std::abs(double{cpu.pz[i]} - gpu.pz[i])});
    moved += std::hypot(cpu.px[i] - start.px[i], cpu.py[i] - start.py[i], cpu.pz[i] - start.pz[i]);
  }
  std::sort(apart.begin(), apart.end());
  const auto strays = static_cast<uint32_t>(force.strays * kParticles);
  std::printf("%-16s median %.1e, 99%% %.1e, greatest %.1e units apart; beyond %.0e: %td of %u\n", force.name,
              apart[kParticles / 2], apart[kParticles * 99 / 100], apart.back(), kTolerance,
              apart.end() - std::upper_bound(apart.begin(), apart.end(), kTolerance), kParticles);
  EXPECT_GT(moved / kParticles, 0.05) << "nothing happened, so nothing was compared";
  EXPECT_LE(apart[kParticles - 1 - strays], kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Each, Agreement, testing::ValuesIn(kForces),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(Agreement, OfWhatTheForcesDoIsNotThatTheyDoNothing) {
  // Each force against none: what the comparison above would miss if an executor left it out.
  auto still = [&] {
    auto scene = parse_scene(std::string(R"({ "emitters": [{ "shape": "ball", "size": [1.2, 1, 0],
        "life": { "min": 6, "max": 10 }, "jitter": 0.3 }] })"));
    return after(make_cpu_engine(), *scene, 100);
  }();
  for (const Force& force : kForces) {
    if (&force == kForces) continue;
    auto scene = parse_scene(std::string(R"({ "emitters": [{ "shape": "ball", "size": [1.2, 1, 0],
        "life": { "min": 6, "max": 10 }, "jitter": 0.3 }], )") +
                             force.json + " }");
    const State moved = after(make_cpu_engine(), *scene, 100);
    uint32_t elsewhere = 0;
    for (uint32_t i = 0; i < kParticles; ++i) {
      elsewhere +=
          std::hypot(moved.px[i] - still.px[i], moved.py[i] - still.py[i], moved.pz[i] - still.pz[i]) > 0.01;
    }
    EXPECT_GT(elsewhere, kParticles / 10) << force.name;
  }
}

// What each particle weighs, in whole numbers. A brightness is 0.2 + 1.2 b^2 for a byte b / 256 of the salt,
// times 256, rounded by another byte's 256ths; with 5/6, 5/12 and 5/24 for colours what is rounded lies at
// least 3e-4 from any edge, so that no executor's rounding can matter.
std::array<uint64_t, 3> weights_of(uint32_t id) {
  uint32_t salt = id * 0x9E3779B9u;
  salt = (salt ^ (salt >> 15)) * 0x85EBCA77u;
  const double b = salt >> 24, brightness = 256 * (0.2 + 1.2 * b * b / 65536);
  const double threshold = (salt >> 8 & 255) / 256.0;
  std::array<uint64_t, 3> weights;
  for (unsigned c = 0; c < 3; ++c) {
    weights[c] = static_cast<uint64_t>(brightness * (5.0 / 6) / (1 << c) + threshold);
  }
  return weights;
}

TEST(Agreement, OfTheAccumulatedLightWithTheWeightsOfWhatIsVisible) {
  constexpr uint32_t kDrawn = kParticles - 2'345, kWidth = 321, kHeight = 181;
  auto scene = parse_scene(R"({ "emitters": [{ "shape": "ball", "size": [1.2, 1, 0], "jitter": 0.3,
                                               "life": { "min": 6, "max": 10 } }], "gravity": [0.1, -0.3, 0] })");
  ASSERT_TRUE(scene) << scene.error().for_user();
  // Seen straight ahead without perspective: a scale and an offset.
  ViewParams view{};
  view.column = {150.0f / kWidth, 0, 0, 160.5f / kWidth};
  view.row = {0, -150.0f / kHeight, 0, 70.25f / kHeight};
  view.depth = {0, 0, 0, 1};
  view.raster = {kWidth, kHeight, 0, 0};
  view.place.x = place_bits(kWidth, kHeight);
  view.target.y = kDrawn;
  view.light = {256, 1, 1, 1};
  view.ground.w = 1;

  std::unique_ptr<Engine> engines[] = {make_cpu_engine(1),
                                       make_cpu_engine(7),
                                       test::llvmpipe_engine({}),
                                       test::llvmpipe_engine({.slices = 7}),
                                       test::llvmpipe_engine({.slices = 0}),
                                       test::llvmpipe_engine({.int64_atomics = false, .slices = 0})};
  for (auto& engine : engines) {
    SCOPED_TRACE(engine->device_name());
    ASSERT_TRUE(engine->set_picture(FrameLayout::packed(PixelFormat::nv12, kWidth, kHeight)));
    World world(*scene, 5, kParticles);
    world.restart(0);
    for (int frame = 0; frame < 20; ++frame) {
      auto step = world.advance(frame * kFrame);
      ASSERT_TRUE(step);
      for (auto& cohort : step->cohorts) {
        cohort.slow = {5.0f / 6, 5.0f / 12, 5.0f / 24, 0};
        cohort.fast = {};
      }
      ASSERT_TRUE(engine->run({.step = &*step, .view = &view, .splat = true}));
    }
    State state(kParticles);
    ASSERT_TRUE(engine->read(kParticles, state.out()));
    std::array<uint64_t, 3> expected{};
    uint32_t hidden = 0;
    for (uint32_t i = 0; i < kDrawn; ++i) {
      const double x = state.px[i] * 150.0 + 160.5, y = state.py[i] * -150.0 + 70.25;
      for (double edge : {x, x - kWidth, y, y - kHeight}) {
        ASSERT_GT(std::abs(edge), 1e-4) << "rounding decides whether particle " << i << " is visible";
      }
      if (x < 0 || y < 0 || x > kWidth || y > kHeight) {
        ++hidden;
        continue;
      }
      for (unsigned c = 0; c < 3; ++c) expected[c] += weights_of(i)[c];
    }
    EXPECT_GT(hidden, kDrawn / 20);
    EXPECT_LT(hidden, kDrawn / 2);
    auto sum = [&] {
      std::vector<uint32_t> light(size_t{kWidth} * kHeight * 3);
      auto read = engine->read_light(light);
      EXPECT_TRUE(read) << read.error().for_user();
      std::array<uint64_t, 3> sums{};
      for (size_t i = 0; i < light.size(); ++i) sums[i % 3] += light[i];
      return sums;
    };
    EXPECT_EQ(sum(), expected) << "moved and drawn in one pass";
    ASSERT_TRUE(engine->run({.view = &view, .splat = true}));
    EXPECT_EQ(sum(), expected) << "drawn again";
    std::vector<uint32_t> less(5);
    EXPECT_FALSE(engine->read_light(less));
  }
}

TEST(EngineRead, GivesAPrefixAndRefusesMoreThanThereIs) {
  Scene scene;
  scene.emitters.emplace_back();
  for (bool on_cpu : {true, false}) {
    auto engine = on_cpu ? make_cpu_engine() : test::llvmpipe_engine();
    State some(1001);
    EXPECT_FALSE(engine->read(1, some.out())) << "before any step";
    World world(scene, 5, kParticles);
    world.restart(0);
    auto step = world.advance(0);
    ASSERT_TRUE(engine->run({.step = &*step}));
    State all(kParticles);
    ASSERT_TRUE(engine->read(kParticles, all.out()));
    ASSERT_TRUE(engine->read(1001, some.out()));
    EXPECT_TRUE(std::equal(some.px.begin(), some.px.end(), all.px.begin()));
    EXPECT_TRUE(std::equal(some.vz.begin(), some.vz.end(), all.vz.begin()));
    std::vector<float> only(7);
    EXPECT_TRUE(engine->read(7, {.py = only}));
    EXPECT_TRUE(std::equal(only.begin(), only.end(), all.py.begin()));
    EXPECT_FALSE(engine->read(kParticles + 1, {})) << on_cpu;
    EXPECT_FALSE(engine->read(1002, some.out())) << on_cpu;
  }
}

}  // namespace
}  // namespace campaign::particles

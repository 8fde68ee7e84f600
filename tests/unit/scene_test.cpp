// Scenes from JSON: what is taken, and what is refused with its place.
#include "particles/scene_json.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <random>

#include "particles/kernel_types.hpp"

#include "particles/presets.hpp"

namespace campaign::particles {
namespace {

struct Refusal {
  const char* json;
  const char* says;  // part of the message
};

class SceneRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(SceneRefusal, SaysWhereAndWhatWouldFit) {
  auto scene = parse_scene(GetParam().json);
  ASSERT_FALSE(scene) << GetParam().json;
  EXPECT_NE(scene.error().for_user().find(GetParam().says), std::string::npos) << scene.error().for_user();
}

INSTANTIATE_TEST_SUITE_P(
    Table, SceneRefusal,
    testing::Values(
        Refusal{"", "valid JSON"}, Refusal{"{", "valid JSON"},
        Refusal{"[]", "the scene must be an object, not an array of 0"},
        Refusal{"{}", "emitters must be an array of at least 1"},
        Refusal{R"({"emitters":[]})", "emitters must be an array of at least 1"},
        Refusal{R"({"emitters":{}})", "emitters must be an array of at most 8, not an object"},
        Refusal{R"({"emitters":[{},{},{},{},{},{},{},{},{}]})",
                "emitters must be an array of at most 8, not an array of 9"},
        Refusal{R"({"emitters":[7]})", "emitters[0] must be an object, not 7"},
        Refusal{R"({"emitters":[{},{"shape":7}]})", "emitters[1].shape must be one of ball, disc"},
        Refusal{R"({"emitters":[{"size":[1,2]}]})",
                "emitters[0].size must be an array of 3 numbers, not an array of 2"},
        Refusal{R"({"emitters":[{"size":[1,2,"x"]}]})", "emitters[0].size must be a number from"},
        Refusal{R"({"emitters":[{"life":{"min":4,"max":2}}]})", "emitters[0].life.max must be at least min"},
        Refusal{R"({"emitters":[{"life":{"max":1e9}}]})",
                "emitters[0].life.max must be a number from 0.1 to 30"},
        Refusal{R"({"emitters":[{"slow":"red"}]})", "emitters[0].slow must be a colour like"},
        Refusal{R"({"emitters":[{"slow":"#12345g"}]})", "emitters[0].slow must be a colour like"},
        Refusal{R"({"emitters":[{}],"gravitation":1})", "not 'gravitation'"},
        Refusal{R"({"emitters":[{"\u001b[31m\u0000":1}]})", R"(not '\u001b[31m\u0000')"},
        Refusal{R"({"emitters":[{}],"drag":1,"look":{},"drag":1})", "drag must be there once, not twice"},
        Refusal{R"({"emitters":[{},{"life":{"min":1},"life":{"min":1}}]})",
                "emitters[1].life must be there once, not twice"},
        Refusal{R"({"emitters":[{"life":{"max":9,"min":1,"max":9}},{}]})",
                "emitters[0].life.max must be there once, not twice"},
        Refusal{R"({"emitters":[{"life":{"min":1}},{}],"drag":1e999})",
                "drag must be a number, not one that is too large"},
        Refusal{R"({"emitters":[{},{"position":[0,-1e999,0]}]})",
                "emitters[1].position[1] must be a number, not one that is too large"},
        Refusal{R"({"emitters":[{}],"drag":-1})", "drag must be a number from 0 to 100, not -1"},
        Refusal{R"({"emitters":[{}],"planes":[{"normal":[0,0,0]}]})",
                "planes[0].normal must be longer than 0"},
        Refusal{R"({"emitters":[{}],"attractors":[{},{},{},{},{},{},{},{}]})",
                "attractors must be an array of at most 7"},
        Refusal{R"({"emitters":[[[[[[[[[[]]]]]]]]]]})", "nested at most 8 levels"}));

TEST(Scene, TakesEveryFieldAndNormalisesPlanes) {
  auto scene = parse_scene(R"({"name":"all","emitters":[{"shape":"ring","share":2,"position":[1,2,3],
    "size":[1,0.1,0],"life":{"min":1,"max":2},"velocity":[0,1,0],"jitter":0.1,"orbit":{"speed":1,"core":0.2},
    "outward":0.1,"arms":{"count":3,"winding":0.5,"spread":0.1,"phase":0.2},"bias":0.5,"slow":"#ffffff",
    "fast":"#000000","full_speed":2,"brightness":0.5}],"attractors":[{"falloff":"square","spin":1}],
    "spheres":[{"radius":2}],"planes":[{"normal":[0,0.5,0],"distance":-1}],"bounce":{"spheres":0.1,"planes":0.2},
    "gravity":[0,-9.8,0],"drag":0.5,"turbulence":{"strength":1,"size":2,"drift":[1,0,0]},"pointer_strength":1,
    "camera":{"distance":5,"elevation":0.1,"azimuth":0.2,"turning":0,"field_of_view":1},
    "look":{"exposure":2,"glow":0.1,"glow_size":0.1,"background":"#000000"}})");
  ASSERT_TRUE(scene) << scene.error().for_user();
  EXPECT_EQ(scene->emitters[0].shape, Shape::ring);
  EXPECT_EQ(scene->emitters[0].slow.g, 1.0);
  EXPECT_EQ(scene->attractors[0].steepness, 1.0);
  EXPECT_EQ(scene->planes[0].normal.y, 1.0);
  EXPECT_EQ(scene->longest_life(), 2.0);
}

TEST(Scene, EveryPresetParses) {
  for (const auto& preset : presets()) {
    auto scene = find_scene(preset.name);
    EXPECT_TRUE(scene) << preset.name << ": " << (scene ? "" : scene.error().for_user());
  }
}

TEST(Scene, AnUnknownNameListsTheKnownOnes) {
  auto scene = find_scene("no-such-scene");
  ASSERT_FALSE(scene);
  EXPECT_NE(scene.error().for_user().find(preset_names()), std::string::npos);
}

TEST(Scene, AFileIsReadAndItsErrorsNameIt) {
  const std::string path = testing::TempDir() + "campaign-scene-test.json";
  std::ofstream(path) << R"({"emitters":[{"share":-1}]})";
  auto scene = find_scene(path);
  ASSERT_FALSE(scene);
  EXPECT_NE(scene.error().for_user().find(path), std::string::npos);
  std::ofstream(path) << R"({"name":"from a file","emitters":[{}]})";
  scene = find_scene(path);
  ASSERT_TRUE(scene);
  EXPECT_EQ(scene->name, "from a file");
  std::ofstream(path) << std::string(kLargestSceneText + 9, ' ');
  scene = find_scene(path);
  ASSERT_FALSE(scene);
  EXPECT_NE(scene.error().for_user().find("at most 65536 bytes, not 65545"), std::string::npos);
  std::remove(path.c_str());
}

TEST(Scene, WhatIsNoOrdinaryFileIsNotOpened) {
  auto folder = find_scene(testing::TempDir());
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().for_user().find("is a folder"), std::string::npos) << folder.error().for_user();
  auto device = find_scene("/dev/zero");
  ASSERT_FALSE(device);
  EXPECT_NE(device.error().for_user().find("not an ordinary file"), std::string::npos);

  const std::string pipe = testing::TempDir() + "campaign-scene-pipe-" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  auto nobody_writes = find_scene(pipe);  // and to open it would wait for somebody who does
  std::remove(pipe.c_str());
  ASSERT_FALSE(nobody_writes);
  EXPECT_NE(nobody_writes.error().for_user().find("not an ordinary file"), std::string::npos);
}

TEST(Scene, NeitherDepthNorNoiseBreaksTheParser) {
  EXPECT_FALSE(parse_scene(std::string(kLargestSceneText, '[')));
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good(presets()[0].json);
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (int i = 0; i < 4; ++i) text[random() % text.size()] = static_cast<char>(random());
    auto scene = parse_scene(text.substr(0, random() % text.size() + 1));
    if (scene) {
      EXPECT_LE(scene->emitters.size(), size_t{kMaxEmitters});
    }
  }
}

}  // namespace
}  // namespace campaign::particles

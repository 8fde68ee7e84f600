// How particlesrc starts and stops: what it says when it cannot, state cycles, other devices and processes.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "frames.hpp"

namespace campaign::test {
namespace {

constexpr const char* kSmall = "format=NV12,width=64,height=36,framerate=30/1";

std::string failure_of(const std::string& properties) {
  FramePipeline pipeline(properties, kSmall);
  EXPECT_FALSE(pipeline.play()) << properties;
  return pipeline.wait_for(GST_MESSAGE_ERROR);
}

void expect_says(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
}

struct Played {
  int status;
  std::string output;
};

// The same launch line in a process with another environment.
Played play_in(const std::map<std::string, std::string>& environment, const std::string& source) {
  gchar** env = g_get_environ();
  for (const auto& [name, value] : environment)
    env = g_environ_setenv(env, name.c_str(), value.c_str(), TRUE);
  const std::string launch = "particlesrc name=src " + source + " ! video/x-raw," + kSmall +
                             " ! appsink name=sink sync=false max-buffers=1";
  gchar* argv[] = {const_cast<gchar*>(PLAY_PIPELINE), const_cast<gchar*>(launch.c_str()), nullptr};
  gchar* output = nullptr;
  gint status = -1;
  GError* error = nullptr;
  EXPECT_TRUE(
      g_spawn_sync(nullptr, argv, env, G_SPAWN_DEFAULT, nullptr, nullptr, &output, nullptr, &status, &error))
      << error->message;
  Played played{status, output ? output : ""};
  g_free(output);
  g_strfreev(env);
  return played;
}

TEST(ParticleSrcStart, NamesTheDevicesWhenOneIsUnknown) {
  expect_says(failure_of("device=nosuchgpu"), {"nosuchgpu", "llvmpipe", "auto"});
  expect_says(failure_of("device=99"), {"99", "llvmpipe"});
}

TEST(ParticleSrcStart, NamesThePackageWhenThereIsNoVulkanDriver) {
  const std::map<std::string, std::string> nothing = {{"VK_DRIVER_FILES", "/nonexistent.json"},
                                                      {"VK_ICD_FILENAMES", "/nonexistent.json"}};
  const Played refused = play_in(nothing, "device=0 num-buffers=1");
  EXPECT_NE(refused.status, 0);
  expect_says(refused.output, {"no Vulkan driver", "mesa-vulkan-drivers"});
  // The processor needs none.
  for (const char* device : {"auto", "cpu"}) {
    const Played played = play_in(nothing, "particles=1000 num-buffers=2 device=" + std::string(device));
    EXPECT_EQ(played.status, 0) << device << ": " << played.output;
  }
}

TEST(ParticleSrcStart, FramesDoNotDependOnTheDriversThreads) {
  const std::string source = "particles=30000 num-buffers=10 seed=5 device=llvmpipe";
  const Played one = play_in({{"LP_NUM_THREADS", "1"}}, source),
               two = play_in({{"LP_NUM_THREADS", "2"}}, source);
  EXPECT_EQ(one.status, 0);
  EXPECT_EQ(std::ranges::count(one.output, '\n'), 10);
  EXPECT_EQ(one.output, two.output);
}

TEST(ParticleSrcStart, SaysWhichScenesThereAre) {
  expect_says(failure_of("scene=nosuchscene"), {"nosuchscene", "galaxy", "benchmark", "JSON"});
}

TEST(ParticleSrcStart, SaysWhereASceneIsWrong) {
  expect_says(failure_of(R"(scene="{\"emitters\":[{},{\"shape\":7}]}")"), {"emitters[1].shape", "ball", "7"});
  expect_says(failure_of(R"(scene="{\"emitters\":[{\"shapes\":\"ball\"}]}")"), {"emitters[0]", "'shapes'"});
  expect_says(failure_of(R"(scene="{\"emitters\":[{}")"), {"valid JSON"});
  expect_says(failure_of(R"(scene="{}")"), {"emitters", "at least 1"});
}

TEST(ParticleSrcStart, ReadsASceneFromAFile) {
  const auto path =
      std::filesystem::temp_directory_path() / ("particlesrc-" + std::to_string(getpid()) + ".json");
  std::ofstream(path) << R"({"emitters":[{"shape":"ring"}]})";
  FramePipeline good("particles=1000 device=cpu num-buffers=1 scene=" + path.string(), kSmall);
  EXPECT_TRUE(good.play());
  EXPECT_EQ(good.pull_all().size(), 1u);
  std::ofstream(path) << R"({"emitters":[{"shape":"rings"}]})";
  expect_says(failure_of("scene=" + path.string()), {path.c_str(), "emitters[0].shape", "ring"});
  std::filesystem::remove(path);
}

TEST(ParticleSrcStart, RefusesCountsThatCannotBe) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    const std::string on = " device=" + std::string(device);
    expect_says(failure_of("particles=0" + on), {"particles must be 1 to ", "not 0"});
    expect_says(failure_of("particles=4294967295" + on), {"particles must be 1 to ", "4294967295"});
  }
}

TEST(ParticleSrcStart, RefusesACampaignIdThatCannotBeInAnAddress) {
  for (const char* id : {"", "two words", "a/b", "caf\xc3\xa9"}) {
    expect_says(failure_of("campaign-id=\"" + std::string(id) + "\""),
                {"campaign-id must be 1 to 64 characters", id});
  }
  expect_says(failure_of("campaign-id=" + std::string(65, 'x')), {"campaign-id"});
  FramePipeline good("device=cpu particles=10 num-buffers=1 campaign-id=" + std::string(59, 'x') + ".A-_9",
                     kSmall);
  EXPECT_TRUE(good.play());
}

TEST(ParticleSrcStart, RecoversOnceThePropertyIsRight) {
  FramePipeline pipeline("scene=nosuchscene particles=1000 device=nosuchgpu num-buffers=3", kSmall);
  EXPECT_FALSE(pipeline.play());
  expect_says(pipeline.wait_for(GST_MESSAGE_ERROR), {"nosuchscene"});
  g_object_set(pipeline.src(), "scene", "galaxy", nullptr);
  EXPECT_FALSE(pipeline.set_state(GST_STATE_NULL) && pipeline.play());
  expect_says(pipeline.wait_for(GST_MESSAGE_ERROR), {"nosuchgpu"});
  g_object_set(pipeline.src(), "device", "cpu", nullptr);
  ASSERT_TRUE(pipeline.set_state(GST_STATE_NULL));
  ASSERT_TRUE(pipeline.play());
  EXPECT_EQ(pipeline.pull_all().size(), 3u);
}

TEST(ParticleSrcStart, StartsAnewAfterNull) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    FramePipeline pipeline("particles=1000 num-buffers=4 device=" + std::string(device), kSmall);
    uint64_t first = 0;
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(pipeline.play());
      auto frames = pipeline.pull_all();
      ASSERT_EQ(frames.size(), 4u);
      EXPECT_EQ(frames[0].pts, 0u);
      if (i == 0) first = frames[3].checksum;
      EXPECT_EQ(frames[3].checksum, first) << device << " cycle " << i;
      ASSERT_TRUE(pipeline.set_state(GST_STATE_NULL));
    }
  }
}

TEST(ParticleSrcStart, ComesAndGoesInTheMiddleOfPlaying) {
  for (const char* live : {"false", "true"}) {
    FramePipeline pipeline("particles=1000 device=cpu is-live=" + std::string(live), kSmall);
    for (int i = 0; i < 5; ++i) {
      ASSERT_NE(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
      ASSERT_TRUE(pipeline.pull(3));
      ASSERT_TRUE(pipeline.set_state(GST_STATE_NULL));
    }
  }
}

TEST(ParticleSrcStart, PausingLosesNoFrame) {
  FramePipeline pipeline("particles=1000 device=cpu", kSmall);
  ASSERT_TRUE(pipeline.play());
  guint64 expected = 0;
  for (int i = 0; i < 5; ++i) {
    for (int f = 0; f < 7; ++f) {
      auto frame = pipeline.pull();
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->offset, expected++);
    }
    ASSERT_TRUE(pipeline.set_state(GST_STATE_PAUSED));
    ASSERT_TRUE(pipeline.play());
  }
}

TEST(ParticleSrcStart, StopsInTheMiddleOfALongWayThroughTime) {
  // 600,000 particles, and a seek that has ten seconds of their life to make up for: seconds of work on the
  // software driver.
  FramePipeline pipeline("particles=600000 device=llvmpipe", kSmall);
  ASSERT_TRUE(pipeline.play());
  ASSERT_TRUE(pipeline.pull());
  ASSERT_TRUE(pipeline.seek(1.0, 3600 * GST_SECOND));
  const gint64 start = g_get_monotonic_time();
  ASSERT_TRUE(pipeline.set_state(GST_STATE_NULL));
  EXPECT_LT(double(g_get_monotonic_time() - start) / G_USEC_PER_SEC, 1.0);
}

TEST(ParticleSrcStart, EveryPropertyExplainsItself) {
  GstElement* src = gst_element_factory_make("particlesrc", nullptr);
  guint count = 0;
  GParamSpec** properties = g_object_class_list_properties(G_OBJECT_GET_CLASS(src), &count);
  for (guint i = 0; i < count; ++i) {
    if (properties[i]->owner_type != G_OBJECT_TYPE(src)) continue;
    EXPECT_GT(std::string(g_param_spec_get_blurb(properties[i])).size(), 15u) << properties[i]->name;
    if (properties[i]->flags & G_PARAM_WRITABLE) {
      EXPECT_TRUE(properties[i]->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING))
          << properties[i]->name;
    }
  }
  const GParamSpec* device = g_object_class_find_property(G_OBJECT_GET_CLASS(src), "device");
  expect_says(g_param_spec_get_blurb(const_cast<GParamSpec*>(device)), {"auto", "cpu", "Vulkan"});
  g_free(properties);
  gst_object_unref(src);
}

}  // namespace
}  // namespace campaign::test

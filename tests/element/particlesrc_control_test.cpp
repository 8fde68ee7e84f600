// particlesrc while it plays: properties, controllers, pointers, events from downstream, and what it tells.
#include <gst/check/gstharness.h>
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <gst/video/navigation.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "frames.hpp"
#include "util/gst_ptr.hpp"

namespace campaign::test {
namespace {

constexpr const char* kSmall = "format=NV12,width=64,height=36,framerate=30/1";
const std::string kFew = "device=cpu particles=4000 ";
constexpr int kInFlight = 4;  // frames that may be drawn already when something changes

// Frame 20 of a source to which `change` was done after its third one.
Frame frame_after(const std::function<void(FramePipeline&)>& change, const std::string& properties = kFew) {
  FramePipeline pipeline(properties, kSmall);
  EXPECT_TRUE(pipeline.play());
  EXPECT_TRUE(pipeline.pull(3));
  change(pipeline);
  auto frame = pipeline.pull(18);
  EXPECT_TRUE(frame);
  return frame.value_or(Frame{});
}

const Frame& undisturbed() {
  static const Frame frame = frame_after([](FramePipeline&) {});
  return frame;
}

GstEvent* upstream(GstStructure* structure) {
  return gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure);
}

TEST(ParticleSrcControl, ParticlesGoUpAndDownWhilePlaying) {
  for (const char* device : {"cpu", "llvmpipe"}) {
    FramePipeline pipeline("particles=4000 device=" + std::string(device), kSmall);
    ASSERT_TRUE(pipeline.play());
    ASSERT_TRUE(pipeline.pull(3));
    for (guint particles : {40'000u, 100u, 12'345u, 1u}) {
      g_object_set(pipeline.src(), "particles", particles, nullptr);
      ASSERT_TRUE(pipeline.pull(kInFlight + 1));
      EXPECT_EQ(SourceStats(pipeline.src()).particles, particles) << device;
    }
  }
}

TEST(ParticleSrcControl, ACountThatCannotBeIsWarnedAboutAndLeavesTheWorldAlone) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.play());
  ASSERT_TRUE(pipeline.pull(2));
  g_object_set(pipeline.src(), "particles", 0, nullptr);
  ASSERT_TRUE(pipeline.pull(kInFlight + 1));
  EXPECT_NE(pipeline.wait_for(GST_MESSAGE_WARNING).find("particles must be 1 to "), std::string::npos);
  EXPECT_EQ(SourceStats(pipeline.src()).particles, 4000u);
}

TEST(ParticleSrcControl, TheSceneChangesWhilePlaying) {
  const Frame changed =
      frame_after([](FramePipeline& p) { g_object_set(p.src(), "scene", "benchmark", nullptr); });
  EXPECT_NE(changed.checksum, undisturbed().checksum);
  EXPECT_GT(changed.brightness, 17);
}

TEST(ParticleSrcControl, ASceneThatIsWrongIsWarnedAboutAndTheOldOneGoesOn) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.play());
  ASSERT_TRUE(pipeline.pull(2));
  g_object_set(pipeline.src(), "scene", "no such scene", nullptr);
  ASSERT_TRUE(pipeline.pull(kInFlight + 1));
  const std::string warning = pipeline.wait_for(GST_MESSAGE_WARNING);
  EXPECT_NE(warning.find("no such scene"), std::string::npos) << warning;
  EXPECT_NE(warning.find("galaxy"), std::string::npos) << warning;
  EXPECT_EQ(frame_after([](FramePipeline& p) {
              g_object_set(p.src(), "scene", "no such scene", nullptr);
            }).checksum,
            undisturbed().checksum);
}

TEST(ParticleSrcControl, ForcesChangeThePicture) {
  for (const char* force : {"gravity-factor", "turbulence-factor", "attraction-factor"}) {
    const std::string properties = kFew + "scene=benchmark";
    auto with = [&](double factor) {
      return frame_after([&](FramePipeline& p) { g_object_set(p.src(), force, factor, nullptr); },
                         properties);
    };
    EXPECT_EQ(with(1).checksum, with(1).checksum) << force;
    EXPECT_NE(with(1).checksum, with(6).checksum) << force;
  }
}

TEST(ParticleSrcControl, PausedAndTimeScaleZeroFreezeThePicture) {
  for (bool by_scale : {false, true}) {
    FramePipeline pipeline(kFew, kSmall);
    auto freeze = [&](bool frozen) {
      if (by_scale)
        g_object_set(pipeline.src(), "time-scale", frozen ? 0.0 : 1.0, nullptr);
      else
        g_object_set(pipeline.src(), "paused", gboolean(frozen), nullptr);
    };
    ASSERT_TRUE(pipeline.play());
    ASSERT_TRUE(pipeline.pull(3));
    freeze(true);
    auto frozen = pipeline.pull(kInFlight + 1);
    ASSERT_TRUE(frozen);
    for (int i = 0; i < 5; ++i) {
      auto frame = pipeline.pull();
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->checksum, frozen->checksum);
      EXPECT_GT(frame->pts, frozen->pts);  // frames go on
    }
    freeze(false);
    auto moving = pipeline.pull(kInFlight + 1), next = pipeline.pull();
    ASSERT_TRUE(moving && next);
    EXPECT_NE(moving->checksum, frozen->checksum);
    EXPECT_NE(moving->checksum, next->checksum);
  }
}

TEST(ParticleSrcControl, PropertiesFollowAController) {
  FramePipeline pipeline(kFew, kSmall);
  GstControlSource* curve = gst_interpolation_control_source_new();
  g_object_set(curve, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  auto* values = GST_TIMED_VALUE_CONTROL_SOURCE(curve);
  gst_timed_value_control_source_set(values, 0, 1000);
  gst_timed_value_control_source_set(values, GST_SECOND, 31'000);
  ASSERT_TRUE(gst_object_add_control_binding(
      GST_OBJECT(pipeline.src()),
      gst_direct_control_binding_new_absolute(GST_OBJECT(pipeline.src()), "particles", curve)));
  gst_object_unref(curve);
  g_object_set(pipeline.src(), "num-buffers", 16, nullptr);
  ASSERT_TRUE(pipeline.play());
  ASSERT_EQ(pipeline.pull_all().size(), 16u);
  EXPECT_NEAR(SourceStats(pipeline.src()).particles, 16'000, 1);  // at half a second
}

TEST(ParticleSrcControl, APressOnTheWorldChangesIt) {
  auto press = [](int button) {
    return frame_after([=](FramePipeline& p) {
      EXPECT_TRUE(p.send_upstream(
          gst_navigation_event_new_mouse_button_press(button, 16, 9, GST_NAVIGATION_MODIFIER_NONE)));
    });
  };
  EXPECT_NE(press(1).checksum, undisturbed().checksum);
  EXPECT_NE(press(3).checksum, undisturbed().checksum);
  EXPECT_NE(press(3).checksum, press(1).checksum);
  const Frame zoomed = frame_after([](FramePipeline& p) {
    EXPECT_TRUE(
        p.send_upstream(gst_navigation_event_new_mouse_scroll(16, 9, 0, 3, GST_NAVIGATION_MODIFIER_NONE)));
  });
  EXPECT_NE(zoomed.checksum, undisturbed().checksum);
  EXPECT_EQ(frame_after([](FramePipeline& p) {
              p.send_upstream(gst_navigation_event_new_mouse_move(3, 3, GST_NAVIGATION_MODIFIER_NONE));
            }).checksum,
            undisturbed().checksum);
}

TEST(ParticleSrcControl, HostileCoordinatesDoNoHarm) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.play());
  ASSERT_TRUE(pipeline.pull(2));
  constexpr auto none = GST_NAVIGATION_MODIFIER_NONE;
  for (double bad : {nan, inf, -inf, 1e308, -1e308}) {
    pipeline.send_upstream(gst_navigation_event_new_mouse_move(bad, bad, none));
    pipeline.send_upstream(gst_navigation_event_new_mouse_button_press(1, bad, 1, none));
    pipeline.send_upstream(gst_navigation_event_new_mouse_button_press(3, 1, bad, none));
    pipeline.send_upstream(gst_navigation_event_new_mouse_scroll(bad, bad, bad, bad, none));
    pipeline.send_upstream(gst_navigation_event_new_touch_down(7, bad, bad, bad, none));
    auto frame = pipeline.pull(kInFlight + 1);
    ASSERT_TRUE(frame);
    EXPECT_GT(frame->brightness, 16.2) << bad;
    pipeline.send_upstream(gst_navigation_event_new_mouse_button_release(1, bad, bad, none));
  }
  // An event that only calls itself a pointer's.
  pipeline.send_upstream(gst_event_new_navigation(gst_structure_new(
      "application/x-gst-navigation", "event", G_TYPE_STRING, "mouse-button-press", nullptr)));
  auto still = pipeline.pull(kInFlight + 1), next = pipeline.pull();
  ASSERT_TRUE(still && next);
  EXPECT_NE(still->checksum, next->checksum);  // and it still moves
}

TEST(ParticleSrcControl, CampaignControlActsOnTheWorld) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.play());
  ASSERT_TRUE(pipeline.pull(2));
  EXPECT_TRUE(pipeline.send_upstream(upstream(gst_structure_new(
      "campaign-control", "particles", G_TYPE_UINT, 900u, "paused", G_TYPE_BOOLEAN, TRUE, nullptr))));
  auto frozen = pipeline.pull(kInFlight + 1), next = pipeline.pull();
  ASSERT_TRUE(frozen && next);
  EXPECT_EQ(frozen->checksum, next->checksum);
  EXPECT_EQ(SourceStats(pipeline.src()).particles, 900u);
  gchar* scene = nullptr;
  EXPECT_TRUE(pipeline.send_upstream(upstream(gst_structure_new(
      "campaign-control", "scene", G_TYPE_STRING, "benchmark", "time-scale", G_TYPE_DOUBLE, 2.0, nullptr))));
  gdouble scale = 0;
  g_object_get(pipeline.src(), "scene", &scene, "time-scale", &scale, nullptr);
  EXPECT_STREQ(scene, "benchmark");
  EXPECT_EQ(scale, 2.0);
  g_free(scene);
}

TEST(ParticleSrcControl, CampaignControlRefusesWhatIsHostile) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.play());
  ASSERT_TRUE(pipeline.pull(2));
  pipeline.send_upstream(
      upstream(gst_structure_new("campaign-control", "time-scale", G_TYPE_DOUBLE, NAN, "particles",
                                 G_TYPE_STRING, "many", "paused", G_TYPE_INT, 1, nullptr)));
  ASSERT_TRUE(pipeline.pull(kInFlight + 1));
  EXPECT_EQ(SourceStats(pipeline.src()).particles, 4000u);
  // A file, however much it may be one, is nothing that a viewer may name.
  pipeline.send_upstream(
      upstream(gst_structure_new("campaign-control", "scene", G_TYPE_STRING, "/etc/passwd", nullptr)));
  ASSERT_TRUE(pipeline.pull(kInFlight + 1));
  const std::string warning = pipeline.wait_for(GST_MESSAGE_WARNING);
  EXPECT_NE(warning.find("A viewer asked for the scene '/etc/passwd'"), std::string::npos) << warning;
  EXPECT_NE(warning.find("galaxy"), std::string::npos) << warning;
}

TEST(ParticleSrcControl, CampaignQualityLowersTheCountButNeverRaisesIt) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.play());
  for (auto [asked, drawn] : {std::pair{1500u, 1500u}, {1'000'000u, 4000u}, {10u, 10u}}) {
    EXPECT_TRUE(pipeline.send_upstream(
        upstream(gst_structure_new("campaign-quality", "quality", G_TYPE_STRING, "low", "particles",
                                   G_TYPE_UINT, asked, "bitrate", G_TYPE_UINT, 450'000u, nullptr))));
    ASSERT_TRUE(pipeline.pull(kInFlight + 1));
    EXPECT_EQ(SourceStats(pipeline.src()).particles, drawn);
  }
  guint particles = 0;
  g_object_get(pipeline.src(), "particles", &particles, nullptr);
  EXPECT_EQ(particles, 4000u);  // what the user set is still that
}

TEST(ParticleSrcControl, OtherEventsGoWhereTheyAlwaysWent) {
  FramePipeline pipeline(kFew, kSmall);
  ASSERT_TRUE(pipeline.play());
  ASSERT_TRUE(pipeline.pull(2));
  EXPECT_FALSE(pipeline.send_upstream(upstream(gst_structure_new_empty("somebody-elses"))));
  EXPECT_TRUE(pipeline.send_upstream(gst_event_new_reconfigure()));
  EXPECT_TRUE(pipeline.pull(2));
}

TEST(ParticleSrcControl, TellsOnceASecondHowFastItIs) {
  FramePipeline pipeline("is-live=true particles=1000 device=cpu",
                         "format=NV12,width=32,height=18,framerate=50/1");
  const gint64 start = g_get_monotonic_time();
  ASSERT_NE(gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  std::string told;
  guint64 frames_before = 0;
  for (int messages = 0; messages < 3;) {
    ASSERT_TRUE(pipeline.pull());
    ASSERT_LT(g_get_monotonic_time() - start, 30 * G_USEC_PER_SEC) << messages << " messages";
    const std::string message = pipeline.wait_for(GST_MESSAGE_ELEMENT, 0);
    if (message.empty()) continue;
    told = message;
    const StructurePtr fields{gst_structure_new_from_string(told.c_str())};
    ASSERT_TRUE(fields) << told;
    guint64 frames = 0;
    double rate = 0;
    gst_structure_get(fields.get(), "frames", G_TYPE_UINT64, &frames, "framerate", G_TYPE_DOUBLE, &rate,
                      nullptr);
    EXPECT_LT(double(frames - frames_before) / rate, 2) << "seconds since the one before " << told;
    frames_before = frames;
    ++messages;
  }
  EXPECT_GE(g_get_monotonic_time() - start, 2'990'000);
  EXPECT_EQ(told.find("particle-stats"), 0u) << told;
  const SourceStats stats(pipeline.src());
  EXPECT_FALSE(stats.device.empty());
  EXPECT_EQ(stats.particles, 1000u);
  EXPECT_GT(stats.frames, 50u);
  EXPECT_GT(stats.framerate, 25);
  EXPECT_LT(stats.framerate, 55);
  EXPECT_GT(stats.frame_time, 0u);
  EXPECT_GE(stats.frame_time_max, stats.frame_time);
}

}  // namespace
}  // namespace campaign::test

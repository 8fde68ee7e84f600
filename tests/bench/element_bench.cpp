// What the elements add to a frame: the engine alone and the elements that run it take turns in one process,
// in blocks, so that whatever else the machine does falls on both alike.
//   element-bench [--device=cpu|…] [--blocks=60] [--frames=10]
// Prints for each size the lower quartiles over the blocks, which a busy machine disturbs less than medians,
// of what a frame of either takes, their difference, and the same of their processor time.
#include <gst/gst.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "particles/presets.hpp"
#include "particles/renderer.hpp"
#include "particles/simulation.hpp"

namespace {

using namespace campaign::particles;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string device = "cpu";
  int blocks = 60, frames = 10;
};

constexpr struct Size {
  uint32_t particles;
  int width, height;
} kSizes[] = {{1'000, 64, 36}, {100'000, 640, 360}, {500'000, 1280, 720}, {1'000'000, 1920, 1080}};
constexpr uint32_t kSeed = 1;
constexpr Simulation::Rate kRate{0, 30, 1};
const std::atomic<bool> kNever = false;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "element-bench: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T must(campaign::Result<T> result) {
  if (!result) fail(result.error().for_user());
  return std::move(*result);
}

// The frames of the elements, one pull each: the sink's thread is the pipeline's own, and this one waits for
// it.
class Pipeline {
 public:
  explicit Pipeline(const std::string& launch) {
    GError* error = nullptr;
    pipeline_ = gst_parse_launch(launch.c_str(), &error);
    if (error) fail(error->message);
    GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline_), "sink");
    GstPad* pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, this, nullptr);
    gst_object_unref(pad);
    gst_object_unref(sink);
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
  }
  ~Pipeline() {
    run(-1);  // the streaming thread waits for its turn
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }

  // Makes so many frames; the streaming thread rests before and after.
  void run(int frames) {
    left_ = frames;
    left_.notify_one();
    if (frames < 0) return;
    for (int left = left_; left != 0; left = left_) left_.wait(left);
  }

 private:
  static GstPadProbeReturn on_frame(GstPad*, GstPadProbeInfo*, gpointer data) {
    auto& left = static_cast<Pipeline*>(data)->left_;
    left.wait(0);  // only for the first turn
    if (left > 0 && --left == 0) {
      left.notify_one();
      left.wait(0);
    }
    return GST_PAD_PROBE_OK;
  }
  GstElement* pipeline_ = nullptr;
  std::atomic<int> left_ = 0;  // frames of this turn; below 0 at the end
};

struct Took {
  double wall = 0, processor = 0;  // milliseconds
};

double processor_time() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

template <class F>
Took timed(F&& f) {
  const auto start = Clock::now();
  const double busy = processor_time();
  f();
  return {std::chrono::duration<double, std::milli>(Clock::now() - start).count(), processor_time() - busy};
}

double lower_quartile(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<ptrdiff_t>(values.size() / 4));
  return values[values.size() / 4];
}

void compare(const Options& options, const char* what, const Size& size, const std::function<void()>& bare,
             Pipeline& elements) {
  const auto alone = [&] {
    for (int i = 0; i < options.frames; ++i) bare();
  };
  const auto through = [&] { elements.run(options.frames); };
  for (int i = 0; i < 3; ++i) alone(), through();  // births over, memory there
  struct Blocks {
    std::vector<double> wall, processor;  // of a frame
    void add(const Took& took, int frames) {
      wall.push_back(took.wall / frames);
      processor.push_back(took.processor / frames);
    }
  } engine, all;
  for (int block = 0; block < options.blocks; ++block) {
    // In turns, and whoever is first in one is second in the next.
    Took a, b;
    if (block % 2 == 0) a = timed(alone);
    b = timed(through);
    if (block % 2 != 0) a = timed(alone);
    engine.add(a, options.frames);
    all.add(b, options.frames);
  }
  const double bare_wall = lower_quartile(engine.wall), wall = lower_quartile(all.wall);
  const double bare_busy = lower_quartile(engine.processor), busy = lower_quartile(all.processor);
  std::printf(
      "%-28s %8u particles %4dx%-4d  engine %7.3f ms  elements %7.3f ms  difference %+7.3f ms, of processor "
      "time %+7.3f ms\n",
      what, size.particles, size.width, size.height, bare_wall, wall, wall - bare_wall, busy - bare_busy);
  std::fflush(stdout);
}

void bench(const Options& options, const Size& size) {
  const auto layout = FrameLayout::packed(PixelFormat::nv12, static_cast<uint32_t>(size.width),
                                          static_cast<uint32_t>(size.height));
  auto world = [&] {
    return Simulation(must(Engine::open(options.device)), must(find_scene("benchmark")), kSeed,
                      size.particles);
  };
  const std::string source = "particlesrc scene=benchmark seed=1 device=" + options.device +
                             " particles=" + std::to_string(size.particles) + " ! ";
  const std::string caps = "video/x-raw,format=NV12,framerate=30/1,width=" + std::to_string(size.width) +
                           ",height=" + std::to_string(size.height);
  {
    Simulation simulation = world();
    if (auto set = simulation.set_picture(layout); !set) fail(set.error().for_user());
    auto frame = must(simulation.engine().frame_maker()());
    int64_t number = 0;
    Pipeline elements(source + caps + " ! fakesink name=sink sync=false enable-last-sample=false");
    compare(
        options, "particlesrc", size, [&] { must(simulation.draw(number++, kRate, *frame, kNever)); },
        elements);
  }
  {
    Simulation simulation = world();
    std::unique_ptr<Renderer> renderer;
    std::unique_ptr<FrameMemory> frame;
    int64_t number = 0;
    std::shared_ptr<const Snapshot> snapshot;
    Pipeline elements(source + "particlerender ! " + caps +
                      " ! fakesink name=sink sync=false enable-last-sample=false");
    compare(
        options, "particlesrc, particlerender", size,
        [&] {
          snapshot.reset();  // as the pipeline lets go of a state before the next
          snapshot = must(simulation.snapshot(number++, kRate, kNever));
          if (!renderer) {
            renderer = must(Renderer::open(*snapshot));
            if (auto set = renderer->set_picture(layout); !set) fail(set.error().for_user());
            frame = must(renderer->frame_maker()());
          }
          if (auto drawn = renderer->draw(*snapshot, 0, *frame); !drawn) fail(drawn.error().for_user());
        },
        elements);
  }
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  Options options;
  for (int i = 1; i < argc; ++i) {
    auto value = [&](const char* name) -> const char* {
      const size_t length = std::strlen(name);
      return std::strncmp(argv[i], name, length) == 0 ? argv[i] + length : nullptr;
    };
    if (const char* device = value("--device="))
      options.device = device;
    else if (const char* blocks = value("--blocks="))
      options.blocks = std::max(1, std::atoi(blocks));
    else if (const char* frames = value("--frames="))
      options.frames = std::max(1, std::atoi(frames));
    else
      fail(std::string("unknown argument ") + argv[i]);
  }
  std::printf("%s, lower quartile of %d blocks of %d frames in turns\n",
              must(Engine::open(options.device))->device_name().c_str(), options.blocks, options.frames);
  for (const Size& size : kSizes) bench(options, size);
}

#include "particles/cpu/cpu_engine.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <thread>

#include "particles/cpu/kernel.hpp"
#include "particles/noise.hpp"
#include "util/workers.hpp"

namespace campaign::particles {
namespace {

constexpr size_t kHugePage = 2u << 20;  // bytes
constexpr size_t kAlign = 64;           // bytes: a cache line and the widest vector
constexpr uint32_t kChunk = 4 * 1024;   // particles a worker takes at a time
constexpr uint32_t kPairsPerPart = 8;   // pairs of rows likewise
constexpr size_t kComponents = 6;       // position and velocity
constexpr size_t kSkew = 1088;          // floats
constexpr uint32_t kMostParticles = 1u << 26;

// Zeroed, aligned memory of plain numbers, in huge pages where it is large: light falls on a picture at
// random, and a walk of the page tables for each particle would cost more than the particle.
template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(size_t count) : count_(count) {
    const size_t bytes = count * sizeof(T);
    const size_t alignment = bytes >= kHugePage ? kHugePage : kAlign;
    data_ = {static_cast<T*>(::operator new (bytes, std::align_val_t{alignment})), Delete{alignment}};
    if (bytes >= kHugePage)
      (void)madvise(data_.get(), bytes, MADV_HUGEPAGE);  // a hint: refusing it is no error
    clear();
  }
  T* get() const { return data_.get(); }
  size_t size() const { return count_; }
  void clear() { std::memset(static_cast<void*>(data_.get()), 0, count_ * sizeof(T)); }

 private:
  struct Delete {
    size_t alignment = kAlign;
    void operator()(T* data) const { ::operator delete (data, std::align_val_t{alignment}); }
  };
  size_t count_ = 0;
  std::unique_ptr<T, Delete> data_;
};

class CpuFrame final : public FrameMemory {
 public:
  explicit CpuFrame(size_t size) : bytes_(size) {}
  std::byte* data() const override { return bytes_.get(); }

 private:
  Array<std::byte> bytes_;
};

uint32_t round_up(uint32_t x, uint32_t to) { return (x + to - 1) / to * to; }

class CpuEngine final : public Engine {
 public:
  explicit CpuEngine(unsigned threads)
      : kernel_(cpu::best_kernel()), workers_(threads), noise_(bake_curl_noise()), mine_(threads) {
    name_ = std::string("cpu (") + kernel_.name + ", " + std::to_string(threads) +
            (threads == 1 ? " thread)" : " threads)");
  }

  const std::string& device_name() const override { return name_; }
  uint32_t most_particles() const override { return kMostParticles; }
  Result<void> set_picture(const FrameLayout& layout) override;
  MakeFrame frame_maker() const override {
    return [size = layout_.size]() -> Result<std::unique_ptr<FrameMemory>> {
      return {std::make_unique<CpuFrame>(size)};
    };
  }
  Result<void> run(const Work& work) override;
  Result<void> read(uint32_t count, const StateOut& to) override;

 private:
  struct Worker {  // what each worker writes without asking the others
    Array<uint64_t> light, glow;
    Array<uint8_t> lit;
    Array<float> scratch;
  };

  void grow(uint32_t particles);
  void give_birth(const Step& step);
  void fill_cohort_lanes(const Step& step);
  void clear();
  void resolve(const ViewParams& view, std::byte* frame, bool clear_after);
  cpu::State state() const {
    float* base = state_.get();
    const size_t stride = component_stride();
    return {base, base + stride, base + 2 * stride, base + 3 * stride, base + 4 * stride, base + 5 * stride};
  }
  // Apart by a little more than a power of two, so that the components do not meet in the same cache sets.
  size_t component_stride() const { return capacity_ + kSkew; }
  cpu::Light light_of(const Worker& worker) const {
    return {worker.light.get(), worker.lit.get(), light_stride_, layout_.height};
  }
  cpu::Light glow_of(const Worker& worker) const {
    return {worker.glow.get(), nullptr, glow_width_, glow_rows_};
  }
  cpu::Glow planes(const Array<float>& array) const {
    size_t plane = size_t{glow_stride_} * glow_rows_;
    return {
        {array.get(), array.get() + plane, array.get() + 2 * plane}, glow_stride_, glow_width_, glow_rows_};
  }

  const cpu::Kernel& kernel_;
  Workers workers_;
  std::string name_;
  std::vector<uint32_t> noise_;
  std::vector<Worker> mine_;  // by worker
  Array<float> state_;        // six components, each of capacity_
  uint32_t capacity_ = 0;
  uint32_t moved_ = 0;  // particles in the last step
  cpu::CohortLanes cohorts_{};
  FrameLayout layout_;
  uint32_t light_stride_ = 0, glow_width_ = 0, glow_rows_ = 0, glow_stride_ = 0;
  Array<float> across_, spread_;
  bool clear_ = true;  // the accumulators are zero
};

Result<void> CpuEngine::set_picture(const FrameLayout& layout) {
  if (layout.width > 32768 || layout.height > 32768 || uint64_t{layout.width} * layout.height > (1u << 27)) {
    return Error::invalid("the picture", "at most 32768 pixels wide and high, and 128 million in all",
                          std::to_string(layout.width) + "x" + std::to_string(layout.height));
  }
  layout_ = layout;
  light_stride_ = round_up(layout.width, cpu::kPad);
  glow_width_ = (layout.width + (1u << kGlowShift) - 1) >> kGlowShift;
  glow_rows_ = (layout.height + (1u << kGlowShift) - 1) >> kGlowShift;
  glow_stride_ = round_up(glow_width_, cpu::kPad);
  for (auto& worker : mine_) {
    worker.light = Array<uint64_t>(size_t{light_stride_} * layout.height + 1);
    worker.lit = Array<uint8_t>(worker.light.size() / cpu::kPad + 1);
    worker.glow = Array<uint64_t>(size_t{glow_width_} * glow_rows_ + 1);
    worker.scratch = Array<float>(cpu::scratch_size(layout.width));
  }
  across_ = Array<float>(size_t{glow_stride_} * glow_rows_ * 3);
  spread_ = Array<float>(size_t{glow_stride_} * glow_rows_ * 3);
  clear_ = true;
  return {};
}

void CpuEngine::grow(uint32_t particles) {
  const uint32_t before = capacity_;
  const size_t old_stride = component_stride();
  capacity_ = round_up(particles, kChunk);
  Array<float> grown(component_stride() * kComponents);
  for (size_t c = 0; c < kComponents && before > 0; ++c) {
    std::memcpy(grown.get() + c * component_stride(), state_.get() + c * old_stride, before * sizeof(float));
  }
  state_ = std::move(grown);
}

void CpuEngine::give_birth(const Step& step) {
  const cpu::State particles = state();
  uint32_t groups = (step.params.count.x + 3) / 4, fresh = step.params.count.y / 4;
  uint32_t born = step.params.births.x;
  workers_.run(
      born, [&](unsigned, uint32_t i) { kernel_.birth(step, particles, step.cohorts[i].life.z, 0, groups); });
  if (fresh < groups) {
    workers_.run(kClasses, [&](unsigned, uint32_t c) { kernel_.birth(step, particles, c, fresh, groups); });
  }
}

void CpuEngine::fill_cohort_lanes(const Step& step) {
  for (uint32_t i = 0; i < cpu::CohortLanes::kLanes; ++i) {
    const Cohort& cohort = step.cohorts[i / 4];
    cohorts_.slow[0][i] = cohort.slow.x, cohorts_.slow[1][i] = cohort.slow.y,
    cohorts_.slow[2][i] = cohort.slow.z;
    cohorts_.fast[0][i] = cohort.fast.x, cohorts_.fast[1][i] = cohort.fast.y,
    cohorts_.fast[2][i] = cohort.fast.z;
    cohorts_.per_speed2[i] = cohort.fast.w;
  }
}

void CpuEngine::clear() {
  workers_.run(workers_.count(), [&](unsigned, uint32_t i) {
    mine_[i].light.clear();
    mine_[i].lit.clear();
    mine_[i].glow.clear();
  });
}

void CpuEngine::resolve(const ViewParams& view, std::byte* frame, bool clear_after) {
  cpu::Light lights[cpu::kMostLights], glows[cpu::kMostLights];
  const uint32_t count = workers_.count();
  for (uint32_t i = 0; i < count; ++i) {
    lights[i] = light_of(mine_[i]);
    glows[i] = glow_of(mine_[i]);
  }
  const cpu::Glow across = planes(across_), spread = planes(spread_);
  workers_.run(glow_rows_,
               [&](unsigned, uint32_t row) { kernel_.glow_across(view, glows, count, row, across); });
  workers_.run(glow_rows_, [&](unsigned, uint32_t row) {
    kernel_.glow_down(view, across, row, spread);
    if (!clear_after) return;
    for (uint32_t i = 0; i < count; ++i) {
      std::memset(glows[i].words + size_t{row} * glow_width_, 0, glow_width_ * sizeof(uint64_t));
    }
  });
  const uint32_t pairs = (layout_.height + 1) / 2;
  workers_.run((pairs + kPairsPerPart - 1) / kPairsPerPart, [&](unsigned worker, uint32_t part) {
    for (uint32_t pair = part * kPairsPerPart; pair < std::min((part + 1) * kPairsPerPart, pairs); ++pair) {
      kernel_.resolve(view, lights, count, spread, layout_, pair, clear_after, mine_[worker].scratch.get(),
                      frame);
    }
  });
  for (uint32_t i = 0; i < count && clear_after; ++i) {  // what fell off the picture
    lights[i].words[size_t{light_stride_} * layout_.height] = 0;
    glows[i].words[size_t{glow_width_} * glow_rows_] = 0;
  }
}

Result<void> CpuEngine::run(const Work& work) {
  if (work.step) {
    if (work.step->params.count.x > capacity_) grow(work.step->params.count.x);
    moved_ = work.step->params.count.x;
    give_birth(*work.step);
    fill_cohort_lanes(*work.step);
  }
  if (work.splat && !clear_) clear();
  const cpu::State particles = state();
  const uint32_t moved = work.step ? work.step->params.count.x : 0;
  const uint32_t drawn = work.splat ? work.view->target.y : 0;
  const uint32_t end = std::max(moved, drawn);
  workers_.run((end + kChunk - 1) / kChunk, [&](unsigned worker, uint32_t chunk) {
    const uint32_t from = chunk * kChunk, to = std::min(from + kChunk, end);
    const cpu::Light light = light_of(mine_[worker]), glow = glow_of(mine_[worker]);
    // Moved and drawn apart, but while the chunk is in the cache: faster than both in one loop.
    if (work.step) kernel_.move(*work.step, noise_.data(), particles, from, to);
    if (from < drawn) kernel_.draw(*work.view, cohorts_, particles, from, to, light, glow);
  });
  if (work.splat) clear_ = false;
  if (work.frame) {
    // The usual frame clears the light as it reads it, while it is in the cache.
    resolve(*work.view, work.frame->data(), work.splat);
    if (work.splat) clear_ = true;
  }
  return {};
}

Result<void> CpuEngine::read(uint32_t count, const StateOut& to) {
  if (auto fits = check_read(count, moved_, to); !fits) return fits;
  const cpu::State from = state();
  for (auto [component, room] : {std::pair{from.px, to.px},
                                 {from.py, to.py},
                                 {from.pz, to.pz},
                                 {from.vx, to.vx},
                                 {from.vy, to.vy},
                                 {from.vz, to.vz}}) {
    if (!room.empty()) std::copy_n(component, count, room.begin());
  }
  return {};
}

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(unsigned threads) {
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  return std::make_unique<CpuEngine>(std::clamp(threads, 1u, kMostThreads));
}

}  // namespace campaign::particles

#include "particles/cpu/cpu_engine.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <thread>

#include "particles/cpu/array.hpp"
#include "particles/cpu/bands.hpp"
#include "particles/cpu/kernel.hpp"
#include "particles/cpu/sorted_light.hpp"
#include "particles/noise.hpp"
#include "particles/ring_engine.hpp"
#include "util/guarded.hpp"
#include "util/workers.hpp"

namespace campaign::particles {
namespace {

using cpu::Array;

constexpr uint32_t kChunk = 4 * 1024;  // particles a worker takes at a time
constexpr size_t kComponents = 6;      // position and velocity
constexpr size_t kSkew = 1088;         // floats
constexpr uint32_t kMostParticles = 1u << 26;
constexpr unsigned kMostOnAPicture = 8;   // of a ladder: each holds sums and a glow of its own
constexpr size_t kBandBytes = 256 << 10;  // of one band's sums, to stay in the second cache

class CpuFrame final : public FrameMemory {
 public:
  explicit CpuFrame(size_t size) : bytes_(size) {}
  std::byte* data() const override { return bytes_.get(); }

 private:
  Array<std::byte> bytes_;
};

uint32_t round_up(uint32_t x, uint32_t to) { return (x + to - 1) / to * to; }

// As many as there are processors, for all engines of the process that did not ask for threads of their own:
// a world and those who draw it would only get in each other's way with more.
std::shared_ptr<Workers> everybody() {
  static Guarded<std::weak_ptr<Workers>> shared;
  return shared.with([](auto& crew) {
    auto workers = crew.lock();
    if (!workers) {
      workers = std::make_shared<Workers>(std::clamp(std::thread::hardware_concurrency(), 1u, kMostThreads));
      crew = workers;
    }
    return workers;
  });
}

const char kProcessor = 0;  // its address stands for this device

// Six components, each of capacity() particles.
class CpuParticles final : public ParticleMemory {
 public:
  CpuParticles(uint32_t capacity, std::shared_ptr<cpu::Wants> wants)
      : ParticleMemory(capacity), wants_(std::move(wants)), floats_(stride() * kComponents) {}
  uint64_t bytes() const override { return floats_.bytes() + sorted.bytes(); }
  const void* device() const override { return &kProcessor; }
  Result<std::unique_ptr<Engine>> open_engine(unsigned threads) const override;
  // A renderer draws this.
  void note(const void* who, const cpu::Want& want) const { wants_->note(who, want, number); }

  uint64_t number = 0;      // of the state that is here
  cpu::SortedLight sorted;  // of that state; whoever draws it reads

  cpu::State state() const {
    float* base = floats_.get();
    const size_t n = stride();
    return {base, base + n, base + 2 * n, base + 3 * n, base + 4 * n, base + 5 * n};
  }

 private:
  // Apart by a little more than a power of two, so that the components do not meet in the same cache sets.
  size_t stride() const { return capacity() + kSkew; }
  const std::shared_ptr<cpu::Wants> wants_;  // of the world
  Array<float> floats_;
};

class CpuEngine final : public RingEngine {
 public:
  // At work with up to so many of the workers.
  CpuEngine(std::shared_ptr<Workers> workers, unsigned most)
      : RingEngine([this](uint32_t particles, std::unique_ptr<ParticleMemory> too_small) {
          return make_particles(particles, std::move(too_small));
        }),
        particle_kernel_(cpu::best_particle_kernel()),
        picture_kernel_(cpu::best_picture_kernel()),
        workers_(std::move(workers)),
        mine_(std::min(most, workers_->count())),
        bands_(places()) {
    name_ = std::string("cpu (") + particle_kernel_.name + ", " + std::to_string(places()) +
            (places() == 1 ? " thread)" : " threads)");
  }

  const std::string& device_name() const override { return name_; }
  const void* device() const override { return &kProcessor; }
  uint32_t most_particles() const override { return kMostParticles; }
  uint64_t shared_draws() const override { return shared_draws_; }
  Result<void> set_picture(const FrameLayout& layout) override;
  MakeFrame frame_maker() const override {
    return [size = layout_.size]() -> Result<std::unique_ptr<FrameMemory>> {
      return {std::make_unique<CpuFrame>(size)};
    };
  }
  bool draws_anywhere() const override { return true; }
  Result<void> run(const Work& work) override;
  using RingEngine::read;
  Result<void> read_light(std::span<uint32_t> to) override;
  Result<void> read(const ParticleMemory& memory, uint32_t count, const StateOut& to) override;

 private:
  Result<std::unique_ptr<ParticleMemory>> make_particles(uint32_t particles,
                                                         std::unique_ptr<ParticleMemory> too_small) {
    too_small.reset();
    return {std::make_unique<CpuParticles>(round_up(particles, kChunk), wants_)};
  }
  struct Worker {  // what whoever has this place writes without asking the others
    Array<uint64_t> glow;
    bool glows = false;    // otherwise the glow is zero
    Array<uint32_t> sums;  // of the band at hand; zero between bands
    Array<float> scratch;
  };

  unsigned places() const { return static_cast<unsigned>(mine_.size()); }
  void move(const Step& step, const cpu::State& from, const cpu::State& to, uint32_t begin, uint32_t end);
  void fill_cohort_lanes(std::span<const Cohort, kClasses> cohorts);
  void clear(uint32_t drawn);
  void prepare(const Work& work, CpuParticles& particles);
  void sort(cpu::SortedLight& sorted, const cpu::State& state, uint32_t begin, uint32_t end, unsigned worker);
  bool draw_sorted(const Work& work, Workers::Caller& caller);
  void clear_glows();
  void spread_glow(const ViewParams& view, Workers::Caller& caller);
  void resolve(const ViewParams& view, const FramePlanes& frame, Workers::Caller& caller);
  void resolve_rows(const ViewParams& view, const Worker& mine, uint32_t begin, uint32_t end,
                    const FramePlanes& frame);
  void sum(const Worker& worker, uint32_t band);
  cpu::Light glow_of(const Worker& worker) const { return {worker.glow.get(), glow_width_, glow_rows_}; }
  cpu::Glow planes(const Array<float>& array) const {
    size_t plane = size_t{glow_stride_} * glow_rows_;
    return {
        {array.get(), array.get() + plane, array.get() + 2 * plane}, glow_stride_, glow_width_, glow_rows_};
  }

  const cpu::ParticleKernel& particle_kernel_;
  const cpu::PictureKernel& picture_kernel_;
  const std::shared_ptr<Workers> workers_;
  std::string name_;
  std::vector<Worker> mine_;  // by place among the workers
  const std::shared_ptr<cpu::Wants> wants_ = std::make_shared<cpu::Wants>();
  uint64_t steps_ = 0, shared_draws_ = 0;
  cpu::CohortLanes cohorts_{};
  FrameLayout layout_;
  cpu::Raster raster_;
  cpu::PictureBands bands_;  // the light of the last splat
  uint32_t glow_width_ = 0, glow_rows_ = 0, glow_stride_ = 0;
  std::vector<cpu::Light> glows_;  // of the places that lit any
  Array<float> across_, spread_;
};

Result<void> CpuEngine::set_picture(const FrameLayout& layout) {
  if (layout.width > 32768 || layout.height > 32768 || uint64_t{layout.width} * layout.height > (1u << 27)) {
    return Error::invalid("the picture", "at most 32768 pixels wide and high, and 128 million in all",
                          std::to_string(layout.width) + "x" + std::to_string(layout.height));
  }
  layout_ = layout;
  raster_ = {round_up(layout.width, cpu::kPad), layout.height, 1};
  while (raster_.band_shift < 4 && size_t{raster_.stride} * 16 * raster_.band_rows() * 2 <= kBandBytes) {
    ++raster_.band_shift;
  }
  glow_width_ = (layout.width + (1u << kGlowShift) - 1) >> kGlowShift;
  glow_rows_ = (layout.height + (1u << kGlowShift) - 1) >> kGlowShift;
  glow_stride_ = round_up(glow_width_, cpu::kPad);
  const size_t pixels = size_t{raster_.stride} * raster_.band_rows();
  glows_.reserve(mine_.size());
  for (auto& worker : mine_) {
    worker.sums = Array<uint32_t>(pixels * 4);
    worker.glow = Array<uint64_t>(size_t{glow_width_} * glow_rows_ + 1);
    worker.glows = false;
    worker.scratch = Array<float>(cpu::scratch_size(glow_stride_));
  }
  across_ = Array<float>(size_t{glow_stride_} * glow_rows_ * 3);
  spread_ = Array<float>(size_t{glow_stride_} * glow_rows_ * 3);
  bands_.clear(raster_.bands(), 0);
  return {};
}

// One step of particles [begin, end), whole groups: those that were there move, those that are born take the
// places of others or come anew.
void CpuEngine::move(const Step& step, const cpu::State& from, const cpu::State& to, uint32_t begin,
                     uint32_t end) {
  const uint32_t* noise = curl_noise().data();
  const uint32_t old_end = std::min(end, step.params.count.y);
  if (begin < old_end) {
    particle_kernel_.move(step, noise, from, to, begin, old_end);
    for (uint32_t i = 0; i < step.params.births.x; ++i) {
      particle_kernel_.birth(step, noise, to, step.cohorts[i].life.z, begin / 4, old_end / 4);
    }
  }
  for (uint32_t c = 0; c < kClasses && old_end < end; ++c) {
    particle_kernel_.birth(step, noise, to, c, std::max(begin, old_end) / 4, end / 4);
  }
}

void CpuEngine::fill_cohort_lanes(std::span<const Cohort, kClasses> cohorts) {
  for (uint32_t i = 0; i < cpu::CohortLanes::kLanes; ++i) {
    const Cohort& cohort = cohorts[i / 4];
    cohorts_.slow[0][i] = cohort.slow.x, cohorts_.slow[1][i] = cohort.slow.y,
    cohorts_.slow[2][i] = cohort.slow.z;
    cohorts_.fast[0][i] = cohort.fast.x, cohorts_.fast[1][i] = cohort.fast.y,
    cohorts_.fast[2][i] = cohort.fast.z;
    cohorts_.per_speed2[i] = cohort.fast.w;
  }
}

void CpuEngine::clear(uint32_t drawn) {
  bands_.clear(raster_.bands(), drawn);
  clear_glows();
}

void CpuEngine::clear_glows() {
  for (auto& worker : mine_) {
    if (worker.glows) worker.glow.clear();
    worker.glows = false;
  }
}

void CpuEngine::sum(const Worker& worker, uint32_t band) {
  uint32_t* const sums = worker.sums.get();
  size_t summed = 0;
  bands_.each_run(band, [&](const cpu::Record* begin, const cpu::Record* end, const cpu::Record* next) {
    summed += static_cast<size_t>(end - begin);
    if (summed > cpu::kMostSummed) {
      picture_kernel_.clamp(sums, size_t{raster_.stride} * raster_.band_rows());
      summed = 0;
    }
    picture_kernel_.add(begin, end, next, sums);
  });
}

// What those who draw want of the state that a step is about to leave.
void CpuEngine::prepare(const Work& work, CpuParticles& particles) {
  particles.number = ++steps_;
  particles.sorted.forget();
  if (!work.sight) return;
  std::array<cpu::Want, cpu::Wants::kMost> wants;
  const size_t count = wants_->current(steps_, wants);
  particles.sorted.prepare({wants.data(), count}, *work.sight, *work.step, places());
}

void CpuEngine::sort(cpu::SortedLight& sorted, const cpu::State& state, uint32_t begin, uint32_t end,
                     unsigned worker) {
  for (const auto& segment : sorted.segments()) {
    const uint32_t from = std::max(begin, segment->begin), to = std::min(end, segment->end);
    if (from >= to) continue;
    particle_kernel_.sort(sorted.view(), cohorts_, state, from, to, sorted.cut(),
                          segment->lights.of_worker(worker), segment->glows.of_worker(worker));
  }
}

// The picture out of light that is sorted already; false when it is not for this picture.
bool CpuEngine::draw_sorted(const Work& work, Workers::Caller& caller) {
  if (!work.snapshot || !work.splat || !work.frame) return false;
  const auto& sorted = static_cast<const CpuParticles&>(*work.snapshot->memory).sorted;
  const ViewParams& view = *work.view;
  const auto segments = sorted.segments_of(view, work.snapshot->cohorts);
  if (segments.empty()) return false;
  const cpu::Cut& cut = sorted.cut();
  const uint32_t rows = raster_.rows / cut.count;  // of pixels a band
  const size_t pixels = size_t{rows} * raster_.stride;
  if (pixels > UINT16_MAX) return false;
  for (auto& worker : mine_) {
    if (worker.sums.size() < pixels * 4) worker.sums = Array<uint32_t>(pixels * 4);
  }
  clear_glows();
  caller.run(cut.count, [&](unsigned place, uint32_t band) {
    Worker& mine = mine_[place];
    mine.glows = true;
    const uint32_t first_row = (band * rows) >> kGlowShift;
    const cpu::Placing placing{view.raster.x,  view.raster.y, kGlowShift,
                               cut.base(band), first_row,     glow_width_};
    for (const auto& segment : segments) {
      segment->glows.each_run(band,
                              [&](const cpu::Record* begin, const cpu::Record* end, const cpu::Record* next) {
                                picture_kernel_.add_glow(placing, begin, end, next,
                                                         mine.glow.get() + size_t{first_row} * glow_width_);
                              });
    }
  });
  spread_glow(view, caller);
  const FramePlanes frame = work.frame->planes(layout_);
  caller.run(cut.count, [&](unsigned place, uint32_t band) {
    const Worker& mine = mine_[place];
    const cpu::Placing placing{view.raster.x, view.raster.y, 0, cut.base(band), band * rows, raster_.stride};
    size_t summed = 0;
    for (const auto& segment : segments) {
      segment->lights.each_run(
          band, [&](const cpu::Record* begin, const cpu::Record* end, const cpu::Record* next) {
            summed += static_cast<size_t>(end - begin);
            if (summed > cpu::kMostSummed) {
              picture_kernel_.clamp(mine.sums.get(), pixels);
              summed = 0;
            }
            picture_kernel_.add_sorted(placing, begin, end, next, mine.sums.get());
          });
    }
    resolve_rows(view, mine, band * rows, (band + 1) * rows, frame);
  });
  ++shared_draws_;
  return true;
}

void CpuEngine::spread_glow(const ViewParams& view, Workers::Caller& caller) {
  glows_.clear();
  for (const auto& worker : mine_) {
    if (worker.glows) glows_.push_back(glow_of(worker));
  }
  const cpu::Glow across = planes(across_), spread = planes(spread_);
  const auto lit = static_cast<uint32_t>(glows_.size());
  caller.run(glow_rows_, [&](unsigned, uint32_t row) {
    picture_kernel_.glow_across(view, glows_.data(), lit, row, across);
  });
  caller.run(glow_rows_,
             [&](unsigned, uint32_t row) { picture_kernel_.glow_down(view, across, row, spread); });
}

// Rows of the picture out of a worker's sums, which begin with them.
void CpuEngine::resolve_rows(const ViewParams& view, const Worker& mine, uint32_t begin, uint32_t end,
                             const FramePlanes& frame) {
  for (uint32_t row = begin, first = 0; row < end; row += 2, first += 2 * raster_.stride) {
    picture_kernel_.resolve(view, raster_, mine.sums.get() + size_t{first} * 4, planes(spread_), layout_,
                            row / 2, mine.scratch.get(), frame);
  }
}

void CpuEngine::resolve(const ViewParams& view, const FramePlanes& frame, Workers::Caller& caller) {
  spread_glow(view, caller);
  caller.run(raster_.bands(), [&](unsigned place, uint32_t band) {
    const Worker& mine = mine_[place];
    sum(mine, band);
    resolve_rows(view, mine, band << raster_.band_shift,
                 std::min((band + 1) << raster_.band_shift, raster_.rows), frame);
  });
}

Result<void> CpuEngine::run(const Work& work) {
  if (work.snapshot && work.snapshot->memory->device() != device()) {
    return Error(
        "These particles are not in the processor's memory. Draw them on the device that moves them.");
  }
  Workers::Caller caller(*workers_, places());
  StateRing::Turn turn;
  if (work.step) {
    auto begun = ring_.begin_step(work.step->params.count.x);
    if (!begun) return begun.error();
    turn = *begun;
    fill_cohort_lanes(work.step->cohorts);
    prepare(work, static_cast<CpuParticles&>(*turn.to));
  } else if (work.snapshot) {
    if (work.view) {
      static_cast<const CpuParticles&>(*work.snapshot->memory)
          .note(this, {layout_.width, layout_.height, work.view->target.y});
    }
    if (draw_sorted(work, caller)) return {};
    fill_cohort_lanes(work.snapshot->cohorts);
  }
  const ParticleMemory* memory = work.step       ? turn.to
                                 : work.snapshot ? work.snapshot->memory.get()
                                                 : ring_.current();
  const auto state_of = [](const ParticleMemory* m) {
    return m ? static_cast<const CpuParticles*>(m)->state() : cpu::State{};
  };
  const cpu::State particles = state_of(memory), before = state_of(turn.from ? turn.from : memory);
  const uint32_t moved = work.step ? round_up(work.step->params.count.x, 4) : 0;
  const uint32_t drawn = work.splat && memory ? std::min(work.view->target.y, memory->capacity()) : 0;
  const uint32_t end = std::max(moved, drawn);
  if (work.splat) clear(drawn);
  auto* const sorted = work.step ? &static_cast<CpuParticles*>(turn.to)->sorted : nullptr;
  caller.run((end + kChunk - 1) / kChunk, [&](unsigned place, uint32_t chunk) {
    const uint32_t from = chunk * kChunk, to = std::min(from + kChunk, end);
    // All while the chunk is in the cache; moved and drawn apart, which is faster than both in one loop.
    if (from < moved) {
      move(*work.step, before, particles, from, std::min(to, moved));
      if (sorted) sort(*sorted, particles, from, std::min(to, moved), place);
    }
    if (from < drawn) {
      mine_[place].glows = true;
      particle_kernel_.draw(*work.view, cohorts_, particles, from, std::min(to, drawn), raster_,
                            bands_.of_worker(place), glow_of(mine_[place]));
    }
  });
  if (work.step) end_step(turn, *work.step);
  if (work.frame) resolve(*work.view, work.frame->planes(layout_), caller);
  return {};
}

Result<void> CpuEngine::read(const ParticleMemory& memory, uint32_t count, const StateOut& to) {
  if (auto fits = check_read(memory, count, to); !fits) return fits;
  const cpu::State from = static_cast<const CpuParticles&>(memory).state();
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

Result<void> CpuEngine::read_light(std::span<uint32_t> to) {
  if (auto fits = check_read_light(layout_, to); !fits) return fits;
  uint32_t* const sums = mine_[0].sums.get();
  for (uint32_t band = 0; band < raster_.bands(); ++band) {
    sum(mine_[0], band);
    const uint32_t begin = band << raster_.band_shift;
    for (uint32_t y = begin; y < std::min(begin + raster_.band_rows(), raster_.rows); ++y) {
      const uint32_t* row = sums + size_t{y - begin} * raster_.stride * 4;
      for (uint32_t x = 0; x < layout_.width; ++x) {
        std::copy_n(row + size_t{x} * 4 + 1, 3, to.begin() + (size_t{y} * layout_.width + x) * 3);
      }
    }
    std::fill_n(sums, size_t{raster_.stride} * raster_.band_rows() * 4, 0u);
  }
  return {};
}

Result<std::unique_ptr<Engine>> CpuParticles::open_engine(unsigned threads) const {
  if (threads > 0) return make_cpu_engine(threads);
  return {std::make_unique<CpuEngine>(everybody(), kMostOnAPicture)};
}

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(unsigned threads) {
  if (threads == 0) return std::make_unique<CpuEngine>(everybody(), kMostThreads);
  threads = std::min(threads, kMostThreads);
  return std::make_unique<CpuEngine>(std::make_shared<Workers>(threads), threads);
}

}  // namespace campaign::particles

#include "particles/vulkan_engine.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <thread>

#include "particles/noise.hpp"
#include "particles/ring_engine.hpp"
#include "particles/shader_words.hpp"
#include "particles/vulkan_bindings.hpp"
#include "particles/vulkan_particles.hpp"
#include "util/zero.hpp"
#include "vk/compute.hpp"
#include "vk/frame_ring.hpp"

namespace campaign::particles {
namespace {

constexpr uint32_t kMostSlices = 4;        // each is a picture more to clear and to add up
constexpr VkDeviceSize kBlockAlign = 256;  // the largest that any device may ask of a buffer's offset

constexpr VkDeviceSize align(VkDeviceSize x) { return (x + kBlockAlign - 1) / kBlockAlign * kBlockAlign; }
constexpr VkDeviceSize kStepAt = 0;
constexpr VkDeviceSize kViewAt = align(sizeof(StepParams));
// What each frame uploads.
enum Uploaded : uint32_t { kParameters, kBirthCohorts, kPiecesTaken, kUploads };
constexpr vk::FrameRing::Upload kUploaded[kUploads] = {
    {kViewAt + align(sizeof(ViewParams))},
    {sizeof(Cohort) * kClasses, VK_FORMAT_R32G32B32A32_SFLOAT},
    {sizeof(uint32_t)},
};

// See step_in_slices.comp.
bool stores_wide_words() {
#if defined(__x86_64__) || defined(__i386__)
  return !__builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

uint32_t dispatch(uint32_t invocations) { return (invocations + kLocalSize - 1) / kLocalSize; }

class VulkanEngine final : public RingEngine {
 public:
  VulkanEngine(std::shared_ptr<vk::Device> device, VulkanOptions options)
      : RingEngine([this, options](
                       uint32_t particles,
                       std::unique_ptr<ParticleMemory> too_small) -> Result<std::unique_ptr<ParticleMemory>> {
          if (too_small) {
            if (auto done = frames_->wait(); !done) return done.error();
            too_small.reset();
          }
          return VulkanParticles::create(device_, options, particles);
        }),
        device_(std::move(device)) {}
  static Result<std::unique_ptr<Engine>> create(std::shared_ptr<vk::Device> device, VulkanOptions options);

  const std::string& device_name() const override { return device_->info().name; }
  const void* device() const override { return device_.get(); }
  uint32_t most_particles() const override;
  Result<void> set_picture(const FrameLayout& layout) override;
  MakeFrame frame_maker() const override;
  Result<void> run(const Work& work) override;
  using RingEngine::read;
  Result<void> read_light(std::span<uint32_t> to) override;
  Result<void> read(const ParticleMemory& memory, uint32_t count, const StateOut& to) override;

 private:
  struct Pipelines {
    vk::PipelineHandle birth, move, draw, move_and_draw, glow_across, glow_down, resolve;
  };

  // The buffers of one picture's light, in the accumulators' padded sizes.
  struct Picture {
    FrameLayout layout;
    uint32_t lights = 1;        // accumulators
    uint32_t light_stride = 0;  // pixels
    uint32_t glow_stride = 0, glow_rows = 0;
    vk::Buffer light, glow, across, spread;
  };

  Result<void> build(vk::PipelineHandle& to, std::span<const uint32_t> words,
                     std::initializer_list<uint32_t> constants);
  Result<void> fit(const KernelShape& shape);
  // One that moves, draws or does both.
  Result<void> build_step(vk::PipelineHandle& to, bool move, bool draw, const KernelShape& shape);
  // Cells of the glow that one invocation works out: what it reads serves several, where there are not many
  // at work at the same time anyway.
  uint32_t cells_at_once() const { return device_->info().software ? 4 : 1; }
  Result<void> clear_light(vk::Submission& submission);
  // Workgroups that surely take all pieces of so many groups of four particles, whichever of them takes how
  // many: see step_in_slices.comp.
  uint32_t enough_to_take(uint32_t groups) const;
  void move(vk::Submission& submission, uint32_t groups) const;
  void draw(vk::Submission& submission, const vk::PipelineHandle& pipeline, uint32_t groups) const;
  void upload(const Work& work, const VulkanParticles* particles, const vk::FrameRing::Frame& frame);
  struct Piece {
    const vk::Buffer* from;
    VkDeviceSize offset, size;
  };
  // Copies these, one after the other, to where the processor can read them: read_.
  Result<void> bring(std::span<const Piece> pieces);

  std::shared_ptr<vk::Device> device_;
  std::unique_ptr<vk::Program> program_;
  std::span<const uint32_t> step_words_;  // the variant that this device can run
  // Invocations of a workgroup that moves or draws, and the accumulators that there may be: 0 with atomic
  // additions.
  uint32_t step_size_ = kLocalSize, most_slices_ = 0;
  KernelShape shape_{.attractors = 0};  // that pipelines_ was compiled for; none yet
  Pipelines pipelines_;
  vk::Buffer noise_;
  vk::Buffer read_;                         // made when somebody reads the state, and kept
  std::array<Cohort, kClasses> cohorts_{};  // of the last step
  Picture picture_;
  std::unique_ptr<vk::FrameRing> frames_;  // last: its destructor waits for what uses the above
};

Result<std::unique_ptr<Engine>> VulkanEngine::create(std::shared_ptr<vk::Device> device,
                                                     VulkanOptions options) {
  auto engine = std::make_unique<VulkanEngine>(device, options);
  vk::Bindings bindings(kBindings, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER);
  bindings[kStep] = bindings[kView] = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
  bindings[kLightImage] = bindings[kGlowImage] = VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
  bindings[kNoise] = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
  for (uint32_t i = kOldState; i <= kSpreadTexels; ++i) bindings[i] = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
  auto program = vk::Program::create(device, bindings);
  if (!program) return program.error();
  engine->program_ = std::move(*program);

  bool int64 = options.int64_atomics && device->has_int64_atomics();
  engine->step_words_ = int64 ? std::span<const uint32_t>(kStepWords) : kStepWithoutInt64Words;
  if (device->info().software && device->subgroup_size() > 0 && device->has_int64_atomics() &&
      options.slices != 0u) {
    engine->most_slices_ =
        options.slices.value_or(std::clamp(std::thread::hardware_concurrency(), 1u, kMostSlices));
    engine->step_size_ = device->subgroup_size();
  }
  auto& p = engine->pipelines_;
  for (auto built : {engine->build(p.birth, kBirthWords, {kLocalSize}),
                     engine->build_step(p.draw, false, true, {.attractors = 0})}) {
    if (!built) return built.error();
  }

  const auto& table = curl_noise();
  auto noise = vk::Buffer::create(device, table.size() * sizeof(uint32_t), vk::BufferUse::upload,
                                  "turbulence", VK_FORMAT_R32_UINT, VK_FORMAT_R32_UINT);
  if (!noise) return noise.error();
  std::memcpy(noise->data(), table.data(), noise->size());
  engine->noise_ = std::move(*noise);

  auto frames = vk::FrameRing::create(*engine->program_, kUploaded);
  if (!frames) return frames.error();
  engine->frames_ = std::move(*frames);
  return std::unique_ptr<Engine>(std::move(engine));
}

uint32_t VulkanEngine::most_particles() const {
  const auto& limits = device_->limits();
  uint64_t bytes = std::min({uint64_t{limits.maxStorageBufferRange}, device_->largest_heap() / 2,
                             uint64_t{limits.maxTexelBufferElements} * kGroupBytes});
  uint64_t by_memory = bytes / (kComponents * kGroupBytes / 4);
  uint64_t by_dispatch = uint64_t{limits.maxComputeWorkGroupCount[0]} * kLocalSize * 4;
  return static_cast<uint32_t>(std::min({by_memory, by_dispatch, uint64_t{1} << 28}) / kCapacityStep *
                               kCapacityStep);
}

Result<void> VulkanEngine::set_picture(const FrameLayout& layout) {
  const auto& limits = device_->limits();
  auto too_large = [&] {
    return Error("A picture of " + std::to_string(layout.width) + "x" + std::to_string(layout.height) +
                 " is too large for the device '" + device_->info().name + "'. Choose a smaller one.");
  };
  Picture picture;
  picture.layout = layout;
  picture.light_stride = (layout.width + 7) / 8 * 8;
  picture.glow_stride = picture.light_stride >> kGlowShift;
  picture.glow_rows = (layout.height + (1u << kGlowShift) - 1) >> kGlowShift;
  const uint64_t light_bytes = uint64_t{picture.light_stride} * layout.height * 8;
  const uint64_t cells = uint64_t{picture.glow_stride} * picture.glow_rows;
  const uint64_t room =
      std::min<uint64_t>(limits.maxStorageBufferRange,
                         uint64_t{limits.maxTexelBufferElements} * (most_slices_ > 0 ? 8 : kGroupBytes));
  if (light_bytes > room || layout.width > 32768 || layout.height > 32768) return too_large();
  picture.lights = static_cast<uint32_t>(std::clamp<uint64_t>(most_slices_, 1, room / light_bytes));
  const VkFormat image = most_slices_ > 0 ? VK_FORMAT_R32G32_UINT : VK_FORMAT_UNDEFINED;
  struct {
    vk::Buffer* to;
    uint64_t size;
    VkFormat texels, image = VK_FORMAT_UNDEFINED;
  } wanted[] = {{&picture.light, light_bytes * picture.lights, VK_FORMAT_R32G32B32A32_UINT, image},
                {&picture.glow, cells * 8 * picture.lights, VK_FORMAT_R32G32_UINT, image},
                {&picture.across, cells * 16, VK_FORMAT_R32G32B32A32_SFLOAT},
                {&picture.spread, cells * 16, VK_FORMAT_R32G32B32A32_SFLOAT}};
  const vk::BufferUse use = device_->info().software ? vk::BufferUse::readback : vk::BufferUse::device;
  for (const auto& w : wanted) {
    auto buffer = vk::Buffer::create(device_, w.size, use, "the picture's light", w.texels, w.image);
    if (!buffer) return buffer.error();
    *w.to = std::move(*buffer);
  }
  if (auto done = frames_->wait(); !done) return done;
  picture_ = std::move(picture);
  const uint32_t lights = picture_.lights;
  const bool pairs =
      std::ranges::all_of(std::array{layout.offset[0], layout.offset[1], layout.stride[0], layout.stride[1]},
                          [](auto bytes) { return bytes % 8 == 0; });
  for (auto built : {build(pipelines_.glow_across, kGlowWords, {kLocalSize, 0, lights, cells_at_once()}),
                     build(pipelines_.glow_down, kGlowWords, {kLocalSize, 1, lights, cells_at_once()}),
                     build(pipelines_.resolve, kResolveWords,
                           {kLocalSize, static_cast<uint32_t>(layout.format), lights,
                            device_->info().software ? 1u : 0u, pairs ? 1u : 0u})}) {
    if (!built) return built;
  }
  return {};
}

Result<void> VulkanEngine::build(vk::PipelineHandle& to, std::span<const uint32_t> words,
                                 std::initializer_list<uint32_t> constants) {
  auto pipeline = program_->pipeline(words, {constants.begin(), constants.size()});
  if (!pipeline) return pipeline.error();
  to = std::move(*pipeline);
  return {};
}

Result<void> VulkanEngine::build_step(vk::PipelineHandle& to, bool move, bool draw,
                                      const KernelShape& shape) {
  auto flag = [](bool set) { return set ? 1u : 0u; };
  return build(to, most_slices_ > 0 ? std::span<const uint32_t>(kStepInSlicesWords) : step_words_,
               {step_size_, flag(move), flag(draw), shape.attractors, shape.spheres, shape.planes,
                flag(shape.turbulence), flag(device_->info().software), flag(stores_wide_words())});
}

// Compiles the kernel for the forces of another scene.
Result<void> VulkanEngine::fit(const KernelShape& shape) {
  if (shape == shape_) return {};
  if (auto done = frames_->wait(); !done) return done;
  for (auto built : {build_step(pipelines_.move, true, false, shape),
                     build_step(pipelines_.move_and_draw, true, true, shape)}) {
    if (!built) return built;
  }
  shape_ = shape;
  return {};
}

MakeFrame VulkanEngine::frame_maker() const {
  return [device = device_, size = picture_.layout.size]() -> Result<std::unique_ptr<FrameMemory>> {
    auto buffer = vk::Buffer::create(device, size, vk::BufferUse::readback, "a picture");
    if (!buffer) return buffer.error();
    return std::unique_ptr<FrameMemory>(std::make_unique<VulkanFrame>(std::move(*buffer)));
  };
}

uint32_t VulkanEngine::enough_to_take(uint32_t groups) const {
  const uint32_t most = kMostPieces * kTimesInPiece * step_size_ * (kGlowStride / 4);
  return (groups + most - 1) / most;
}

// A software driver's memory is the process's own, and it would fill that from one of its threads with
// ordinary stores while the others wait.
Result<void> VulkanEngine::clear_light(vk::Submission& submission) {
  if (device_->info().software) {
    if (auto done = frames_->wait(); !done) return done;
    for (const auto* light : {&picture_.light, &picture_.glow})
      zero_past_caches({light->data(), light->size()});
  } else {
    submission.clear(picture_.light);
    submission.clear(picture_.glow);
    submission.barrier();
  }
  return {};
}

void VulkanEngine::move(vk::Submission& submission, uint32_t groups) const {
  if (most_slices_ == 0) return submission.run(pipelines_.move, dispatch(groups));
  submission.run(pipelines_.move, std::max(enough_to_take(groups), std::thread::hardware_concurrency()));
}

void VulkanEngine::draw(vk::Submission& submission, const vk::PipelineHandle& pipeline,
                        uint32_t groups) const {
  if (most_slices_ == 0) return submission.run(pipeline, dispatch(groups));
  for (uint32_t begun = 0, all = enough_to_take(groups); begun < all; begun += picture_.lights) {
    if (begun > 0) submission.barrier();
    submission.run(pipeline, picture_.lights);
  }
}

void VulkanEngine::upload(const Work& work, const VulkanParticles* particles,
                          const vk::FrameRing::Frame& frame) {
  std::byte* const parameters = frame.uploads[kParameters].data();
  StepParams params{};
  if (work.step) params = work.step->params;
  params.count.w = particles ? particles->capacity() / 4 : 0;
  std::memcpy(parameters + kStepAt, &params, sizeof params);
  if (work.step) std::ranges::copy(work.step->cohorts, cohorts_.begin());
  const auto& cohorts = work.snapshot ? work.snapshot->cohorts : cohorts_;
  std::memcpy(frame.uploads[kBirthCohorts].data(), cohorts.data(), sizeof cohorts);
  std::memset(frame.uploads[kPiecesTaken].data(), 0, frame.uploads[kPiecesTaken].size());
  if (work.view) {
    ViewParams view = *work.view;
    const FrameLayout& layout = picture_.layout;
    view.place.w = 0;
    view.raster.z = picture_.light_stride;
    view.raster.w = picture_.glow_stride;
    view.target = {static_cast<uint32_t>(layout.format), view.target.y, layout.stride[0] / 4,
                   layout.stride[1] / 4};
    view.plane = {layout.offset[0] / 4, layout.offset[1] / 4, layout.offset[2] / 4,
                  static_cast<uint32_t>(layout.size / 4)};
    std::memcpy(parameters + kViewAt, &view, sizeof view);
  }
}

Result<void> VulkanEngine::run(const Work& work) {
  if (work.snapshot && work.snapshot->memory->device() != device()) {
    return Error("These particles are not in the memory of '" + device_name() +
                 "'. Draw them on the device that moves them.");
  }
  const auto* const frame = dynamic_cast<const VulkanFrame*>(work.frame);
  if (work.frame && !frame) return Error("'" + device_name() + "' draws into memory of its own only.");
  StateRing::Turn turn;
  if (work.step) {
    if (auto fits = fit(work.step->shape); !fits) return fits;
    auto begun = ring_.begin_step(work.step->params.count.x);
    if (!begun) return begun.error();
    turn = *begun;
  }
  const auto* particles = static_cast<const VulkanParticles*>(work.step       ? turn.to
                                                              : work.snapshot ? work.snapshot->memory.get()
                                                                              : ring_.current());
  auto next = frames_->next();
  if (!next) return next.error();
  auto& submission = *(*next)->submission;
  const vk::Buffer& parameters = (*next)->uploads[kParameters];
  const vk::Buffer& cohorts = (*next)->uploads[kBirthCohorts];
  upload(work, particles, **next);

  VkBuffer none = noise_.get();  // stands where a step has no use for a binding
  auto bound = [&](const vk::Buffer& buffer) {
    return vk::Submission::Range{buffer.size() > 0 ? buffer.get() : none};
  };
  auto texels = [](const vk::Buffer& buffer, const vk::Buffer& otherwise) {
    return vk::Submission::Range{.texels = buffer.size() > 0 ? buffer.texels() : otherwise.texels()};
  };
  vk::Submission::Range ranges[kBindings];
  ranges[kStep] = {parameters.get(), kStepAt, sizeof(StepParams)};
  ranges[kView] = {parameters.get(), kViewAt, sizeof(ViewParams)};
  ranges[kCohorts] = {cohorts.get()};
  ranges[kNoise] = texels(noise_, noise_);
  ranges[kState] = {particles ? particles->buffer().get() : none};
  ranges[kLight] = bound(picture_.light);
  ranges[kGlow] = bound(picture_.glow);
  ranges[kAcross] = bound(picture_.across);
  ranges[kSpread] = bound(picture_.spread);
  ranges[kFrame] = {frame ? frame->buffer().get() : none};
  ranges[kOldState] = particles ? texels(particles->buffer(), cohorts) : texels(cohorts, cohorts);
  ranges[kCohortTexels] = texels(cohorts, cohorts);
  ranges[kLightTexels] = texels(picture_.light, noise_);
  ranges[kGlowTexels] = texels(picture_.glow, noise_);
  ranges[kAcrossTexels] = texels(picture_.across, cohorts);
  ranges[kSpreadTexels] = texels(picture_.spread, cohorts);
  const bool sliced = picture_.light.image() != VK_NULL_HANDLE;
  ranges[kLightImage] = {.texels = sliced ? picture_.light.image() : noise_.image()};
  ranges[kGlowImage] = {.texels = sliced ? picture_.glow.image() : noise_.image()};
  ranges[kTaken] = {(*next)->uploads[kPiecesTaken].get()};
  if (auto begun = submission.begin(ranges); !begun) return begun;

  if (work.splat) {
    if (auto cleared = clear_light(submission); !cleared) return cleared;
  }
  if (turn.from && turn.from != turn.to) {
    static_cast<const VulkanParticles&>(*turn.from).copy_to(*particles, submission);
  }
  if (work.step) {
    const auto& params = work.step->params;
    uint32_t newborn = params.births.x * params.births.y + (params.count.x + 3) / 4 - params.count.y / 4;
    if (newborn > 0) {
      submission.run(pipelines_.birth, dispatch(newborn));
      submission.barrier();
    }
  }
  uint32_t moved = work.step ? (work.step->params.count.x + 3) / 4 : 0;
  uint32_t drawn = work.view && particles ? (work.view->target.y + 3) / 4 : 0;
  if (work.step && work.splat)
    draw(submission, pipelines_.move_and_draw, moved);
  else if (work.step)
    move(submission, moved);
  else if (work.splat)
    draw(submission, pipelines_.draw, drawn);
  if (work.frame) {
    const uint32_t at_once = cells_at_once();
    const uint32_t across = (picture_.glow_stride + at_once - 1) / at_once * picture_.glow_rows;
    const uint32_t down = (picture_.glow_rows + at_once - 1) / at_once * picture_.glow_stride;
    uint32_t tiles = (picture_.layout.width + 7) / 8 * ((picture_.layout.height + 1) / 2);
    submission.barrier();
    submission.run(pipelines_.glow_across, dispatch(across));
    submission.barrier();
    submission.run(pipelines_.glow_down, dispatch(down));
    submission.barrier();
    submission.run(pipelines_.resolve, dispatch(tiles));
  }
  if (work.frame) submission.show_to_processor();
  if (auto sent = submission.submit(); !sent) return sent;
  if (work.step) end_step(turn, *work.step);
  // Whoever asks for a frame gets it finished, before the step of the next one is prepared: that step depends
  // on the pointer and the scene at its own time, and sent ahead it would show them a frame late. Steps
  // alone, on the way to a frame or to a state that is shared, follow one another on the device. What others
  // draw is theirs, and may be gone when they have this back.
  if (work.frame || work.snapshot) return frames_->wait();
  return {};
}

Result<void> VulkanEngine::bring(std::span<const Piece> pieces) {
  VkDeviceSize size = 0;
  for (const Piece& piece : pieces) size += piece.size;
  auto next = frames_->next();
  if (!next) return next.error();
  if (read_.size() < size) {
    auto buffer = vk::Buffer::create(device_, size, vk::BufferUse::readback, "a copy to read");
    if (!buffer) return buffer.error();
    read_ = std::move(*buffer);  // nothing writes the old one: its writing was waited for below
  }
  auto& submission = *(*next)->submission;
  std::array<vk::Submission::Range, kBindings> nothing;
  nothing.fill(
      {(*next)->uploads[kParameters].get(), 0, VK_WHOLE_SIZE, (*next)->uploads[kBirthCohorts].texels()});
  nothing[kLightImage] = nothing[kGlowImage] = {.texels = noise_.image()};
  if (auto begun = submission.begin(nothing); !begun) return begun;
  VkDeviceSize at = 0;
  for (const Piece& piece : pieces) {
    submission.copy(*piece.from, piece.offset, read_, at, piece.size);
    at += piece.size;
  }
  submission.show_to_processor();
  if (auto sent = submission.submit(); !sent) return sent;
  return frames_->wait();
}

Result<void> VulkanEngine::read(const ParticleMemory& memory, uint32_t count, const StateOut& to) {
  if (auto fits = check_read(memory, count, to); !fits) return fits;
  if (count == 0) return {};
  const auto& state = static_cast<const VulkanParticles&>(memory);
  const VkDeviceSize part = VkDeviceSize{(count + 3) / 4} * kGroupBytes;
  Piece pieces[kComponents];
  for (uint32_t c = 0; c < kComponents; ++c) pieces[c] = {&state.buffer(), c * state.component_size(), part};
  if (auto brought = bring(pieces); !brought) return brought;
  const std::span<float> rooms[kComponents] = {to.px, to.py, to.pz, to.vx, to.vy, to.vz};
  for (uint32_t c = 0; c < kComponents; ++c) {
    if (!rooms[c].empty()) std::memcpy(rooms[c].data(), read_.data() + c * part, count * sizeof(float));
  }
  return {};
}

Result<void> VulkanEngine::read_light(std::span<uint32_t> to) {
  const FrameLayout& layout = picture_.layout;
  if (auto fits = check_read_light(layout, to); !fits) return fits;
  const Piece all{&picture_.light, 0, picture_.light.size()};
  if (auto brought = bring({&all, 1}); !brought) return brought;
  const size_t pixels = size_t{picture_.light_stride} * layout.height;
  constexpr uint64_t kChannel = 0x1FFFFF;
  for (size_t y = 0; y < layout.height; ++y) {
    for (size_t x = 0; x < layout.width; ++x) {
      uint32_t* pixel = &to[(y * layout.width + x) * 3];
      std::fill_n(pixel, 3, 0u);
      for (size_t i = 0; i < picture_.lights; ++i) {
        uint64_t word;
        std::memcpy(&word, read_.data() + (i * pixels + y * picture_.light_stride + x) * sizeof word,
                    sizeof word);
        for (unsigned c = 0; c < 3; ++c) pixel[c] += static_cast<uint32_t>(word >> (21 * c) & kChannel);
      }
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> make_vulkan_engine(std::shared_ptr<vk::Device> device,
                                                   VulkanOptions options) {
  return VulkanEngine::create(std::move(device), options);
}

}  // namespace campaign::particles

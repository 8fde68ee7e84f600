#include "particles/renderer.hpp"

#include <algorithm>

namespace campaign::particles {

Result<std::unique_ptr<Renderer>> Renderer::open(const Snapshot& snapshot, unsigned threads) {
  auto engine = snapshot.memory->open_engine(threads);
  if (!engine) return engine.error();
  return std::unique_ptr<Renderer>(new Renderer(std::move(*engine)));
}

Result<void> Renderer::set_picture(const FrameLayout& layout) {
  layout_ = layout;
  return engine_->set_picture(layout);
}

Result<void> Renderer::draw(const Snapshot& snapshot, uint32_t count, FrameMemory& frame) {
  const uint32_t all = snapshot.viewpoint.particles;
  const ViewParams view =
      snapshot.viewpoint.view(layout_.width, layout_.height, count == 0 ? all : std::min(count, all));
  return engine_->run({.view = &view, .splat = true, .frame = &frame, .snapshot = &snapshot});
}

}  // namespace campaign::particles

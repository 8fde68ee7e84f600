#include "particlestream.hpp"

#include <algorithm>
#include <string>

#include "clockwait.hpp"
#include "util/post.hpp"

namespace campaign {
namespace {

// The frame that is to be seen at a time.
int64_t frame_at(const particles::Simulation::Rate& rate, GstClockTime position) {
  if (rate.den == 0 || position < static_cast<GstClockTime>(rate.origin)) return 0;
  auto frame = static_cast<int64_t>(gst_util_uint64_scale(position - static_cast<GstClockTime>(rate.origin),
                                                          static_cast<guint64>(rate.num),
                                                          static_cast<guint64>(rate.den) * GST_SECOND));
  // Times of frames are rounded down, so the frame after may begin at the very position.
  return rate.time_of(frame + 1) <= static_cast<int64_t>(position) ? frame + 1 : frame;
}

}  // namespace

std::optional<Error> ParticleStream::check_count(uint32_t count) const {
  const auto& engine = simulation->engine();
  if (count >= 1 && count <= engine.most_particles()) return std::nullopt;
  return Error::invalid(
      "particles",
      "1 to " + std::to_string(engine.most_particles()) + " on the device '" + engine.device_name() + "'",
      std::to_string(count));
}

void ParticleStream::apply(GstBaseSrc* src, const LiveSettings& wanted) {
  auto& world = simulation->world();
  auto warn = [&](const Error& error) {
    post(GST_MESSAGE_WARNING, src, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, error);
  };
  if (wanted.scene != applied.scene) {
    const auto& scene = wanted.scene->parsed;
    if (scene)
      world.set_scene(*scene);
    else
      warn(scene.error());
  }
  if (uint32_t count = wanted.wanted_particles(); count != applied.wanted_particles()) {
    if (auto error = check_count(count))
      warn(*error);
    else if (as_state && world.particles() != count)
      gst_pad_mark_reconfigure(GST_BASE_SRC_PAD(src));  // the count is part of the caps
    else
      world.set_particles(count);
  }
  world.set_time_scale(wanted.paused ? 0 : wanted.time_scale);
  world.set_forces(wanted.forces);
  world.set_pointer(wanted.pointer);
  if (wanted.zoom != 1) world.zoom(wanted.zoom);
  applied = wanted;
}

void ParticleStream::set_rate(int num, int den) {
  const bool still = num == 0;
  const int new_num = still ? 1 : num, new_den = still ? 0 : den;
  if (rate.num == new_num && rate.den == new_den) return;
  if (reverse && !seek) {
    seek = static_cast<GstClockTime>(std::max<int64_t>(0, rate.time_of(frame + 1)));
  } else if (!seek) {
    if (frame > 0) rate.origin = rate.time_of(frame);
    numbered += frame;
    frame = 0;
  }
  rate.num = new_num;
  rate.den = new_den;
}

void ParticleStream::take_seek() {
  if (!seek) return;
  rate.origin = 0;
  numbered = 0;
  frame = frame_at(rate, *seek);
  if (reverse && rate.den != 0) --frame;
  drawn = false;
  seek.reset();
  simulation->jump();
}

int64_t ParticleStream::keep_up(GstBaseSrc* src) {
  if (reverse || rate.den == 0) return 0;
  auto position = position_if_late(src, static_cast<GstClockTime>(rate.time_of(frame)),
                                   static_cast<GstClockTime>(rate.time_of(frame + kMostLate)));
  if (!position) return 0;
  int64_t left_out = frame_at(rate, *position) - frame;
  if (left_out <= 0) return 0;
  frame += left_out;
  if (!drawn) return 0;  // there is nothing yet that this frame could follow
  simulation->skip();
  return left_out;
}

}  // namespace campaign

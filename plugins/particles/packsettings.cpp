#include "packsettings.hpp"

#include <gst/gst.h>

#include "particles/pack/update.hpp"

namespace campaign {
namespace pack = particles::pack;
namespace {

// Null for an id that is not among them.
template <class Settings>
auto* setting(Settings& settings, guint id) {
  switch (id) {
    case PACK_PARTICLES:
      return &settings.particles;
    case PACK_KEYFRAME_INTERVAL:
      return &settings.key_interval;
    case PACK_POSITION_BITS:
      return &settings.position_bits;
    case PACK_COMPRESSION_LEVEL:
      return &settings.compression_level;
    default:
      return static_cast<decltype(&settings.particles)>(nullptr);
  }
}

}  // namespace

void install_pack_properties(GObjectClass* klass) {
  const PackSettings defaults;
  constexpr auto kAlways = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  constexpr auto kPlaying = static_cast<GParamFlags>(kAlways | GST_PARAM_MUTABLE_PLAYING);
  constexpr auto kReady = static_cast<GParamFlags>(kAlways | GST_PARAM_MUTABLE_READY);
  auto install = [&](guint id, GParamSpec* spec) { g_object_class_install_property(klass, id, spec); };
  install(
      PACK_PARTICLES,
      g_param_spec_uint("particles", "Particles",
                        "How many of the world's particles are in an update, the first ones: any number of "
                        "them is a fair sample of the whole. All, where there are fewer",
                        1, pack::kMostParticles, defaults.particles, kPlaying));
  install(PACK_KEYFRAME_INTERVAL,
          g_param_spec_uint("keyframe-interval", "Key frame interval",
                            "Most updates from one key update to the next; 1 makes all of them key updates",
                            1, G_MAXUINT, defaults.key_interval, kPlaying));
  install(PACK_POSITION_BITS,
          g_param_spec_uint(
              "position-bits", "Position bits",
              "Bits of each coordinate: positions are off by at most the size of the bounding box / "
              "2^(bits + 1)",
              pack::kLeastBits, pack::kMostBits, defaults.position_bits, kReady));
  install(PACK_COMPRESSION_LEVEL,
          g_param_spec_uint(
              "compression-level", "Compression level",
              "0 for a setting that is made for particles; 1 to 19 for zstd's levels, of which those "
              "below 15 are larger and slower than that, and those from there on are a few percent "
              "smaller and take 20 times as long and more",
              0, 19, defaults.compression_level, kReady));
}

bool set_pack_property(PackSettings& settings, guint id, const GValue* value) {
  auto* to = setting(settings, id);
  if (to) *to = g_value_get_uint(value);
  return to;
}

bool get_pack_property(const PackSettings& settings, guint id, GValue* value) {
  const auto* from = setting(settings, id);
  if (from) g_value_set_uint(value, *from);
  return from;
}

}  // namespace campaign

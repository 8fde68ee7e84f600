// What a user sets on particlepack: written from any thread, read by the streaming thread.
#pragma once

#include <glib-object.h>

#include <atomic>
#include <cstdint>

#include "particles/pack/encoder.hpp"

namespace campaign {

struct PackSettings {
  std::atomic<uint32_t> particles = 20'000;
  std::atomic<uint32_t> key_interval = particles::pack::EncoderOptions{}.key_interval;
  std::atomic<uint32_t> position_bits = particles::pack::EncoderOptions{}.position_bits;
  std::atomic<uint32_t> compression_level = particles::pack::EncoderOptions{}.compression_level;
};

enum PackProperty : guint {
  PACK_0,
  PACK_PARTICLES,
  PACK_KEYFRAME_INTERVAL,
  PACK_POSITION_BITS,
  PACK_COMPRESSION_LEVEL,
};

// Installs the properties, and carries values between GObject and the settings; false for an id that is not
// among them.
void install_pack_properties(GObjectClass* klass);
bool set_pack_property(PackSettings& settings, guint id, const GValue* value);
bool get_pack_property(const PackSettings& settings, guint id, GValue* value);

}  // namespace campaign

// How each known encoder is told the same things: real time, constant bitrate, no reordering.
// The one place that knows their property names and units. Plain C++, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace campaign {

enum class Codec { h264, vp8, vp9, av1 };
inline constexpr Codec kCodecs[] = {Codec::h264, Codec::vp8, Codec::vp9, Codec::av1};

struct EncoderProfile {
  Codec codec;
  std::string_view factory;                // the GStreamer element
  std::string_view package;                // Debian's package that has it
  std::string_view bitrate_property;       // empty: a V4L2 control, see bitrate_setting()
  unsigned bits_per_unit;                  // of the bitrate property: 1 or 1000 bit/s
  std::string_view key_interval_property;  // in frames
  std::string_view settings;  // "name=value name=value", applied where the element has the property
  std::string_view caps;      // what it must produce
};

// All profiles of a codec, the best first: hardware, then software by its speed.
std::span<const EncoderProfile> encoder_profiles(Codec codec);
const EncoderProfile* find_encoder_profile(std::string_view factory);

// The number to give to `profile.bitrate_property` for `bits_per_second`, rounded, at least 1.
std::uint32_t bitrate_in_units(const EncoderProfile& profile, std::uint64_t bits_per_second);

// What suits a picture when nobody said: the ladder's 4,500 kbit/s for 1280×720 at 30 fps, and a power of
// 0.75 of the pixel rate for other sizes (about 1.6 Mbit/s at 360p30, 8.3 Mbit/s at 1080p30).
std::uint64_t default_bitrate(int width, int height, double framerate);

// Frames between key frames that come by themselves; viewers ask for the others.
unsigned key_interval(double framerate);

std::string_view codec_name(Codec codec);                                // "h264", "vp8"
std::optional<Codec> codec_from_caps_name(std::string_view media_type);  // "video/x-h264"

}  // namespace campaign

// The encoder table. Sources: gst-inspect-1.0 of each element, GStreamer 1.22 and 1.26.
#include "campaign/encoder_profile.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace campaign {
namespace {

constexpr std::string_view kConstrainedBaseline =
    "video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline";
constexpr std::string_view kAnyBaseline =
    "video/x-h264,stream-format=byte-stream,alignment=au,profile=(string){constrained-baseline,baseline}";

constexpr std::array kH264 = {
    EncoderProfile{Codec::h264, "nvh264enc", "gstreamer1.0-plugins-bad", "bitrate", 1000, "gop-size",
                   "preset=low-latency-hq zerolatency=true rc-mode=cbr bframes=0 rc-lookahead=0 aud=false",
                   kAnyBaseline},
    EncoderProfile{Codec::h264, "vah264enc", "gstreamer1.0-plugins-bad", "bitrate", 1000, "key-int-max",
                   "rate-control=cbr b-frames=0 ref-frames=1 target-usage=6 aud=false", kAnyBaseline},
    EncoderProfile{Codec::h264, "v4l2h264enc", "gstreamer1.0-plugins-good", "", 1, "", "", kAnyBaseline},
    // superfast: 5.6 ms of a core for a 720p frame of particles, where ultrafast takes 3.8 and, without
    // deblocking, shows its blocks in every dark gradient; veryfast takes most of a core. Sliced threads come
    // with zerolatency; half a second of VBV holds the rate without starving a key frame.
    EncoderProfile{Codec::h264, "x264enc", "gstreamer1.0-plugins-ugly", "bitrate", 1000, "key-int-max",
                   "tune=zerolatency speed-preset=superfast bframes=0 vbv-buf-capacity=500 aud=false "
                   "byte-stream=true rc-lookahead=0 sync-lookahead=0",
                   kConstrainedBaseline},
    EncoderProfile{Codec::h264, "openh264enc", "gstreamer1.0-plugins-bad", "bitrate", 1, "gop-size",
                   "rate-control=bitrate complexity=low usage-type=camera scene-change-detection=false "
                   "background-detection=false adaptive-quantization=false multi-thread=0",
                   kConstrainedBaseline},
};

// The coarsest quantizer too: without it particles took 1.1 to 1.6 times the bitrate.
constexpr std::array kVp8 = {
    EncoderProfile{Codec::vp8, "vp8enc", "gstreamer1.0-plugins-good", "target-bitrate", 1,
                   "keyframe-max-dist",
                   "deadline=1 cpu-used=12 end-usage=cbr lag-in-frames=0 threads=2 token-partitions=1 "
                   "buffer-size=600 buffer-initial-size=400 buffer-optimal-size=500 undershoot=100 "
                   "error-resilient=default min-quantizer=4 max-quantizer=63 static-threshold=1",
                   "video/x-vp8"},
};

constexpr std::array kVp9 = {
    EncoderProfile{Codec::vp9, "vp9enc", "gstreamer1.0-plugins-good", "target-bitrate", 1,
                   "keyframe-max-dist",
                   "deadline=1 cpu-used=8 end-usage=cbr lag-in-frames=0 auto-alt-ref=false threads=2 "
                   "tile-columns=1 row-mt=true frame-parallel-decoding=false buffer-size=600 "
                   "buffer-initial-size=400 buffer-optimal-size=500 undershoot=100 min-quantizer=4 "
                   "max-quantizer=56 static-threshold=1",
                   "video/x-vp9"},
};

// av1enc of GStreamer 1.22 makes no key frame on request: who joins gets the cached group of pictures.
constexpr std::array kAv1 = {
    EncoderProfile{Codec::av1, "av1enc", "gstreamer1.0-plugins-bad", "target-bitrate", 1000,
                   "keyframe-max-dist",
                   "usage-profile=realtime cpu-used=10 end-usage=cbr lag-in-frames=0 threads=2 row-mt=true "
                   "buf-sz=600 buf-initial-sz=400 buf-optimal-sz=500 undershoot-pct=100",
                   "video/x-av1,alignment=tu"},
};

constexpr double kKeyIntervalSeconds = 3;

}  // namespace

std::span<const EncoderProfile> encoder_profiles(Codec codec) {
  switch (codec) {
    case Codec::h264:
      return kH264;
    case Codec::vp8:
      return kVp8;
    case Codec::vp9:
      return kVp9;
    case Codec::av1:
      return kAv1;
  }
  return {};
}

const EncoderProfile* find_encoder_profile(std::string_view factory) {
  for (Codec codec : kCodecs)
    for (const EncoderProfile& profile : encoder_profiles(codec))
      if (profile.factory == factory) return &profile;
  return nullptr;
}

std::uint32_t bitrate_in_units(const EncoderProfile& profile, std::uint64_t bits_per_second) {
  const std::uint64_t units = (bits_per_second + profile.bits_per_unit / 2) / profile.bits_per_unit;
  return std::uint32_t(std::clamp<std::uint64_t>(units, 1, 2'000'000'000));
}

std::uint64_t default_bitrate(int width, int height, double framerate) {
  constexpr double kReference = 1280.0 * 720 * 30, kReferenceRate = 4'500'000;
  if (!(framerate > 0)) framerate = 30;
  const double pixels = double(width) * height * framerate;
  const double rate = kReferenceRate * std::pow(pixels / kReference, 0.75);
  return std::uint64_t(std::clamp(rate, 150'000.0, 25'000'000.0));
}

unsigned key_interval(double framerate) {
  if (!(framerate > 0)) framerate = 30;
  return unsigned(std::clamp(std::lround(framerate * kKeyIntervalSeconds), 2L, 1000L));
}

std::string_view codec_name(Codec codec) {
  switch (codec) {
    case Codec::vp8:
      return "vp8";
    case Codec::vp9:
      return "vp9";
    case Codec::av1:
      return "av1";
    case Codec::h264:
      break;
  }
  return "h264";
}

std::optional<Codec> codec_from_caps_name(std::string_view media_type) {
  if (media_type == "video/x-h264") return Codec::h264;
  if (media_type == "video/x-vp8") return Codec::vp8;
  if (media_type == "video/x-vp9") return Codec::vp9;
  if (media_type == "video/x-av1") return Codec::av1;
  return std::nullopt;
}

}  // namespace campaign

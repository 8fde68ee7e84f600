// What particlesrc runs: a simulation, where it stands in the stream, and what it has been told.
// Only the streaming thread touches it, and the base class's calls that happen while that thread rests:
// negotiation and seeks.
#pragma once

#include <gst/base/gstbasesrc.h>
#include <gst/video/video.h>

#include <memory>
#include <optional>

#include "particles/simulation.hpp"
#include "particlesettings.hpp"
#include "picturewriter.hpp"
#include "slowness.hpp"
#include "util/result.hpp"

namespace campaign {

struct ParticleStream {
  explicit ParticleStream(std::unique_ptr<particles::Simulation> s) : simulation(std::move(s)) {}
  std::unique_ptr<particles::Simulation> simulation;
  LiveSettings applied;   // what the simulation already knows
  bool as_state = false;  // what the caps ask for: the state of the world rather than pictures
  GstVideoInfo info;      // of the pictures
  PictureWriter writer;
  particles::Simulation::Rate rate;
  int64_t frame = 0;                 // the next one
  int64_t numbered = 0;              // frames before number 0, at rates that no longer hold
  bool drawn = false;                // whether there has been a frame since the last seek
  std::optional<GstClockTime> seek;  // where to go before the next one
  bool reverse = false;
  Slowness slowness;

  // An error if the device cannot move so many.
  std::optional<Error> check_count(uint32_t count) const;
  // Tells the world what has changed since the last frame. What cannot be is warned about, once, and left.
  void apply(GstBaseSrc* src, const LiveSettings& wanted);
  // Frames at another rate are counted from where the old ones ended.
  void set_rate(int num, int den);
  // The frame at a seek's position, or the one that ends there when going backwards.
  void take_seek();
  // A live source that has fallen behind the clock by more than this goes on at the frame of now: viewers
  // would stay behind for as long as it took to make up for the lost time. Returns how many frames that
  // leaves out.
  static constexpr int kMostLate = 2;  // frames
  int64_t keep_up(GstBaseSrc* src);
};

}  // namespace campaign

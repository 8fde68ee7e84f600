// Pointer events of viewers, as they reach a source by GstNavigation, turned into what the world understands.
#pragma once

#include <gst/gst.h>

#include "particlesettings.hpp"

namespace campaign {

// True if the event acted on the world. `width` and `height` are the picture's, in whose pixels events speak;
// particlerender, which draws another picture of the world, writes that one's into the event.
bool apply_navigation(LiveSettings& live, GstEvent* event, int width, int height);

// The custom upstream events campaign-control {scene, particles, time-scale, paused} and campaign-quality
// {particles}. True if it was one of them.
bool apply_campaign_event(Guarded<ParticleSettings>& settings, const GstStructure* structure);

}  // namespace campaign

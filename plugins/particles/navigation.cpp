#include "navigation.hpp"

#include <gst/video/navigation.h>

#include <algorithm>
#include <cmath>

namespace campaign {
namespace {

constexpr double kZoomPerNotch = 1.1;

void place(particles::Pointer& pointer, double x, double y, int width, int height) {
  if (!std::isfinite(x) || !std::isfinite(y) || width <= 0 || height <= 0) return;
  pointer.aspect = static_cast<double>(width) / height;
  pointer.x = std::clamp(x / width, 0.0, 1.0);
  pointer.y = std::clamp(y / height, 0.0, 1.0);
}

}  // namespace

bool apply_navigation(LiveSettings& live, GstEvent* event, int width, int height) {
  gdouble x = 0, y = 0, dx = 0, dy = 0, pressure = 0;
  gint button = 0;
  guint touch = 0;
  auto& pointer = live.pointer;
  if (const GstStructure* structure = gst_event_get_structure(event)) {
    gst_structure_get(structure, "picture-width", G_TYPE_INT, &width, "picture-height", G_TYPE_INT, &height,
                      nullptr);
  }
  switch (gst_navigation_event_get_type(event)) {
    case GST_NAVIGATION_EVENT_MOUSE_MOVE:
      gst_navigation_event_parse_mouse_move_event(event, &x, &y);
      place(pointer, x, y, width, height);
      return true;
    case GST_NAVIGATION_EVENT_MOUSE_BUTTON_PRESS:
      gst_navigation_event_parse_mouse_button_event(event, &button, &x, &y);
      if (button != 1 && button != 3) return false;
      place(pointer, x, y, width, height);
      pointer.pull = button == 1 ? 1 : -1;
      return true;
    case GST_NAVIGATION_EVENT_MOUSE_BUTTON_RELEASE:
      gst_navigation_event_parse_mouse_button_event(event, &button, &x, &y);
      pointer.pull = 0;
      return true;
    case GST_NAVIGATION_EVENT_MOUSE_SCROLL:
      gst_navigation_event_parse_mouse_scroll_event(event, &x, &y, &dx, &dy);
      if (std::isfinite(dy)) live.zoom *= std::pow(kZoomPerNotch, std::clamp(dy, -10.0, 10.0));
      return true;
    case GST_NAVIGATION_EVENT_TOUCH_DOWN:
      gst_navigation_event_parse_touch_event(event, &touch, &x, &y, &pressure);
      place(pointer, x, y, width, height);
      pointer.pull = 1;
      return true;
    case GST_NAVIGATION_EVENT_TOUCH_MOTION:
      gst_navigation_event_parse_touch_event(event, &touch, &x, &y, &pressure);
      place(pointer, x, y, width, height);
      return true;
    case GST_NAVIGATION_EVENT_TOUCH_UP:
    case GST_NAVIGATION_EVENT_TOUCH_CANCEL:
      pointer.pull = 0;
      return true;
    default:
      return false;
  }
}

bool apply_campaign_event(Guarded<ParticleSettings>& settings, const GstStructure* structure) {
  guint count = 0;
  bool has_count = gst_structure_get_uint(structure, "particles", &count) && count > 0;
  if (gst_structure_has_name(structure, "campaign-quality")) {
    if (has_count) settings.with([&](ParticleSettings& s) { s.live.most_particles = count; });
    return true;
  }
  if (!gst_structure_has_name(structure, "campaign-control")) return false;
  SharedScene scene;
  if (const char* text = gst_structure_get_string(structure, "scene")) scene = choose_scene_for_viewer(text);
  gdouble scale = 0;
  bool has_scale = gst_structure_get_double(structure, "time-scale", &scale) && scale >= 0 && scale <= 16;
  gboolean paused = FALSE;
  bool has_paused = gst_structure_get_boolean(structure, "paused", &paused);
  settings.with([&](ParticleSettings& s) {
    if (scene) s.live.scene = std::move(scene);
    if (has_count) s.live.particles = count;
    if (has_scale) s.live.time_scale = scale;
    if (has_paused) s.live.paused = paused;
  });
  return true;
}

}  // namespace campaign

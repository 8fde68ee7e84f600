#include "packcaps.hpp"

#include "gststatememory.hpp"

namespace campaign {
namespace {

struct Bounds {
  GValue least = G_VALUE_INIT, greatest = G_VALUE_INIT;
  ~Bounds() {
    for (GValue* value : {&least, &greatest}) {
      if (G_IS_VALUE(value)) g_value_unset(value);
    }
  }
};

// Of a field that is one number or a range of them, else of what the template says.
Bounds bounds_of(const GstStructure* structure, const GstStructure* otherwise, const char* field) {
  const GValue* value = gst_structure_get_value(structure, field);
  const bool known = value && (G_VALUE_HOLDS_INT(value) || GST_VALUE_HOLDS_INT_RANGE(value) ||
                               GST_VALUE_HOLDS_FRACTION(value) || GST_VALUE_HOLDS_FRACTION_RANGE(value));
  if (!known) value = gst_structure_get_value(otherwise, field);
  Bounds bounds;
  auto copy = [](GValue& to, const GValue* from) {
    g_value_init(&to, G_VALUE_TYPE(from));
    g_value_copy(from, &to);
  };
  if (GST_VALUE_HOLDS_INT_RANGE(value)) {
    g_value_init(&bounds.least, G_TYPE_INT);
    g_value_init(&bounds.greatest, G_TYPE_INT);
    g_value_set_int(&bounds.least, gst_value_get_int_range_min(value));
    g_value_set_int(&bounds.greatest, gst_value_get_int_range_max(value));
  } else if (GST_VALUE_HOLDS_FRACTION_RANGE(value)) {
    copy(bounds.least, gst_value_get_fraction_range_min(value));
    copy(bounds.greatest, gst_value_get_fraction_range_max(value));
  } else {
    copy(bounds.least, value);
    copy(bounds.greatest, value);
  }
  return bounds;
}

// What goes with `structure` on the other pad: updates of at most as many particles and as often as there are
// states, or states of at least as many and as often.
Ref<GstCaps> counterpart(const GstStructure* structure, bool to_updates) {
  auto caps = adopt(gst_caps_from_string(to_updates ? kUpdateCaps : kStateCaps));
  GstStructure* to = gst_caps_get_structure(caps.get(), 0);
  for (const char* field : {"particles", "framerate"}) {
    const Bounds limit = bounds_of(structure, to, field), whole = bounds_of(to, to, field);
    const GValue* least = to_updates ? &whole.least : &limit.least;
    const GValue* greatest = to_updates ? &limit.greatest : &whole.greatest;
    if (gst_value_compare(&whole.greatest, greatest) == GST_VALUE_LESS_THAN) greatest = &whole.greatest;
    if (gst_value_compare(least, greatest) != GST_VALUE_LESS_THAN) {
      gst_structure_set_value(to, field, least);
    } else if (G_VALUE_HOLDS_INT(least)) {
      gst_structure_set(to, field, GST_TYPE_INT_RANGE, g_value_get_int(least), g_value_get_int(greatest),
                        nullptr);
    } else {
      GValue range = G_VALUE_INIT;
      g_value_init(&range, GST_TYPE_FRACTION_RANGE);
      gst_value_set_fraction_range(&range, least, greatest);
      gst_structure_take_value(to, field, &range);
    }
  }
  if (const char* id = gst_structure_get_string(structure, "campaign"); id && to_updates) {
    gst_structure_set(to, "campaign", G_TYPE_STRING, id, nullptr);
  }
  return caps;
}

}  // namespace

Ref<GstCaps> counterparts(const GstCaps* caps, bool to_updates) {
  auto all = adopt(gst_caps_new_empty());
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    gst_caps_append(all.get(), counterpart(gst_caps_get_structure(caps, i), to_updates).release());
  }
  return all;
}

}  // namespace campaign

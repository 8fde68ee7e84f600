#include "sourcequeries.hpp"

#include <gst/video/video.h>

#include "particlestream.hpp"
#include "util/gst_ptr.hpp"

namespace campaign {
namespace {

struct FrameRate {
  gint num = 0, den = 1;
  GstClockTime time_of(guint64 frames) const {
    return gst_util_uint64_scale(frames, static_cast<guint64>(den) * GST_SECOND, static_cast<guint64>(num));
  }
};

// None before negotiation, and of a single picture.
std::optional<FrameRate> rate_of(const GstCaps* caps) {
  FrameRate rate;
  if (!caps ||
      !gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &rate.num, &rate.den))
    return std::nullopt;
  return rate.num > 0 ? std::optional(rate) : std::nullopt;
}

bool convert(const GstCaps* caps, GstQuery* query) {
  GstVideoInfo info;
  GstFormat from, to;
  gint64 from_value = 0, to_value = 0;
  gst_query_parse_convert(query, &from, &from_value, &to, nullptr);
  if (!caps || !gst_video_info_from_caps(&info, caps) ||
      !gst_video_info_convert(&info, from, from_value, to, &to_value)) {
    return false;
  }
  gst_query_set_convert(query, from, from_value, to, to_value);
  return true;
}

}  // namespace

std::optional<bool> answer_from_caps(GstBaseSrc* src, GstQuery* query) {
  auto caps = adopt(gst_pad_get_current_caps(GST_BASE_SRC_PAD(src)));
  const auto rate = rate_of(caps.get());
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_CONVERT:
      return convert(caps.get(), query);
    case GST_QUERY_LATENCY:
      if (!rate || !gst_base_src_is_live(src)) return std::nullopt;
      // Frames are pushed at their times. Who keeps one for longer than this makes later ones late, and some
      // are left out: that takes a queue.
      gst_query_set_latency(query, TRUE, 0, rate->time_of(ParticleStream::kMostLate));
      return true;
    case GST_QUERY_DURATION: {
      GstFormat format;
      gst_query_parse_duration(query, &format, nullptr);
      if (!rate || src->num_buffers < 0 || format != GST_FORMAT_TIME) return std::nullopt;
      gst_query_set_duration(query, format,
                             static_cast<gint64>(rate->time_of(static_cast<guint64>(src->num_buffers))));
      return true;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace campaign

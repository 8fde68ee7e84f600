// What particlesrc answers about its stream, as videotestsrc does: out of the caps that its pad has now, so
// that any thread may ask.
#pragma once

#include <gst/base/gstbasesrc.h>

#include <optional>

namespace campaign {

// Whether the query was answered; none for the base class to do it.
std::optional<bool> answer_from_caps(GstBaseSrc* src, GstQuery* query);

}  // namespace campaign

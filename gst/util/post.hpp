// Our errors on the GStreamer bus: the user's half as the message, the other half as its debug text.
#pragma once

#include <gst/gst.h>

#include <source_location>

#include "util/result.hpp"

namespace campaign {

// `code` is of GST_CORE_ERROR, GST_LIBRARY_ERROR, GST_RESOURCE_ERROR or GST_STREAM_ERROR, as `domain` says.
inline void post(GstMessageType type, gpointer element, GQuark domain, gint code, const Error& error,
                 std::source_location where = std::source_location::current()) {
  gst_element_message_full(GST_ELEMENT(element), type, domain, code, g_strdup(error.for_user().c_str()),
                           g_strdup(error.detail().c_str()), where.file_name(), where.function_name(),
                           static_cast<gint>(where.line()));
}

}  // namespace campaign

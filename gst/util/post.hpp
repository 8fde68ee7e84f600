// Our errors on the GStreamer bus: the user's half as the message, the other half as its debug text.
#pragma once

#include <gst/gst.h>

#include "util/result.hpp"

namespace campaign {

// `code` is of GST_CORE_ERROR, GST_LIBRARY_ERROR, GST_RESOURCE_ERROR or GST_STREAM_ERROR, as `domain` says.
inline void post(GstMessageType type, gpointer element, GQuark domain, gint code, const Error& error,
                 const char* file = __builtin_FILE(), const char* function = __builtin_FUNCTION(),
                 int line = __builtin_LINE()) {  // not std::source_location, which clang 14 lacks
  gst_element_message_full(GST_ELEMENT(element), type, domain, code, g_strdup(error.for_user().c_str()),
                           g_strdup(error.detail().c_str()), file, function, line);
}

}  // namespace campaign

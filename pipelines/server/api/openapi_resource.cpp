// See openapi_resource.hpp.
#include "pipelines/server/api/openapi_resource.hpp"

extern "C" {  // glib-compile-resources writes C, without a word for C++
#include "openapi-resource.h"
}

namespace campaign::server {

std::string openapi_text() {
  GBytes* bytes = g_resource_lookup_data(campaign_openapi_get_resource(), "/gst-campaign/api/openapi.json",
                                         G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  std::string text(data, size);
  g_bytes_unref(bytes);
  return text;
}

}  // namespace campaign::server

// The API's description, compiled in.
#pragma once

#include <string>

namespace campaign::server {

std::string openapi_text();

}  // namespace campaign::server

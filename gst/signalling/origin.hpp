// Which web pages may talk to this server. Plain C++, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/result.hpp"

namespace campaign::signalling {

// Whether each could be an origin as browsers send them, or is "*": others would match nobody's. `name` is of
// the setting, in the error.
Result<void> check_origins(const std::vector<std::string>& allowed, std::string_view name);

class OriginPolicy {
 public:
  // `allowed`: origins as browsers send them, "https://example.org", or "*"; empty: the same origin only.
  explicit OriginPolicy(std::vector<std::string> allowed, bool bound_to_loopback);

  // `origin`: the Origin header, empty when missing (not a browser). `host`: the Host header.
  bool allows(std::string_view origin, std::string_view host) const;

 private:
  std::vector<std::string> allowed_;
  bool loopback_;
};

}  // namespace campaign::signalling

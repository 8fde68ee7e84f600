// Which web pages may talk to this server. Plain C++, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace campaign::signalling {

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

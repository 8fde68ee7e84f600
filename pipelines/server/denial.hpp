// Why a request is not carried out: an HTTP status, a code for programs, a sentence for people. Values.
#pragma once

#include <optional>
#include <string>

#include "campaign/state/document.hpp"

namespace campaign::server {

struct Denial {
  unsigned status;
  std::string code, message;
  std::string location = {};                               // of 307: the other node's address, without a path
  std::optional<state::Revision> revision = std::nullopt;  // of a conflict: what the campaign is at
  std::string allow = {};                                  // of 405
};

}  // namespace campaign::server

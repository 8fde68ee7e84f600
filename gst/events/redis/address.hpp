// Where a Redis server is, as a user writes it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "util/result.hpp"

namespace campaign::events::redis {

struct Address {
  std::string host;  // a name or an IP address; empty when `socket` is given
  unsigned short port = 6379;
  std::string socket;    // the path of a Unix socket
  std::string user;      // empty: the default user
  std::string password;  // empty: none is sent
  unsigned database = 0;

  std::string shown() const;  // for logs: without user and password
};

// redis://[[user]:password@]host[:port][/database] or unix:///path/of/the/socket[?db=database], with
// percent-encoding in user, password and path. The text itself never appears in an error: it may hold a
// password.
Result<Address> parse_url(std::string_view url);

}  // namespace campaign::events::redis
